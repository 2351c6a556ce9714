"""`conformance contracts`: what torch.nn.RNN refuses and what it silently takes."""

from __future__ import annotations

import click


@click.command()
@click.pass_context
def contracts(context: click.Context) -> None:
    """Try out what torch.nn.RNN refuses and what it silently takes, next to what refrnn does.

    Exits with 0 if all is as expected, and with 1 if something has changed.
    """
    from conformance.extras import demand
    from conformance.record.environment import one_thread
    from conformance.report.terminal import console, print_contracts
    from conformance.subjects.contracts import probe_contracts

    demand("conformance contracts", "torch")
    one_thread()
    rows = probe_contracts()
    print_contracts(console(), rows)
    context.exit(0 if all(row.holds for row in rows) else 1)
