"""`conformance show`: the steps of both sides next to each other."""

from __future__ import annotations

import click

from conformance.cli.options import completed, end_quietly_where_nobody_reads, subject_names


@click.command()
@click.argument("case_id", metavar="ID")
@click.option(
    "--subject",
    default="torch",
    show_default=True,
    metavar="NAME",
    shell_complete=completed(subject_names),
    help="Whose steps to show.",
)
def show(case_id: str, subject: str) -> None:
    """Print the steps of a subject and of the reference on one case next to each other.

    Of every step the element is shown that uses most of its bound. What differs is told above them, gradients
    too that are made of all steps.
    """
    from conformance.cases import parse_id
    from conformance.examination.engine import examine
    from conformance.examination.side_by_side import side_by_side
    from conformance.record.environment import one_thread
    from conformance.report.terminal import console, print_steps
    from conformance.report.words import tell
    from conformance.subjects import load_subject

    case, implementation = parse_id(case_id), load_subject(subject)
    one_thread()
    end_quietly_where_nobody_reads()
    out = console()
    record = examine(case, implementation)
    if record.verdict != "agrees":
        click.echo(tell(record))
    for title, rows in side_by_side(case, implementation):
        print_steps(out, title, rows)
