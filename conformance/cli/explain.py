"""`conformance explain`: one fault of the catalogue in words."""

from __future__ import annotations

import click

from conformance.cli.options import completed, fault_names


@click.command()
@click.argument("fault", metavar="[FAULT]", required=False, shell_complete=completed(fault_names))
def explain(fault: str | None) -> None:
    """Explain one fault of the catalogue: its maths, the mending line, where it hides. Without FAULT, list them."""
    from conformance.faults import CATALOGUE, load_fault
    from conformance.report.terminal import console, print_fault

    if fault is None:
        for entry in CATALOGUE.values():
            click.echo(f"{entry.id}\t{entry.name}")
        return
    print_fault(console(), load_fault(fault))
