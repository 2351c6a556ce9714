"""Grids: large tables as compact data, which a page's script filters and sorts."""

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

Kind = Literal["choice", "text", "number", "detail"]


class Column(Struct, frozen=True, kw_only=True):
    """One column of a grid.

    Attributes
    ----------
    kind
        "choice" (few values, filtered by picking one), "text", "number", or "detail" (shown below the row on demand).
    note
        What it means, for a reader who points at its head.
    pattern
        A text with {labels} of other columns in braces; a row whose cell is what the pattern makes stores nothing.
    """

    label: str
    kind: Kind
    note: str = ""
    pattern: str = ""


class Grid(Struct, frozen=True, kw_only=True):
    """A named table; cells are texts, numbers among them rounded up and written out."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[str]]

    def payload(self) -> dict[str, object]:
        """Return the grid as small JSON: texts by their place in a list of each column's values."""
        values: list[list[str]] = []
        coded: list[list[int | str]] = []
        labels = [column.label for column in self.columns]
        for n, column in enumerate(self.columns):
            cells: Iterable[str] = [row[n] for row in self.rows]
            if column.pattern:
                made = [column.pattern.format_map(dict(zip(labels, row, strict=True))) for row in self.rows]
                cells = ["" if cell == text else cell for cell, text in zip(cells, made, strict=True)]
            places = {text: place for place, text in enumerate(dict.fromkeys(cells))}
            values.append(list(places))
            coded.append([places[cell] for cell in cells])
        columns = [
            {"label": c.label, "kind": c.kind, "note": c.note, "pattern": c.pattern, "values": v}
            for c, v in zip(self.columns, values, strict=True)
        ]
        return {
            "name": self.name,
            "columns": columns,
            "rows": [list(row) for row in zip(*coded, strict=True)],
        }
