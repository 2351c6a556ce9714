"""`conformance check`: what is wrong with hand-written networks, where, and why."""

from __future__ import annotations

import click

from conformance.cli.options import end_quietly_where_nobody_reads, source_files, time_limit
from conformance.cli.watching import changes

FORMATS = ("terminal", "json", "markdown", "html", "github", "sarif", "suggestions")


@click.command()
@click.argument("targets", nargs=-1, required=True, shell_complete=source_files)
@click.option(
    "--case", default="", metavar="ID", help="Check it on this case, not on the one that it admits."
)
@click.option(
    "--format",
    "form",
    default="terminal",
    show_default=True,
    type=click.Choice(FORMATS),
    help="How to tell it.",
)
@time_limit
@click.option(
    "--execute",
    is_flag=True,
    help="Run all of the script first, as it stands; else only its definitions, nothing that trains, reads or plots.",
)
@click.option(
    "-q", "--quiet", is_flag=True, help="Print a line for each network that doesn't conform, no more."
)
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Tell all: of several networks too, and which statements did not run.",
)
@click.option("--watch", is_flag=True, help="Check again whenever a file changes, until Ctrl-C.")
@click.option(
    "--elman",
    is_flag=True,
    help="Leave with 5 where it is another network than torch.nn.RNN, even if its gradients are right.",
)
@click.option(
    "--mend/--no-mend",
    default=None,
    help="Look longer for a patch that makes every gradient right, or not at all; else for about a second.",
)
@click.option(
    "--diff", is_flag=True, help="Print the patch that makes every gradient right, and nothing else."
)
@click.option("--fix", is_flag=True, help="Show that patch, and ask whether it is to be made.")
@click.option("--write", is_flag=True, help="With --fix: make it without asking.")
@click.pass_context
def check(
    context: click.Context,
    targets: tuple[str, ...],
    case: str,
    form: str,
    seconds: float,
    *,
    execute: bool,
    quiet: bool,
    verbose: bool,
    watch: bool,
    elman: bool,
    mend: bool | None,
    diff: bool,
    fix: bool,
    write: bool,
) -> None:
    """Check hand-written networks against torch.nn.RNN: what is wrong, where, and why.

    A target is file.py:Name, package.module:Name or notebook.ipynb:Name; its code runs in a process of its own. A
    folder stands for all networks in its files. Functions of one network may lie in several files: a.py:forward
    b.py:backward. Several networks get a line each.

    Exits with 0 if all conform, or are other networks whose gradients agree with their own forward pass; with 1 if one
    differs, 4 if a folder holds none, and 5 if it can't be said: it raised, hung, or could not be called. After a
    patch was made, with what the code is then.
    """
    _refuse_what_cannot_be_meant(form, mend=mend, diff=diff, fix=fix, write=write, quiet=quiet, watch=watch)
    from conformance.cli.checks import Checks
    from conformance.hand_written.checking.process import Keeper

    end_quietly_where_nobody_reads()
    with Keeper() as keeper:
        checks = Checks(
            targets=targets,
            case=case,
            seconds=seconds,
            execute=execute,
            mend=True if diff or fix else mend,
            form="diff" if diff else "lines" if quiet else form,
            verbose=verbose,
            fix=fix,
            ask=not write,
            elman=elman,
            keeper=keeper,
        )
        if not watch:
            context.exit(checks.once())
        for _ in changes(checks.files):
            checks.once()
            click.echo("watching; Ctrl-C ends it", err=True)


def _refuse_what_cannot_be_meant(
    form: str, *, mend: bool | None, diff: bool, fix: bool, write: bool, quiet: bool, watch: bool
) -> None:
    refused = {
        "--write goes with --fix: it makes the patch that is shown.": write and not fix,
        "--no-mend leaves the patch out that --diff and --fix are about.": mend is False and (diff or fix),
        "--fix changes the files that --watch looks at; use one of them.": fix and watch,
        "--quiet prints lines; --diff and --format print something else. Use one of them.": quiet
        and (diff or form != "terminal"),
    }
    for message, is_so in refused.items():
        if is_so:
            raise click.UsageError(message)
