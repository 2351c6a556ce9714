"""`conformance list`: the suites and their cases."""

from __future__ import annotations

import click

from conformance.cli.options import chosen_cases, completed, end_quietly_where_nobody_reads, suite_names


@click.command("list")
@click.option(
    "--suite",
    default="standard",
    show_default=True,
    metavar="smoke|standard|full",
    shell_complete=completed(suite_names),
    help="Whose cases to list.",
)
@click.option("--suites", is_flag=True, help="List the suites and what each is for instead.")
def list_(suite: str, *, suites: bool) -> None:
    """Print the ids of a suite's cases, one a line."""
    from conformance.cases import SUITES

    end_quietly_where_nobody_reads()
    if suites:
        for one in SUITES.values():
            click.echo(f"{one.name}\t{one.size} cases\t{one.purpose}")
        return
    for case in chosen_cases(suite, (), None):
        click.echo(case.id)
