"""What the source of a function shows of a walk backwards over time, whatever the function is called."""

import ast
import re
from collections.abc import Iterator

from conformance.calling.hints.sources import source_of

BACK = re.compile(r"reversed\(|\[::-1\]|, -1\)")
"""What a loop backwards goes over."""


def walks_back(function: object) -> bool:
    """Tell whether a function has a loop over time backwards."""
    return any(isinstance(node, ast.For) and BACK.search(ast.unparse(node.iter)) for node in _nodes(function))


def walks_back_and_updates(function: object) -> bool:
    """Tell whether a function has a loop over time backwards and takes something off its network's weights."""
    return walks_back(function) and any(
        isinstance(node, ast.AugAssign)
        and isinstance(node.op, ast.Sub)
        and isinstance(node.target, (ast.Attribute, ast.Subscript))
        for node in _nodes(function)
    )


def _nodes(function: object) -> Iterator[ast.AST]:
    text = source_of(function)
    return ast.walk(ast.parse(text)) if text else iter(())
