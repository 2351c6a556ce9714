"""`conformance env`: where and with what a run would be recorded."""

from __future__ import annotations

import click

from conformance.cli.options import end_quietly_where_nobody_reads
from conformance.cli.streams import escaped


@click.command()
def env() -> None:
    """Print the environment that a run records, as JSON."""
    import msgspec

    from conformance.record.environment import environment, one_thread
    from conformance.record.text import json_of

    one_thread()
    end_quietly_where_nobody_reads()
    click.echo(escaped(msgspec.json.format(json_of(environment()), indent=2).decode(), "json"))
