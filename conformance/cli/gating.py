"""What commands that end in a verdict share: the options --expect and --baseline, and how they end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from conformance.cases import Case
    from conformance.record import Record
    from conformance.runs.gate import Assessment, Gate

Command = TypeVar("Command", bound=Callable[..., Any])


def gate_options(command: Command) -> Command:
    """Give a command the options `expect` and `baseline`."""
    for option in (
        click.option(
            "--baseline",
            type=click.Path(path_type=Path),
            metavar="RECORD",
            help="Fail only on what is worse than in this agreement.json.",
        ),
        click.option(
            "--expect",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Expected failures: patterns of case ids with reasons.",
        ),
    ):
        command = option(command)
    return command


def assessed(record: Record, gate: Gate, suite: Sequence[Case] | None) -> Assessment:
    """Return what becomes of a record at the gate.

    Expected failures that match nothing of `suite` are an error; None leaves them unchecked.
    """
    from conformance.runs.gate import Assessment

    pairs = None if suite is None else [(case.id, subject) for case in suite for subject in record.subjects]
    return Assessment.of(record, gate, pairs)


def print_assessment(assessment: Assessment) -> int:
    """Tell what is new or unexpected, here and to GitHub, and return the exit code."""
    from conformance.report.gated import gate_lines
    from conformance.report.github import write_github_outputs

    for line in (*gate_lines(assessment), *write_github_outputs(assessment)):
        click.echo(line)
    return assessment.exit_code
