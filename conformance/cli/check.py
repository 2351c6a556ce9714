"""`conformance check`: what is wrong with a hand-written network, where, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.cli.options import end_quietly_where_nobody_reads, time_limit
from conformance.cli.streams import escaped

if TYPE_CHECKING:
    from conformance.record.check import CheckRecord

FORMATS = ("terminal", "json", "markdown", "html", "github", "sarif", "suggestions")


@click.command()
@click.argument("targets", nargs=-1, required=True)
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
@click.option("--verbose", is_flag=True, help="List the statements that did not run, and why.")
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
    verbose: bool,
    elman: bool,
    mend: bool | None,
    diff: bool,
    fix: bool,
    write: bool,
) -> None:
    """Check a hand-written network against torch.nn.RNN: what is wrong, where, and why.

    A target is file.py:Name, package.module:Name or notebook.ipynb:Name; its code runs in a process of its own. Where a
    network lies in several files, there is a target for each: a.py:forward b.py:backward.

    Exits with 0 if it conforms, or is another network whose gradients agree with its own forward pass; with 1 if it
    differs, and 5 if that can't be said: it raised, hung, or could not be called. After a patch was made, with what the
    code is then.
    """
    if write and not fix:
        message = "--write goes with --fix: it makes the patch that is shown."
        raise click.UsageError(message)
    if mend is False and (diff or fix):
        message = "--no-mend leaves the patch out that --diff and --fix are about."
        raise click.UsageError(message)
    from conformance.hand_written.checking.process import checked_apart
    from conformance.record.check import EXIT_INCONCLUSIVE

    end_quietly_where_nobody_reads()
    target = " ".join(targets)
    with progress() as tell:
        asked = True if diff or fix else mend
        record = checked_apart(target, case, seconds=seconds, progress=tell, execute=execute, mend=asked)
    if diff:
        click.echo(patch_of(record), nl=False)
    else:
        show(record, form, verbose=verbose)
    if fix and made(record, ask=not write):
        with progress() as tell:
            record = checked_apart(target, case, seconds=seconds, progress=tell, execute=execute, mend=False)
        click.echo(record.headline)
    context.exit(
        EXIT_INCONCLUSIVE if elman and record.exit_code == 0 and not record.conforms else record.exit_code
    )


def patch_of(record: CheckRecord) -> str:
    """Return the patch of a record, and say so where there is none."""
    from conformance.hand_written.mending.patch import unified

    if not record.fixes:
        click.echo(record.located or "No patch was found that makes every gradient right.", err=True)
    return unified(record)


def made(record: CheckRecord, *, ask: bool) -> bool:
    """Make the patch of a record, with `ask` only where that is wanted; return whether it was made.

    A file that isn't kept by git is kept beside, as `.orig`.
    """
    from conformance.hand_written.mending.patch import patched
    from conformance.record.writing import write_set

    files = patched(record)
    if not files:
        click.echo("No patch was found that makes every gradient right.", err=True)
        return False
    if ask and not click.confirm(f"Make this patch in {', '.join(map(str, files))}?"):
        return False
    for path, content in files.items():
        if not kept_by_git(path):
            path.with_name(f"{path.name}.orig").write_bytes(path.read_bytes())
        write_set(path.parent, {path.name: content})
    return True


def kept_by_git(path: Path) -> bool:
    """Return whether git keeps a file as it is now, so that it can be had again."""
    import shutil
    import subprocess

    git = shutil.which("git")
    if git is None:
        return False
    asked = ("-C", str(path.parent.absolute()), "status", "--porcelain", "--ignored", "--", path.name)
    found = subprocess.run([git, *asked], capture_output=True, check=False)  # noqa: S603 - git, found on the path
    return found.returncode == 0 and not found.stdout.strip()


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being done, and nothing elsewhere."""
    from conformance.report.console import console

    errors = console(stderr=True)
    if not errors.is_terminal:
        yield lambda _: None
        return
    with errors.status("starting") as status:
        yield status.update


def show(record: CheckRecord, form: str, *, verbose: bool = False) -> None:
    """Print `record` in one of `FORMATS`; what did not run is listed on the terminal with `verbose`."""
    from conformance.hand_written.report.formats import FORMATS as TEXTS
    from conformance.hand_written.report.terminal import print_check
    from conformance.report.console import console

    if form == "terminal":
        print_check(console(), record, verbose=verbose)
    else:
        click.echo(escaped(TEXTS[form](record), form), nl=False)
