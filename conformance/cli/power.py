"""`conformance power`: what a suite would have caught."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

import click

from conformance.cli.options import chosen_cases, completed, subject_names, suite_names

if TYPE_CHECKING:
    from conformance.faults.conditional import OwnPower
    from conformance.faults.power import Power

Measured = TypeVar("Measured")


@click.command()
@click.option(
    "--suite",
    default="smoke",
    show_default=True,
    metavar="smoke|standard|full",
    shell_complete=completed(suite_names),
    help="Whose data to measure.",
)
@click.option(
    "--case", "case_id", metavar="ID", help="Name the faults that this one case can't show instead."
)
@click.option(
    "--subject",
    metavar="NAME",
    shell_complete=completed(subject_names),
    help="Plant generic faults in this subject instead: what would the suite catch in it?",
)
@click.pass_context
def power(context: click.Context, suite: str, case_id: str | None, subject: str | None) -> None:
    """Measure what a suite's checks and data catch: planted faults, small disturbances, and right code accused.

    With --case, exit 1 if there is a fault that the case is blind to; with --subject, if the suite misses one.
    """
    from conformance.cases import parse_id
    from conformance.extras import demand
    from conformance.record.environment import one_thread
    from conformance.report.terminal import console, print_blind_spots, print_own_power, print_power

    one_thread()
    if case_id is not None and subject is not None:
        message = "--case and --subject each ask something of their own; give one of them."
        raise click.UsageError(message)
    if subject is not None:
        own = _measured_own_power(subject, suite)
        print_own_power(console(), subject, own)
        context.exit(1 if own.missed else 0)
    if case_id is not None:
        from conformance.faults.power import blind_spots, hidden_mistakes

        case = parse_id(case_id)
        if case.cell == "rnn":
            blind = [(fault.id, fault.name) for fault in blind_spots(case)]
        else:
            blind = list(hidden_mistakes(case).items())
        print_blind_spots(console(), case.id, blind)
        context.exit(1 if blind else 0)
    demand("The power of a suite", "torch")
    measured = _measured_power(suite)
    print_power(console(), measured)
    context.exit(1 if measured.missed or measured.overlooked or measured.accused else 0)


def _measured_own_power(subject: str, suite: str) -> OwnPower:
    """Measure what a suite would catch in a subject."""
    from conformance.faults.conditional import MUTANTS, OwnPower, own_power
    from conformance.subjects import load_subject

    cases, loaded = chosen_cases(suite, (), None), load_subject(subject)
    return _last_of(own_power(loaded, cases), OwnPower(cases=len(cases)), "mutants", len(MUTANTS))


def _measured_power(suite: str) -> Power:
    """Measure the float64 cases of a suite."""
    from conformance.faults.power import Power, measure

    cases = [case for case in chosen_cases(suite, (), None) if case.dtype == "f64"]
    before = Power(cases=len(cases), probed=len(cases))
    return _last_of(measure(cases), before, "mutants, then disturbances", 2 * len(cases))


def _last_of(measurements: Iterable[Measured], before: Measured, what: str, total: int) -> Measured:
    """Return the last of so many measurements, which is the whole one, made under a progress bar."""
    from rich.progress import Progress

    from conformance.report.terminal import console

    found, errors = before, console(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        for found in measurements:  # noqa: B007 - the last one is kept
            progress.advance(task)
    return found
