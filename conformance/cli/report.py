"""`conformance report`: all files of a report made again from its record."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.cli.options import prepared_folder


@click.command()
@click.argument("record", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write to this folder.  [default: the record's own]",
)
@click.pass_context
def report(context: click.Context, record: Path, out: Path | None) -> None:
    """Make the files of a report again from RECORD, an agreement.json, alone."""
    from conformance.record.reading import read_record
    from conformance.record.writing import reserved
    from conformance.report import write_report

    read = read_record(record)
    folder = prepared_folder(record.parent if out is None else out)
    context.with_resource(reserved(folder))
    for path in write_report(folder, read):
        click.echo(f"wrote {path}", err=True)
