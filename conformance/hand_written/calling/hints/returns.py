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
    parts = last.elts if isinstance(last, (ast.Tuple, ast.List)) else None
    if parts is None:
        return {root: last.id} if isinstance(last, ast.Name) else {}
    return {f"{root}[{n}]": _label(part) for n, part in enumerate(parts)}


def _label(part: ast.expr) -> str:
    """Return what a value that is returned is called: a list made an array by the name of the list."""
    if isinstance(part, ast.Call) and len(part.args) == 1 and isinstance(part.args[0], ast.Name):
        return part.args[0].id
    return ast.unparse(part).rpartition(".")[2]
