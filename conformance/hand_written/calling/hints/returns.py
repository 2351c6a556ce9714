"""What the return statement of a function calls its values."""

import ast
from typing import Any

from conformance.hand_written.calling.hints.sources import nodes_of


def returned_names(function: Any, root: str) -> dict[str, str]:
    """Return what the last return statement of a function calls its values: {"grads[0]": "dWx", …}."""
    nodes = nodes_of(function)
    returns = [node for node in nodes if isinstance(node, ast.Return) and node.value is not None]
    if not returns:
        return {}
    last = returns[-1].value
    if isinstance(last, (ast.Tuple, ast.List)):
        return {f"{root}[{n}]": _label(part) for n, part in enumerate(last.elts)}
    label = _label(last)
    return {root: label} if label.isidentifier() else {}


ARRAYS = ("array", "asarray", "stack", "vstack", "concatenate", "list", "tuple", "copy")
"""What makes one array of many, or a copy, and leaves it what it is."""


def _label(part: ast.expr) -> str:
    """Return what a value that is returned is called: a list made an array by the name of the list.

    >>> [_label(ast.parse(text, mode="eval").body) for text in ("np.array(h)", "self.h", "np.dot(x)", "f(x, y)")]
    ['h', 'h', 'dot(x)', 'f(x, y)']
    """
    called = ast.unparse(part.func).rpartition(".")[2] if isinstance(part, ast.Call) else ""
    if called in ARRAYS and part.args and isinstance(part.args[0], ast.Name):
        return part.args[0].id
    return ast.unparse(part).rpartition(".")[2]
