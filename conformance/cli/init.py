"""`conformance init`: the adapter of a hand-written network as a file, to keep or to mend by hand."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.cli.options import progress, source_files, time_limit
from conformance.hand_written.target import Target, parts_of


@click.command()
@click.argument("targets", nargs=-1, required=True, shell_complete=source_files)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it; by default <name>_adapter.py beside you.",
)
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@time_limit
@click.option("--execute", is_flag=True, help="Run all of the script first, as it stands.")
@click.pass_context
def init(
    context: click.Context,
    targets: tuple[str, ...],
    output: Path | None,
    seconds: float,
    *,
    force: bool,
    execute: bool,
) -> None:
    """Find out how TARGETS are called and write that down as an adapter that needs no finding out.

    Where it can't be found out, the file is a skeleton to fill in, and the exit code is 5.
    """
    from conformance.errors import UsageError
    from conformance.hand_written.checking.process import checked_apart

    target = " ".join(targets)
    path = output or Path(f"{Target.parse(parts_of(target)[0]).stem}_adapter.py")
    if path.exists() and not force:
        message = f"{path} exists already. Pass --force to replace it, or --output for another place."
        raise UsageError(message)
    with progress() as tell:
        record = checked_apart(target, "", seconds=seconds, progress=tell, execute=execute)
    if not record.interface.adapter:
        message = f"No adapter can be written for {target}: {record.headline}"
        raise UsageError(message)
    path.write_text(record.interface.adapter, encoding="utf-8")
    called = record.verdict != "not-called"
    click.echo(f"wrote {path}" if called else f"wrote {path}, a skeleton: {record.headline}")
    click.echo(f"conformance check {path}:network")
    context.exit(0 if called else record.exit_code)
