"""What several commands share: which cases are meant, where a report goes, and how to end where nobody reads."""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from conformance.cli.streams import is_terminal

if TYPE_CHECKING:
    from conformance.cases import Case


Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


class Above(click.FloatRange):
    """A finite number above the lowest: no comparison with NaN or infinity ever fails, or ends anything."""

    def __init__(self, lowest: float) -> None:
        super().__init__(min=lowest, min_open=True)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or refuse what is none."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


time_limit = click.option(
    "--time-limit",
    "seconds",
    default=60.0,
    show_default=True,
    type=Above(0),
    help="Seconds of computing after which it is ended; by the clock, four times as many.",
)
"""The option of commands that run foreign code."""


def source_files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let a shell complete the names of files."""
    return [CompletionItem(incomplete, type="file")]


def completed(names: Callable[[], Iterable[str]]) -> Completer:
    """Return what lets a shell complete one of some names, which are looked up only then."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in names() if name.startswith(incomplete)]

    return complete


def suite_names() -> Iterable[str]:
    """Return the names of the suites."""
    from conformance.cases import SUITES

    return SUITES


def subject_names() -> Iterable[str]:
    """Return the names of the subjects that have one."""
    from conformance.subjects import MODULES

    return MODULES


def fault_names() -> Iterable[str]:
    """Return the ids of all faults."""
    from conformance.faults.catalogue import sentences

    return sentences()


def chosen_cases(suite: str, case_ids: Sequence[str], seed: int | None) -> list[Case]:
    """Return the cases that the options name."""
    from dataclasses import replace

    from conformance.cases import SUITES, parse_id
    from conformance.errors import UsageError

    if case_ids:
        cases = [parse_id(case_id) for case_id in dict.fromkeys(case_ids)]
        return cases if seed is None else [replace(case, seed=seed) for case in cases]
    if suite not in SUITES:
        message = f"There is no suite {suite!r}; choose from {', '.join(SUITES)}."
        raise UsageError(message)
    return SUITES[suite].cases(0 if seed is None else seed)


def end_quietly_where_nobody_reads() -> None:
    """Let a closed pipe end the process as other programs end (status 141), once there is nothing left to lose."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being done, and nothing elsewhere."""
    if not is_terminal(sys.stderr):
        yield lambda _: None
        return
    from conformance.report.console import console

    with console(stderr=True).status("starting") as status:
        yield status.update


def prepared_folder(directory: Path) -> Path:
    """Make sure that a report can be written, before what may take long; return the folder."""
    from conformance.errors import UsageError
    from conformance.extras import demand
    from conformance.report import REPORT_FILES

    demand("A report with its plots", "matplotlib")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not os.access(directory, os.W_OK):
            raise PermissionError(directory)
        for path in (directory / name for name in REPORT_FILES):
            if path.is_dir():
                raise IsADirectoryError(path)
    except OSError as error:
        message = f"The report can't be written to {directory}: {error}. Pass a folder that you may write to."
        raise UsageError(message) from error
    return directory
