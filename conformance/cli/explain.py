"""`conformance explain`: one fault of the catalogue in words."""

from __future__ import annotations

import click

from conformance.cli.options import completed, fault_names


@click.command()
@click.argument("fault", metavar="[FAULT]", required=False, shell_complete=completed(fault_names))
def explain(fault: str | None) -> None:
    """Explain one fault of the catalogue: its maths, the mending line, where it hides. Without FAULT, list them.

    Those of an LSTM or GRU are a sentence each.
    """
    from conformance.faults import load_fault
    from conformance.faults.catalogue import sentences
    from conformance.faults.cell_mutants import CELL_NETWORKS, cell_of
    from conformance.report.terminal import console, print_fault

    if fault is None:
        for name, sentence in sentences().items():
            click.echo(f"{name}\t{sentence}")
    elif cell := cell_of(fault):
        click.echo(f"{fault}\n{sentences()[fault]}")
        click.echo(
            f"in: {CELL_NETWORKS[cell]}; `conformance check` tells the line, and the line that mends it"
        )
    else:
        print_fault(console(), load_fault(fault))
