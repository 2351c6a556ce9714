"""How a target's own script calls its passes: which of their arguments it hands on from the one to the other."""

import ast
import linecache
from collections.abc import Iterator, Sequence

from conformance.hand_written.calling.hints.sources import nodes_in
from conformance.hand_written.calling.loading.load import Loaded


def handed_on(
    loaded: Loaded, first: str, second: str, arguments: Sequence[str], parameters: Sequence[str]
) -> dict[str, str]:
    """Return what the parameters of a second callable are given where a target calls it after a first one.

    Parameters
    ----------
    loaded
        The code, all of whose text is read: what trains as well.
    first, second
        The names of the two callables.
    arguments
        What the first one is given here, in the order of its parameters; empty for what can't be handed on.
    parameters
        The names of the parameters of the second one, in their order.

    Returns
    -------
    dict
        By the name of a parameter `result`, `result[n]` or one of `arguments`.
    """
    for scope in _scopes(loaded):
        known: dict[str, str] = {}
        for node in _in_order(scope):
            if isinstance(node, ast.Assign) and _calls(node.value, first):
                known |= _bound(node, arguments)
            elif isinstance(node, ast.Call) and _calls(node, second) and known:
                given = dict(zip(parameters, map(ast.unparse, node.args), strict=False))
                given |= {k.arg: ast.unparse(k.value) for k in node.keywords if k.arg}
                if found := {name: known[text] for name, text in given.items() if text in known}:
                    return found
    return {}


def text_of(loaded: Loaded) -> str:
    """Return all of the source of a target, what trains as well; empty where it can't be had."""
    return "".join(line for file in sorted(loaded.files) for line in linecache.getlines(file))


def _scopes(loaded: Loaded) -> Iterator[ast.AST]:
    """Yield the functions of a target's files, and their modules."""
    for file in sorted(loaded.files):
        nodes = nodes_in("".join(linecache.getlines(file)))
        yield from (node for node in nodes if isinstance(node, (ast.FunctionDef, ast.Module)))


def _in_order(scope: ast.AST) -> list[ast.Assign | ast.Call]:
    """Return the assignments and calls of a scope in the order of its lines, an assignment before what it calls."""
    nodes = [node for node in ast.walk(scope) if isinstance(node, (ast.Assign, ast.Call))]
    return sorted(nodes, key=lambda node: (node.lineno, node.col_offset))


def _calls(node: ast.AST, name: str) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return getattr(node.func, "id", getattr(node.func, "attr", None)) == name


def _bound(node: ast.Assign, arguments: Sequence[str]) -> dict[str, str]:
    """Return what the names at the place of a first call stand for: its arguments, and the parts of its result."""
    found: dict[str, str] = {}
    if isinstance(node.value, ast.Call):
        pairs = zip(node.value.args, arguments, strict=False)
        found = {arg.id: text for arg, text in pairs if text and isinstance(arg, ast.Name)}
    for target in node.targets:
        if isinstance(target, ast.Name):
            found[target.id] = "result"
        elif isinstance(target, ast.Tuple):
            found |= {ast.unparse(part): f"result[{n}]" for n, part in enumerate(target.elts)}
    return found
