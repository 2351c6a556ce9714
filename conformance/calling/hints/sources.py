"""Source texts of foreign classes and functions, and what they show of a name."""

import ast
import inspect
from typing import Any


def source_of(value: Any) -> str:
    """Return the source text of a class or function as if it stood at top level, empty where it can't be had.

    The margin is that of its first line; lines of texts and comments that don't begin with it stay as they are.
    """
    try:
        lines = inspect.getsource(value).splitlines(keepends=True)
    except (OSError, TypeError, SyntaxError, IndexError):
        return ""
    margin = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    return "".join(line.removeprefix(margin) for line in lines)


def tree_of(value: Any) -> ast.Module:
    """Return the syntax tree of a class or function, an empty one where it has none: a lambda amid its statement."""
    try:
        return ast.parse(source_of(value))
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def shares_in(value: Any) -> frozenset[str]:
    """Return the names and attributes that a class or function takes away from one, as a leaky network does.

    Such a number is a share, of which the forward pass makes something; it is no learning rate.
    """
    return frozenset(
        getattr(node.right, "attr", getattr(node.right, "id", ""))
        for node in ast.walk(tree_of(value))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and isinstance(node.left, ast.Constant)
        and node.left.value == 1
    ) - {""}


def parts_in(value: Any) -> dict[str, tuple[str, ...]]:
    """Return the names that a function takes apart, such as a state (h, c), with what it calls the parts."""
    return {
        node.value.id: tuple(ast.unparse(part) for part in target.elts)
        for node in ast.walk(tree_of(value))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
        for target in node.targets
        if isinstance(target, ast.Tuple)
    }
