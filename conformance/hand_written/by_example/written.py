"""Numbers that a script computes at other times than in a step: its loss, as it is printed after so many epochs.

They are expressions of its source, evaluated where a step is about to update, with what has its name by then.
"""

import ast
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
    """An expression of a source."""

    text: str
    code: CodeType


def written_in(pieces: Iterable[Piece]) -> dict[tuple[str, str], list[Written]]:
    """Return the expressions that may be losses, by the file and the name of the function they stand in."""
    found: dict[tuple[str, str], list[Written]] = {}
    for piece in pieces:
        for scope, node in _expressions(piece.tree, MODULE):
            if _changes_nothing(node):
                text = ast.unparse(node)
                code = compile(text, piece.file, "eval")
                found.setdefault((piece.file, scope), []).append(Written(text, code))
    return found


def numbers_of(
    frames: Sequence[FrameType], written: Mapping[tuple[str, str], Sequence[Written]]
) -> Iterator[tuple[str, str, float]]:
    """Yield the functions that run, and the texts and values of their expressions that are numbers by now."""
    for frame in frames:
        for each in written.get((frame.f_code.co_filename, frame.f_code.co_name), ()):
            try:
                number = number_in(eval(each.code, frame.f_globals, frame.f_locals))
            except Exception:
                continue
            if number is not None:
                yield frame.f_code.co_qualname, each.text, number


def _expressions(node: ast.AST, scope: str) -> Iterator[tuple[str, ast.expr]]:
    """Yield what is printed, kept in a list, given a name or asked for as a loss, with the function it stands in."""
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.FunctionDef) else scope
        yield from _expressions(child, inside)
        if isinstance(child, ast.Call):
            name = _last_name(child.func)
            if CALLED_A_LOSS.fullmatch(name):
                yield scope, child
            elif name in ("print", "append"):
                yield from ((scope, part) for argument in child.args for part in _parts(argument))
        elif isinstance(child, ast.Assign) and any(
            CALLED_A_LOSS.fullmatch(_last_name(t)) for t in child.targets
        ):
            yield scope, child.value


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
