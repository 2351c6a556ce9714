"""`conformance diff` and `conformance merge`: two records compared, several made one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import click

from conformance.cli.gating import assessed, gate_options, print_assessment
from conformance.cli.options import Above, end_quietly_where_nobody_reads, prepared_folder

EXIT_REGRESSION, EXIT_NOTHING = 1, 4


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--margin",
    type=Above(1),
    metavar="FACTOR",
    help="How many times larger the worst share of a quantity may be before that is a regression.  [default: 4]",
)
@click.option(
    "--common",
    is_flag=True,
    help="Compare only what both records have; a case that vanished is no regression.",
)
@click.option(
    "--subject",
    "subjects",
    multiple=True,
    metavar="OLD=NEW",
    help="Compare just this subject, or these two of different names (may be repeated).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
@click.pass_context
def diff(
    context: click.Context,
    *,
    old: Path,
    new: Path,
    margin: float | None,
    common: bool,
    subjects: tuple[str, ...],
    form: Literal["text", "markdown", "json"],
) -> None:
    """Tell what got better, worse, appeared or vanished from the record OLD to the record NEW.

    Subjects go by their names; one that is called otherwise in each, as a network is in tests and by its place, goes
    by its description.

    Exits with 0 if nothing got worse, with 1 on a regression (a verdict that is worse, a case that vanished, a
    worst share grown beyond the factor, a new run that was interrupted, a contract that holds no more, a planted fault
    that isn't caught any more), and with 4 if the records have no case in common.
    """
    from conformance.record.comparing.difference import MARGIN, difference
    from conformance.record.reading import read_record
    from conformance.report.difference import difference_json, difference_markdown, difference_text

    found = difference(
        read_record(old),
        read_record(new),
        margin=MARGIN if margin is None else margin,
        common_only=common,
        subjects=subjects,
    )
    end_quietly_where_nobody_reads()
    tell = {"text": difference_text, "markdown": difference_markdown, "json": difference_json}[form]
    click.echo(tell(found), nl=False)
    context.exit(EXIT_NOTHING if not found.common else EXIT_REGRESSION if found.regressions else 0)


@click.command()
@click.argument("shards", nargs=-1, required=True, metavar="SHARD...", type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the files of the report to this folder.",
)
@gate_options
@click.pass_context
def merge(
    context: click.Context, shards: Sequence[Path], out: Path, expect: Path | None, baseline: Path | None
) -> None:
    """Join the records of shards, or of one suite on several platforms, into one, and write its report.

    Duplicates and contradictions are refused by name. Exits as the run of the whole would have; --expect and --baseline
    mean what they mean there.
    """
    from conformance.cases import SUITES
    from conformance.record.comparing.merge import merged
    from conformance.record.reading import read_record
    from conformance.record.summary import sentence
    from conformance.record.writing import reserved
    from conformance.report import write_report
    from conformance.report.words import changed_lines
    from conformance.runs.gate import Gate

    _each_once(shards)
    gate = Gate.load(expect, baseline)
    record = merged({str(path): read_record(path) for path in shards})
    suite = SUITES[record.suite].cases(record.seed or 0) if record.suite in SUITES else None
    assessment = assessed(record, gate, suite)
    context.with_resource(reserved(prepared_folder(out)))
    for path in write_report(out, assessment.record):
        click.echo(f"wrote {path}", err=True)
    for line in (*changed_lines(record.contracts), sentence(record)):
        click.echo(line)
    context.exit(print_assessment(assessment))


def _each_once(paths: Sequence[Path]) -> None:
    """Raise if one file is passed twice, in whatever spelling."""
    from conformance.errors import UsageError

    seen: dict[Path, Path] = {}
    for path in paths:
        first = seen.setdefault(path.resolve(), path)
        if first is not path:
            message = f"{path} is the same file as {first}. Pass every record once."
            raise UsageError(message)
