"""A check in lines of styled pieces: a terminal colours and breaks them, and what is piped is their plain text.

Nothing is imported for that: what draws on a terminal would take as long as a tenth of a check.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from conformance.hand_written.report.view import COLUMNS, MEND, Block, CheckView, view
from conformance.record.check import CheckRecord
from conformance.report.words import legal

COLOURS = {"good": "green", "bad": "red", "open": "yellow"}
SHADES = {"-": "red", "+": "green", "@": "cyan"}
"""How the lines of a diff look, by their first letter."""
LISTS = ("in other settings", "contracts", "notes")
"""Blocks whose lines are of one rank, so that the first of several stands below the name like the others."""
DISPENSABLE = ("ULP", "relative")
"""Columns that are left out, one after the other, where a terminal is too narrow for all."""


class Line(Struct, frozen=True):
    """A line: pieces of text, each with its style, by how much it is indented, and whether it must not be broken."""

    pieces: tuple[tuple[str, str], ...]
    indent: int = 0
    whole: bool = False

    @property
    def text(self) -> str:
        """The line without styles."""
        return " " * self.indent + "".join(text for text, _ in self.pieces)


def check_text(record: CheckRecord, *, verbose: bool = False) -> str:
    """Return everything about one check as text that is piped: a line for each thing that is told."""
    return "".join(f"{line.text}\n" for line in check_lines(record, verbose=verbose))


def check_lines(
    record: CheckRecord, *, verbose: bool = False, strip: Sequence[str] = (), width: int | None = None
) -> Iterator[Line]:
    """Yield everything about one check, the verdict first and the line that reproduces it last.

    `strip` is a picture of how far every step is off; its lines follow the first divergence. A table that is wider than
    `width` lacks some of its columns.
    """
    seen = view(record, verbose=verbose)
    colour = COLOURS[seen.tone]
    yield _line((seen.title, f"bold {colour}"), (f"  {seen.headline}", ""))
    if seen.first is not None:
        yield from _block(seen.first, colour)
    if strip:
        simulated = " (dL/dh simulated)" if record.simulated_steps else ""
        name = f"how far off, at every step{simulated}"
        yield from _block(Block(name=name, lines=("", *strip)), "")
    if seen.rows:
        yield from _table(seen, width)
    for block in seen.blocks:
        yield from _block(block, colour if block.name == "likely cause" else "")
    yield _line(("reproduce", "bold"), (f": {seen.reproduce}", ""))


def one_line(record: CheckRecord, line: str) -> Line:
    """Return a line about one check, which begins with its verdict, in its colour."""
    seen = view(record)
    return _line((seen.title, f"bold {COLOURS[seen.tone]}"), (line.removeprefix(seen.title), ""))


def _line(*pieces: tuple[str, str], indent: int = 0, whole: bool = False) -> Line:
    """Return a line of which nothing moves the cursor, sets the title or hides what stands before."""
    return Line(
        tuple((legal(text).replace("\r", ""), style) for text, style in pieces), indent=indent, whole=whole
    )


def _block(block: Block, colour: str) -> Iterator[Line]:
    name, lines = (block.name, f"bold {colour}".strip()), block.lines
    if block.name in LISTS and len(lines) > 1:
        yield _line(name, (":", ""))
    else:
        yield _line(name, (f": {lines[0]}", ""))
        lines = lines[1:]
    for line in lines:
        shade = SHADES.get(line[:1], "") if block.name == MEND and line[:3] != "---" else ""
        yield _line((line, shade), indent=2)


def _table(seen: CheckView, width: int | None) -> Iterator[Line]:
    """Yield the table of quantities, names and verdicts to the left, numbers to the right."""
    columns = list(range(len(COLUMNS)))
    wide = [max(len(row[n]) for row in (COLUMNS, *seen.rows)) for n in columns]
    for dispensable in DISPENSABLE:
        if width is not None and sum(2 + wide[n] for n in columns) - 2 > width:
            columns.remove(COLUMNS.index(dispensable))
    for row in (COLUMNS, *seen.rows):
        cells = [row[n].ljust(wide[n]) if n < 2 else row[n].rjust(wide[n]) for n in columns]
        verdict = {"agrees": "green", "differs": "red"}.get(row[1], "yellow")
        style, rest = ("bold", "bold") if row is COLUMNS else (verdict, "")
        pieces = ((f"{cells[0]}  ", rest), (cells[1], style), (f"  {'  '.join(cells[2:])}", rest))
        yield _line(*pieces, whole=True)
