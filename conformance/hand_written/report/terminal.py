"""A check on the terminal: one screen, plain where it is piped."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.hand_written.report.view import COLUMNS, Block, CheckView, view
from conformance.record.check import CheckRecord

COLOURS = {"good": "green", "bad": "red", "open": "yellow"}


def print_check(out: Console, record: CheckRecord) -> None:
    """Print everything about one check, the verdict first and the line that reproduces it last."""
    seen = view(record)
    colour = COLOURS[seen.tone]
    out.print(f"[bold {colour}]{seen.title}[/]  {escape(seen.headline)}", soft_wrap=True)
    if seen.first is not None:
        _print_block(out, seen.first, colour)
    if seen.rows:
        out.print(_table(seen))
    for block in seen.blocks:
        _print_block(out, block, colour if block.name == "likely cause" else None)
    out.print(f"[bold]reproduce[/]: {escape(seen.reproduce)}", soft_wrap=True)


def _table(seen: CheckView) -> Table:
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for name, verdict, *cells in seen.rows:
        colour = {"agrees": "green", "differs": "red"}.get(verdict, "yellow")
        table.add_row(escape(name), f"[{colour}]{verdict}[/]", *map(escape, cells))
    return table


def _print_block(out: Console, block: Block, colour: str | None) -> None:
    style = f"bold {colour}" if colour else "bold"
    out.print(f"[{style}]{escape(block.name)}[/]: {escape(block.lines[0])}", soft_wrap=True)
    for line in block.lines[1:]:
        out.print(f"  {escape(line)}", soft_wrap=True)
