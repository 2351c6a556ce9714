"""Source texts of foreign classes and functions, and what they show of a name."""

import ast
import inspect
import textwrap
from typing import Any


def source_of(value: Any) -> str:
    """Return the source text of a class or function, empty where it can't be had."""
    try:
        return textwrap.dedent(inspect.getsource(value))
    except (OSError, TypeError, SyntaxError, IndexError):
        return ""


def shares_in(value: Any) -> frozenset[str]:
    """Return the names and attributes that a class or function takes away from one, as a leaky network does.

    Such a number is a share, of which the forward pass makes something; it is no learning rate.
    """
    text = source_of(value)
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError:
        return frozenset()
    return frozenset(
        getattr(node.right, "attr", getattr(node.right, "id", ""))
        for node in nodes
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and isinstance(node.left, ast.Constant)
        and node.left.value == 1
    ) - {""}


def parts_in(value: Any) -> dict[str, tuple[str, ...]]:
    """Return the names that a function takes apart, such as a state (h, c), with what it calls the parts."""
    try:
        nodes = list(ast.walk(ast.parse(source_of(value))))
    except SyntaxError:
        return {}
    return {
        node.value.id: tuple(ast.unparse(part) for part in target.elts)
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
        for target in node.targets
        if isinstance(target, ast.Tuple)
    }
