"""Numbers that a script computes at other times than in a step: its loss, as it is printed after so many epochs.

They are expressions of its source, evaluated where a step is about to update, with what has its name by then.
"""

import ast
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import CodeType, FrameType

from msgspec import Struct

from conformance.hand_written.by_example.arrays import number_in
from conformance.hand_written.calling.hints.names import CALLED_A_LOSS
from conformance.hand_written.calling.loading.source import Piece

LIBRARIES = {"np", "numpy", "math"}

HARMLESS = {"abs", "float", "item", "len", "max", "mean", "min", "sum"}
"""What is called in an expression besides a library and what is called a loss: nothing that may change anything."""

MODULE = "<module>"
"""What Python calls the code outside all functions."""


class Written(Struct, frozen=True):
    """An expression of a source.

    Attributes
    ----------
    text, code
        As it is written, and compiled.
    lines
        The first and the last line of the branch that gives names of it their values: it is of what is done there.
    """

    text: str
    code: CodeType
    lines: tuple[int, float] = (0, math.inf)


class _Place(Struct, frozen=True):
    """Where an expression stands: in which function, whether in a loop, and in which branches of that."""

    scope: str
    in_a_loop: bool = False
    branches: tuple[tuple[frozenset[str], tuple[int, float]], ...] = ()

    def below(self, node: ast.AST) -> "_Place":
        """Return the place of what stands in a statement."""
        if isinstance(node, ast.FunctionDef):
            return _Place(node.name)
        if isinstance(node, (ast.For, ast.While)):
            return _Place(self.scope, in_a_loop=True)
        return self

    def in_branch(self, body: Sequence[ast.stmt]) -> "_Place":
        """Return the place of what stands in a branch, which is run in some rounds of a loop alone."""
        lines = body[0].lineno, body[-1].end_lineno or math.inf
        bound = frozenset(_names(body, ast.Store))
        return _Place(self.scope, in_a_loop=True, branches=((bound, lines), *self.branches))

    def lines_of(self, expression: ast.expr) -> tuple[int, float]:
        """Return the lines of the innermost branch that binds a name of an expression, else those of all."""
        read = set(_names([expression], ast.Load))
        return next((lines for bound, lines in self.branches if bound & read), (0, math.inf))


def written_in(pieces: Iterable[Piece]) -> dict[tuple[str, str], list[Written]]:
    """Return the expressions that may be losses, by the file and the name of the function they stand in."""
    found: dict[tuple[str, str], list[Written]] = {}
    for piece in pieces:
        for place, node in _expressions(piece.tree, _Place(MODULE)):
            if _changes_nothing(node):
                text = ast.unparse(node)
                code = compile(text, piece.file, "eval")
                each = Written(text, code, place.lines_of(node))
                found.setdefault((piece.file, place.scope), []).append(each)
    return found


def numbers_of(
    frames: Sequence[FrameType], written: Mapping[tuple[str, str], Sequence[Written]]
) -> Iterator[tuple[str, str, float]]:
    """Yield the functions that run, and the texts and values of their expressions that are numbers by now."""
    for frame in frames:
        for each in written.get((frame.f_code.co_filename, frame.f_code.co_name), ()):
            if not each.lines[0] <= frame.f_lineno <= each.lines[1]:
                continue
            try:
                number = number_in(eval(each.code, frame.f_globals, frame.f_locals))
            except Exception:
                continue
            if number is not None:
                yield frame.f_code.co_qualname, each.text, number


def _expressions(node: ast.AST, place: _Place) -> Iterator[tuple[_Place, ast.expr]]:
    """Yield what is printed, kept in a list, given a name or asked for as a loss, with where it stands."""
    for child, inside in _children(node, place):
        yield from _expressions(child, inside)
        if isinstance(child, ast.Call):
            name = _last_name(child.func)
            if CALLED_A_LOSS.fullmatch(name):
                yield inside, child
            elif name in ("print", "append"):
                yield from ((inside, part) for argument in child.args for part in _parts(argument))
        elif isinstance(child, ast.Assign) and any(
            CALLED_A_LOSS.fullmatch(_last_name(t)) for t in child.targets
        ):
            yield inside, child.value


def _children(node: ast.AST, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    """Yield what stands in a node, with where that is."""
    branches = [node.body, node.orelse] if isinstance(node, ast.If) and place.in_a_loop else []
    for child in ast.iter_child_nodes(node):
        branch = next((body for body in branches if child in body), None)
        yield child, (place if branch is None else place.in_branch(branch)).below(child)


def _names(nodes: Iterable[ast.AST], how: type[ast.expr_context]) -> Iterator[str]:
    """Yield the names that are read, or bound, below some nodes."""
    for node in nodes:
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and isinstance(each.ctx, how):
                yield each.id


def _parts(argument: ast.expr) -> Iterator[ast.expr]:
    """Yield an expression, or those that a text is put together of."""
    inner = [node.value for node in ast.walk(argument) if isinstance(node, ast.FormattedValue)]
    yield from inner or ([] if isinstance(argument, (ast.Constant, ast.Name)) else [argument])


def _changes_nothing(node: ast.expr) -> bool:
    """Tell whether an expression calls nothing but functions of libraries, and what is called a loss."""
    calls = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
    return all(
        ast.unparse(function).partition(".")[0] in LIBRARIES
        or _last_name(function) in HARMLESS
        or CALLED_A_LOSS.fullmatch(_last_name(function))
        for function in calls
    )


def _last_name(node: ast.expr) -> str:
    """Return the last name of what is called or bound, "" where it has none."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
