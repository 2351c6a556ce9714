"""The command line. Nothing heavy is imported before a command needs it, so that --help answers at once."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from conformance.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.cases import Case
    from conformance.power import Power
    from conformance.record import Record
    from conformance.runner import Examined

EXIT_USAGE, EXIT_INTERNAL, EXIT_INTERRUPTED = 2, 3, 130

EPILOG = """
Exit codes of run: 0 conforms, 1 discrepancy, 2 wrong usage, 3 internal error, 4 nothing was checked,
5 inconclusive, 130 interrupted.
"""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=EPILOG
)
@click.version_option(package_name="refrnn", prog_name="conformance")
def cli() -> None:
    """Cross-check torch.nn.RNN step by step against a clean NumPy reference."""


@cli.command()
@click.option(
    "--suite",
    default="standard",
    show_default=True,
    metavar="smoke|standard|full",
    help="Which cases to run.",
)
@click.option("--case", "case_ids", multiple=True, metavar="ID", help="Run just this case (may be repeated).")
@click.option(
    "--subject", "subjects", multiple=True, metavar="NAME", help="Judge just this subject (may be repeated)."
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Worker processes.")
@click.option(
    "--explore", type=click.IntRange(min=1), metavar="N", help="Run N random cases instead of a suite."
)
@click.option(
    "--seed", type=click.IntRange(min=0), help="Draw other data (or other random cases) with another seed."
)
@click.option(
    "--report", "report", type=click.Path(file_okay=False, path_type=Path), help="Write the report here."
)
@click.pass_context
def run(
    context: click.Context,
    suite: str,
    case_ids: Sequence[str],
    subjects: Sequence[str],
    jobs: int,
    explore: int | None,
    seed: int | None,
    report: Path | None,
) -> None:
    """Run a suite (or single or random cases), print a summary, and write DIR/agreement.json and DIR/agreement.md."""
    from conformance.report.terminal import console, print_summary
    from conformance.summary import exit_code, summarise

    chosen = [name for name in ("suite", "case_ids", "explore") if _given(context, name)]
    if len(chosen) > 1:
        message = "--suite, --case and --explore each say what to run; give one of them."
        raise click.UsageError(message)
    if explore is not None:
        from conformance.cases import random_cases

        suite, cases = f"{explore} random cases", list(random_cases(explore, seed=seed or 0))
    else:
        suite, cases = "selected cases" if case_ids else suite, _chosen(suite, case_ids, seed)
    if report is not None:
        _prepare(report)
    record = _recorded(suite, cases, subjects, jobs=jobs, seed=seed)
    if report is not None:
        from conformance.report import write_report

        for path in write_report(report, record):
            click.echo(f"wrote {path}", err=True)
    _end_quietly_where_nobody_reads()
    print_summary(console(), summarise(record))
    if explore is not None:
        _print_shrunk(record)
    context.exit(exit_code(record))


@cli.command("list")
@click.option(
    "--suite",
    default="standard",
    show_default=True,
    metavar="smoke|standard|full",
    help="Whose cases to list.",
)
@click.option("--suites", is_flag=True, help="List the suites and what each is for instead.")
def list_(suite: str, *, suites: bool) -> None:
    """Print the ids of a suite's cases, one a line."""
    from conformance.cases import SUITES

    _end_quietly_where_nobody_reads()
    if suites:
        for one in SUITES.values():
            click.echo(f"{one.name}\t{len(one.cases())} cases\t{one.purpose}")
        return
    for case in _chosen(suite, (), None):
        click.echo(case.id)


@cli.command()
@click.argument("case_id", metavar="ID")
@click.option("--subject", default="torch", show_default=True, metavar="NAME", help="Whose steps to show.")
def show(case_id: str, subject: str) -> None:
    """Print the steps of a subject and of the reference on one case next to each other.

    Of every step the element is shown that uses most of its bound.
    """
    from conformance.cases import parse_id
    from conformance.environment import one_thread
    from conformance.report.terminal import console, print_steps
    from conformance.side_by_side import side_by_side
    from conformance.subjects import load_subject

    case, implementation = parse_id(case_id), load_subject(subject)
    one_thread()
    _end_quietly_where_nobody_reads()
    out = console()
    for title, rows in side_by_side(case, implementation):
        print_steps(out, title, rows)


@cli.command()
@click.option(
    "--suite",
    default="smoke",
    show_default=True,
    metavar="smoke|standard|full",
    help="Whose data to measure.",
)
@click.option(
    "--case", "case_id", metavar="ID", help="Name the faults that this one case can't show instead."
)
@click.pass_context
def power(context: click.Context, suite: str, case_id: str | None) -> None:
    """Measure what a suite's checks and data catch: planted faults, small disturbances, and right code accused.

    With --case, exit 1 if there is a fault that the case is blind to.
    """
    from conformance.cases import parse_id
    from conformance.environment import one_thread
    from conformance.report.terminal import console, print_blind_spots, print_power

    one_thread()
    if case_id is not None:
        from conformance.power import blind_spots

        case = parse_id(case_id)
        blind = blind_spots(case)
        print_blind_spots(console(), case.id, [(fault.id, fault.name) for fault in blind])
        context.exit(1 if blind else 0)
    measured = _measured_power(suite)
    print_power(console(), measured)
    context.exit(1 if measured.missed or measured.overlooked or measured.accused else 0)


@cli.command()
@click.argument("fault", metavar="[FAULT]", required=False)
def explain(fault: str | None) -> None:
    """Explain one fault of the catalogue: its maths, the mending line, where it hides. Without FAULT, list them."""
    from conformance.faults import CATALOGUE, load_fault
    from conformance.report.terminal import console, print_fault

    if fault is None:
        for entry in CATALOGUE.values():
            click.echo(f"{entry.id}\t{entry.name}")
        return
    print_fault(console(), load_fault(fault))


@cli.command()
@click.pass_context
def contracts(context: click.Context) -> None:
    """Try out what torch.nn.RNN refuses and what it silently takes, next to what refrnn does.

    Exits with 0 if all is as expected, and with 1 if something has changed.
    """
    from conformance.contracts import probe_contracts
    from conformance.environment import one_thread
    from conformance.report.terminal import console, print_contracts

    one_thread()
    rows = probe_contracts()
    print_contracts(console(), rows)
    context.exit(0 if all(row.holds for row in rows) else 1)


@cli.command()
def env() -> None:
    """Print the environment that a run records, as JSON."""
    import msgspec

    from conformance.environment import environment, one_thread

    one_thread()
    _end_quietly_where_nobody_reads()
    click.echo(msgspec.json.format(msgspec.json.encode(environment()), indent=2))


def _given(context: click.Context, parameter: str) -> bool:
    """Return whether an option was given on the command line."""
    return context.get_parameter_source(parameter) == click.core.ParameterSource.COMMANDLINE


def _measured_power(suite: str) -> Power:
    """Measure the float64 cases of a suite under a progress bar."""
    from rich.progress import Progress

    from conformance.faults import CATALOGUE
    from conformance.power import Power, measure
    from conformance.report.terminal import console

    cases = [case for case in _chosen(suite, (), None) if case.dtype == "f64"]
    found, errors = Power(cases=len(cases)), console(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("mutants, then cases", total=len(CATALOGUE) + len(cases))
        for found in measure(cases):  # noqa: B007 - the last one is the whole measurement
            progress.advance(task)
    return found


def _print_shrunk(record: Record) -> None:
    """Print the smallest case that fails like the first failing one of a run."""
    from conformance.cases import parse_id
    from conformance.engine import examine
    from conformance.shrink import shrunk
    from conformance.subjects import load_subject

    failing = next((case for case in record.cases if case.verdict in ("differs", "error")), None)
    if failing is None:
        return
    subject = load_subject(failing.subject)
    smallest = shrunk(parse_id(failing.case), lambda case: examine(case, subject).verdict == failing.verdict)
    click.echo(
        f"smallest case that fails alike: conformance run --case {smallest.id} --subject {failing.subject}"
    )


def _chosen(suite: str, case_ids: Sequence[str], seed: int | None) -> list[Case]:
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


def _end_quietly_where_nobody_reads() -> None:
    """Let a closed pipe end the process as other programs end (status 141), once there is nothing left to lose."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def _prepare(directory: Path) -> None:
    """Make sure before a long run that its report can be written."""
    from conformance.errors import UsageError
    from conformance.report import REPORT_FILES

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


def _recorded(
    suite: str, cases: Sequence[Case], subjects: Sequence[str], *, jobs: int, seed: int | None
) -> Record:
    """Run the cases under a progress bar and return the record."""
    from collections import Counter
    from time import perf_counter

    from rich.progress import Progress

    from conformance.environment import environment
    from conformance.record import SCHEMA, Record
    from conformance.report.terminal import console
    from conformance.runner import run_cases
    from conformance.subjects import DEFAULT, load_subject

    chosen = list(dict.fromkeys(subjects)) or list(DEFAULT)
    for name in chosen:
        load_subject(name)
    errors = console(stderr=True)
    started = perf_counter()
    if not errors.is_terminal:
        errors.print(
            f"running {len(cases):,} cases on {', '.join(chosen)} with {jobs} worker(s)", soft_wrap=True
        )
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("cases", total=len(cases))

        def advance(_: Examined) -> None:
            progress.advance(task)

        outcome = run_cases(cases, chosen, jobs=jobs, on_progress=advance)
    records = outcome.records()
    return Record(
        schema=SCHEMA,
        complete=outcome.complete,
        suite=suite,
        seed=seed,
        subjects=chosen,
        summary=dict(Counter(record.verdict for record in records)),
        cases=records,
        environment=environment(),
        seconds=round(perf_counter() - started, 3),
        timings=outcome.timings(),
    )


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with an honest exit code."""
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as long as the process
    try:
        code = cli.main(args=arguments, prog_name="conformance", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = EXIT_USAGE
    except ConformanceError as error:
        click.echo(f"Error: {error}", err=True)
        code = EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        code = EXIT_INTERRUPTED
    except OSError as error:
        click.echo(f"Error: {error}", err=True)  # a full disk, say: not ours to report
        code = EXIT_INTERNAL
    except Exception:  # noqa: BLE001 - the last resort tells what happened and doesn't claim a verdict
        import traceback

        traceback.print_exc()
        click.echo("Internal error: this is a mistake in conformance itself; please report it.", err=True)
        code = EXIT_INTERNAL
    sys.exit(code)
