"""`Change`: a stretch of a source with other text in its place, every other byte as it was."""

import ast
import copy
from functools import lru_cache

from msgspec import Struct

from conformance.hand_written.mending.forward.sites import STORED
from conformance.hand_written.mending.functions import functions_of
from conformance.hand_written.mending.units import Unit

Place = tuple[int, int]
"""A line from 1, and a column in UTF-8 bytes from 0, as syntax trees count."""


class Change(Struct, frozen=True):
    """A stretch of text between two places, and what stands there instead."""

    start: Place
    end: Place
    text: str

    @classmethod
    def of(cls, node: ast.expr | ast.stmt, text: str) -> "Change":
        """Return the change that puts a text in the place of a node."""
        return cls(
            (node.lineno, node.col_offset),
            (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset),
            text,
        )

    def applied(self, source: str) -> str:
        """Return a source with the change made."""
        lines = lines_of(source)
        (first, left), (last, right) = self.start, self.end
        whole = lines[first - 1][:left] + self.text.encode() + lines[last - 1][right:]
        return b"\n".join([*lines[: first - 1], whole, *lines[last:]]).decode()


@lru_cache(maxsize=50)
def lines_of(source: str) -> list[bytes]:
    """Return the lines of a source as syntax trees count columns in them."""
    return source.encode().split(b"\n")


def segment(node: ast.expr | ast.stmt, source: str) -> str:
    """Return the text of a node of a source."""
    lines = lines_of(source)
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    if first == last:
        return lines[first][node.col_offset : node.end_col_offset].decode()
    inside = [lines[first][node.col_offset :], *lines[first + 1 : last], lines[last][: node.end_col_offset]]
    return b"\n".join(inside).decode()


def exchanged(unit: Unit, source: str, old: ast.expr, new: ast.expr, whole: ast.expr) -> str | None:
    """Return a source in which a unit is `whole`: `new` stands in the place of `old`.

    What stays of the expression keeps its text; None where no text means it.
    """
    wanted = _meant(unit, whole)
    text = written(new, unit.expression, source)
    place = unit.expression
    for node, told in (
        (old, text),
        (old, f"({text})"),
        (place, ast.unparse(whole)),
        (place, f"({ast.unparse(whole)})"),
    ):
        changed = Change.of(node, told).applied(source)
        try:
            function = functions_of(unit.function.key[0], changed)[unit.function.key[1]]
        except (SyntaxError, IndexError):
            continue
        if ast.dump(function.node) == wanted:
            return changed
    return None


def _meant(unit: Unit, whole: ast.expr) -> str:
    """Return what a function is with another expression in the place of a unit, wherever that stands."""
    before = unit.expression
    unit.put(whole)
    try:
        return ast.dump(unit.function.node)
    finally:
        unit.put(before)


def written(new: ast.expr, among: ast.expr, source: str) -> str:
    """Return the text of an expression; the names and calls in it that stand in the source keep theirs."""
    there = {id(node) for node in ast.walk(among)}
    kept: dict[str, str] = {}

    class Keeping(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            if id(node) in there and isinstance(node, (*STORED, ast.Call)):
                text = segment(node, source)
                if "\n" not in text:
                    name = f"kept_{len(kept)}_"
                    kept[name] = text
                    return ast.Name(name, ast.Load())
            return super().visit(node)

        def generic_visit(self, node: ast.AST) -> ast.AST:
            fresh = copy.copy(node)
            for name, value in ast.iter_fields(node):
                if isinstance(value, list):
                    setattr(fresh, name, list(value))
            return super().generic_visit(fresh)

    text = ast.unparse(_fresh(Keeping(), new))
    for name, told in kept.items():
        text = text.replace(name, told)
    return text


def _fresh(transformer: ast.NodeTransformer, node: ast.expr) -> ast.AST:
    """Return a transformed copy: what is shared with other expressions stays as it is."""
    return ast.fix_missing_locations(transformer.visit(node))
