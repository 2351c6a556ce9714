"""`conformance check`: what is wrong with a hand-written network, where, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from conformance.cli.options import end_quietly_where_nobody_reads, time_limit
from conformance.cli.streams import escaped

if TYPE_CHECKING:
    from conformance.record.check import CheckRecord

FORMATS = ("terminal", "json", "markdown", "html", "github", "sarif")


@click.command()
@click.argument("target")
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
@click.pass_context
def check(
    context: click.Context,
    target: str,
    case: str,
    form: str,
    seconds: float,
    *,
    execute: bool,
    verbose: bool,
    elman: bool,
) -> None:
    """Check a hand-written network against torch.nn.RNN: what is wrong, where, and why.

    TARGET is file.py:Name, package.module:Name or notebook.ipynb:Name; its code runs in a process of its own.

    Exits with 0 if it conforms, or is another network whose gradients agree with its own forward pass; with 1 if it
    differs, and 5 if that can't be said: it raised, hung, or could not be called.
    """
    from conformance.hand_written.checking.process import checked_apart
    from conformance.record.check import EXIT_INCONCLUSIVE

    end_quietly_where_nobody_reads()
    with progress() as tell:
        record = checked_apart(target, case, seconds=seconds, progress=tell, execute=execute)
    show(record, form, verbose=verbose)
    context.exit(
        EXIT_INCONCLUSIVE if elman and record.exit_code == 0 and not record.conforms else record.exit_code
    )


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
