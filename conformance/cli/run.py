"""`conformance run`: a suite, single cases or random ones, on the chosen subjects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.cli.gating import assessed, gate_options, print_assessment
from conformance.cli.options import (
    Above,
    chosen_cases,
    completed,
    end_quietly_where_nobody_reads,
    prepared_folder,
    subject_names,
    suite_names,
)

if TYPE_CHECKING:
    from conformance.cases import Case
    from conformance.record import Record
    from conformance.runs import Examined, Ledger, Session
    from conformance.runs.session import ExecutorName


@click.command()
@click.option(
    "--suite",
    default="standard",
    show_default=True,
    metavar="smoke|standard|full",
    shell_complete=completed(suite_names),
    help="Which cases to run.",
)
@click.option("--case", "case_ids", multiple=True, metavar="ID", help="Run just this case (may be repeated).")
@click.option(
    "--subject",
    "subjects",
    multiple=True,
    metavar="NAME",
    shell_complete=completed(subject_names),
    help="Judge just this subject (may be repeated).",
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Worker processes.")
@click.option("--shard", metavar="I/N", help="Run the I-th of N parts, split by case id.")
@click.option(
    "--resume", is_flag=True, help="Go on with the unfinished run whose ledger is in the report's folder."
)
@click.option(
    "--limit",
    type=Above(0),
    metavar="SECONDS",
    help="After which a case hangs; with --jobs 1 it then runs in a worker.  [default: 600 for workers]",
)
@click.option(
    "--executor", default="process", type=click.Choice(["process", "dask"]), help="Where workers come from."
)
@click.option("--scheduler", metavar="ADDRESS", help="Of the Dask cluster, for --executor dask.")
@click.option(
    "--explore", type=click.IntRange(min=1), metavar="N", help="Run N random cases instead of a suite."
)
@click.option(
    "--seed", type=click.IntRange(min=0), help="Draw other data (or other random cases) with another seed."
)
@click.option(
    "--report", "report", type=click.Path(file_okay=False, path_type=Path), help="Write the report here."
)
@gate_options
@click.option(
    "--evidence/--no-evidence",
    default=None,
    help="Measure detection power, contracts and error profiles too, for the report, which takes torch.  "
    "[default: for a suite's report]",
)
@click.option(
    "--condense",
    is_flag=True,
    help="Keep totals, and of cases that agree the worst quantities: a small record, the same for the same results, "
    "to be kept in a repository; it can be compared, but not merged.",
)
@click.pass_context
def run(
    context: click.Context,
    *,
    suite: str,
    case_ids: Sequence[str],
    subjects: Sequence[str],
    jobs: int,
    explore: int | None,
    seed: int | None,
    report: Path | None,
    expect: Path | None,
    baseline: Path | None,
    evidence: bool | None,
    shard: str | None,
    limit: float | None,
    scheduler: str | None,
    executor: ExecutorName,
    resume: bool,
    condense: bool,
) -> None:
    """Run a suite (or single or random cases), print a summary, and write the report to DIR.

    The report is agreement.html, .md and .json (the record, from which `conformance report` makes the others again),
    junit.xml and badge.json.
    """
    from conformance.extras import demand, lacking
    from conformance.record.summary import EXIT_INTERRUPTED, summarise
    from conformance.report.console import console
    from conformance.report.terminal_summary import print_summary
    from conformance.runs import Session
    from conformance.runs.gate import Gate

    chosen = [name for name in ("suite", "case_ids", "explore") if _given(context, name)]
    if len(chosen) > 1:
        message = "--suite, --case and --explore each say what to run; give one of them."
        raise click.UsageError(message)
    gate = Gate.load(expect, baseline)
    whole = None if case_ids or explore is not None else chosen_cases(suite, (), seed)
    suite, cases = _meant(suite, case_ids, explore, seed, shard)
    if report is not None:
        prepared_folder(report)
    elif resume:
        message = (
            "--resume goes on with the run whose ledger is in a report's folder; give that with --report."
        )
        raise click.UsageError(message)
    if evidence is None:
        evidence = whole is not None and report is not None and shard is None and not lacking(["torch"])
    elif evidence:
        demand("--evidence", "torch")
    session = Session(
        suite=suite,
        cases=cases,
        subjects=_named(subjects),
        seed=seed,
        jobs=jobs,
        executor=executor,
        scheduler=scheduler,
        limit=limit,
        evidence=evidence,
        vacuity=bool(case_ids),
    )
    ledger = None if report is None else _opened_ledger(context, report, session, resume=resume)
    record, finished = _recorded(session, ledger)
    assessment = assessed(record, gate, whole)
    record = assessment.record
    if report is not None and ledger is not None:
        _write(report, record, ledger, finished=finished, condense=condense and finished)
    end_quietly_where_nobody_reads()
    out = console()
    print_summary(out, summarise(record))
    if explore is not None:
        _print_shrunk(record)
    code = print_assessment(assessment)
    context.exit(code if finished else EXIT_INTERRUPTED)


def _opened_ledger(context: click.Context, report: Path, session: Session, *, resume: bool) -> Ledger:
    """Open the ledger of a run until the command ends, and tell what is damaged in it."""
    from conformance.runs import Ledger

    ledger = context.with_resource(Ledger(report / "agreement.ledger", session.identity, resume=resume))
    for damage in ledger.damaged:
        click.echo(damage, err=True)
    return ledger


def _write(report: Path, record: Record, ledger: Ledger, *, finished: bool, condense: bool) -> None:
    """Write the files of a report, and then forget the ledger of a run that has nothing left to do."""
    from conformance.report import write_report

    for path in write_report(report, record, condense=condense):
        click.echo(f"wrote {path}", err=True)
    if finished:
        ledger.forget()
    else:
        click.echo(f"{ledger.path} keeps what is finished; add --resume to go on", err=True)


def _meant(
    suite: str, case_ids: Sequence[str], explore: int | None, seed: int | None, shard: str | None
) -> tuple[str, list[Case]]:
    """Return what is to be run: its name for the record, and the cases."""
    from conformance.cases import Shard, random_cases

    if explore is not None:
        name, cases = f"{explore} random cases", list(random_cases(explore, seed=seed or 0))
    else:
        name, cases = "selected cases" if case_ids else suite, chosen_cases(suite, case_ids, seed)
    if shard is None:
        return name, cases
    part = Shard.parse(shard)
    return f"{name}, shard {part}", [case for case in cases if part.has(case)]


def _given(context: click.Context, parameter: str) -> bool:
    """Return whether an option was given on the command line."""
    return context.get_parameter_source(parameter) == click.core.ParameterSource.COMMANDLINE


def _named(subjects: Sequence[str]) -> list[str]:
    """Return the subjects to judge, each once; the default ones where none is named."""
    from conformance.subjects import DEFAULT, load_subject

    chosen = list(dict.fromkeys(subjects)) or list(DEFAULT)
    for name in chosen:
        load_subject(name)
    return chosen


def _recorded(session: Session, ledger: Ledger | None) -> tuple[Record, bool]:
    """Run the cases under a progress bar; return the record, and whether all that was asked for is in it."""
    from rich.progress import Progress

    from conformance.report.terminal import console
    from conformance.runs import EvidenceInterrupted

    errors = console(stderr=True)
    if not errors.is_terminal:
        errors.print(
            f"running {len(session.cases):,} cases on {', '.join(session.subjects)} with {session.jobs} worker(s)",
            soft_wrap=True,
        )
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("cases", total=len(session.cases))

        def advance(_: Examined) -> None:
            progress.advance(task)

        def tell(part: str) -> None:
            progress.update(task, description=part)

        try:
            record = session.run(advance, tell, ledger=ledger)
        except EvidenceInterrupted as interrupt:
            errors.print("Interrupted after the cases: the record lacks what is measured beside them.")
            return interrupt.record, False
    return record, record.complete


def _print_shrunk(record: Record) -> None:
    """Print the smallest case that fails like the first failing one of a run."""
    from conformance.cases import parse_id
    from conformance.examination.engine import verdict_on
    from conformance.examination.shrink import shrunk
    from conformance.subjects import load_subject

    failing = next((case for case in record.cases if case.verdict in ("differs", "error")), None)
    if failing is None:
        return
    subject = load_subject(failing.subject)
    smallest = shrunk(parse_id(failing.case), lambda case: verdict_on(case, subject) == failing.verdict)
    click.echo(
        f"smallest case that fails alike: conformance run --case {smallest.id} --subject {failing.subject}"
    )
