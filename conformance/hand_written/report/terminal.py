"""A check on the terminal: one screen, plain where it is piped."""

import io

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from conformance.hand_written.report.view import COLUMNS, MEND, Block, CheckView, view
from conformance.record.check import CheckRecord
from conformance.report.console import HarmlessConsole

COLOURS = {"good": "green", "bad": "red", "open": "yellow"}
SHADES = {"-": "red", "+": "green", "@": "cyan"}
"""How the lines of a diff look, by their first letter."""
LISTS = ("in other settings", "contracts", "notes")
"""Blocks whose lines are of one rank, so that the first of several stands below the name like the others."""
DISPENSABLE = ("ULP", "relative")
"""Columns that are left out, one after the other, where a terminal is too narrow for all."""


def print_check(out: Console, record: CheckRecord, *, verbose: bool = False) -> None:
    """Print everything about one check, the verdict first and the line that reproduces it last.

    On a terminal lines are broken between words; what is piped has a line for each thing that is told.
    """
    seen = view(record, verbose=verbose)
    colour = COLOURS[seen.tone]
    _print(out, f"[bold {colour}]{seen.title}[/]  {escape(seen.headline)}")
    if seen.first is not None:
        _print_block(out, seen.first, colour)
    if out.is_terminal:
        _print_strip(out, record)
    if seen.rows:
        out.print(_table(seen, out.width if out.is_terminal else None), soft_wrap=True)
    for block in seen.blocks:
        _print_block(out, block, colour if block.name == "likely cause" else None)
    _print(out, f"[bold]reproduce[/]: {escape(seen.reproduce)}")


def _print_strip(out: Console, record: CheckRecord) -> None:
    """Print how far every step is off as a picture of a line, where something is."""
    from conformance.report.strip import strip_lines

    plain = out.is_dumb_terminal or not out.encoding.startswith("utf")
    lines = strip_lines(record.maps, plain=plain)
    if lines:
        simulated = " (dL/dh simulated)" if record.simulated_steps else ""
        _print_block(out, Block(name=f"how far off, at every step{simulated}", lines=("", *lines)), None)


def print_one_line(out: Console, record: CheckRecord, line: str) -> None:
    """Print a line about one check, which begins with its verdict, in its colour."""
    seen = view(record)
    rest = line.removeprefix(seen.title)
    _print(out, f"[bold {COLOURS[seen.tone]}]{seen.title}[/]{escape(rest)}")


def check_text(record: CheckRecord) -> str:
    """Return what `print_check` prints where it is piped."""
    text = io.StringIO()
    print_check(HarmlessConsole(file=text, highlight=False, force_terminal=False, width=140), record)
    return text.getvalue()


def _table(seen: CheckView, width: int | None) -> Table:
    """Return the table of quantities, without some of its columns where it would be wider than `width`."""
    rows = [COLUMNS, *seen.rows]
    columns = list(range(len(COLUMNS)))
    for dispensable in DISPENSABLE:
        wide = sum(2 + max(len(row[n]) for row in rows) for n in columns) - 2
        if width is not None and wide > width:
            columns.remove(COLUMNS.index(dispensable))
    table = Table(*(COLUMNS[n] for n in columns), box=None, pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[2:]:
        column.justify = "right"
    for row in seen.rows:
        colour = {"agrees": "green", "differs": "red"}.get(row[1], "yellow")
        cells = [escape(row[n]) for n in columns]
        cells[1] = f"[{colour}]{cells[1]}[/]"
        table.add_row(*cells)
    return table


def _print_block(out: Console, block: Block, colour: str | None) -> None:
    style = f"bold {colour}" if colour else "bold"
    lines = block.lines
    if block.name in LISTS and len(lines) > 1:
        _print(out, f"[{style}]{escape(block.name)}[/]:")
    else:
        _print(out, f"[{style}]{escape(block.name)}[/]: {escape(lines[0])}")
        lines = lines[1:]
    for line in lines:
        shade = SHADES.get(line[:1]) if block.name == MEND and line[:3] != "---" else None
        _print(out, f"[{shade}]{escape(line)}[/]" if shade else escape(line), indent=2)


def _print(out: Console, text: str, indent: int = 0) -> None:
    """Print one line, on a terminal in as many as it takes."""
    if not out.is_terminal:
        out.print(" " * indent + text, soft_wrap=True)
        return
    spaces = len(text) - len(text.lstrip())
    out.print(Padding(text.lstrip(), (0, 0, 0, indent + spaces)))
