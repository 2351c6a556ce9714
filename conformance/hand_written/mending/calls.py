"""Calls with other arguments: sums over other axes, other ends of a stack, other letters of einsum, other order."""

import ast
from collections.abc import Iterator

from conformance.hand_written.mending.nodes import ANYWHERE, is_a_home, number, with_field

AXES: tuple[int | tuple[int, ...], ...] = (0, 1, -1, (0, 1))
"""Over which axes a sum may go: those of a batch of vectors, and of sequences of such."""

REDUCING = ("sum", "mean")


def other_arguments(node: ast.Call) -> Iterator[tuple[float, ast.expr]]:
    """Yield a call with other arguments, and what that costs."""
    function = node.func
    if not isinstance(function, ast.Attribute):
        return
    if function.attr in REDUCING:
        yield from ((1.2, each) for each in _reduced(node, function))
    elif function.attr == "pop":
        yield 1.1, with_field(node, "args", None, [] if node.args else [number(0)])
    elif function.attr == "einsum":
        yield from ((1.2, each) for each in _of_letters(node))


def _reduced(node: ast.Call, function: ast.Attribute) -> Iterator[ast.expr]:
    """Yield sums over other axes, kept or not."""
    summed = with_field(node, "func", None, with_field(function, "attr", None, "sum"))
    array = node.args[:1] if is_a_home(function.value) else []
    now = ast.dump(node)
    for axis in AXES:
        for kept in (False, True):
            keywords = [ast.keyword("axis", _constant(axis), **ANYWHERE)]
            if kept:
                keywords.append(ast.keyword("keepdims", _constant(True), **ANYWHERE))
            new = with_field(with_field(summed, "args", None, array), "keywords", None, keywords)
            if ast.dump(new) != now:
                yield new


def _constant(value: object) -> ast.expr:
    if isinstance(value, tuple):
        return ast.Tuple([_constant(each) for each in value], ast.Load(), **ANYWHERE)
    return ast.Constant(value, **ANYWHERE)  # type: ignore[arg-type]


def _of_letters(node: ast.Call) -> Iterator[ast.expr]:
    """Yield einsum with two letters of one of its terms exchanged, or two of its arrays."""
    letters = node.args[0] if node.args else None
    if not isinstance(letters, ast.Constant) or not isinstance(letters.value, str):
        return
    text = letters.value
    for i in range(len(text)):
        for j in range(i + 1, len(text)):
            between = text[i : j + 1]
            if between.isalpha() and text[i] != text[j]:
                other = text[:i] + text[j] + text[i + 1 : j] + text[i] + text[j + 1 :]
                yield with_field(node, "args", None, [_constant(other), *node.args[1:]])
    for n in range(1, len(node.args) - 1):
        turned = [*node.args[:n], node.args[n + 1], node.args[n], *node.args[n + 2 :]]
        yield with_field(node, "args", None, turned)
