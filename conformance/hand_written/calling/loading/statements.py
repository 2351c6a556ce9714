"""Which top-level statements of a script are run: imports, definitions and harmless assignments, never its training."""

import ast
import re
from collections.abc import Container, Iterator

BUSY = re.compile(
    r"train|fit|learn(?!ing)|main|test|plot|show|demo|eval|sample|generate|gradient_?check|run", re.IGNORECASE
)
"""Names of functions that a script calls to do its work."""

KEPT_CALLS = frozenset(
    ["seed", "append", "extend", "add", "insert", "update", "setdefault", "set_printoptions", "seterr"]
)
"""Methods whose bare call prepares something."""

LOOPS = (ast.For, ast.While, ast.With)


def chosen(tree: ast.Module, defined: set[str]) -> Iterator[tuple[ast.stmt, bool]]:
    """Yield every top-level statement of `tree`, and whether it is to be run.

    `defined` are the functions (not classes) that the source defines; what they are called for at top level, other than
    to fill a variable, is the script's own business.
    """
    for node in tree.body:
        yield node, _harmless(node, defined)


def functions_in(tree: ast.Module) -> set[str]:
    """Return the names of all functions that are defined at top level."""
    return {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


def supplied_by_main(tree: ast.Module, known: Container[str]) -> Iterator[ast.Assign]:
    """Yield what the main block of a script assigns plain numbers and texts to, where its definitions read that name.

    Such names are global: a class that leans on them works in that script only. `known` are names that are there.
    """
    read = {
        inner.id
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load) and inner.id not in known
    }
    for node in tree.body:
        for inner in node.body if isinstance(node, ast.If) and _is_main(node.test) else ():
            if isinstance(inner, ast.Assign) and _is_literal(inner.value) and read & _bound_by(inner):
                yield inner


def _is_literal(value: ast.expr) -> bool:
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    return all(isinstance(part, ast.Constant) for part in parts)


def _bound_by(node: ast.Assign) -> set[str]:
    return {inner.id for target in node.targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}


def names_bound_in(tree: ast.Module) -> set[str]:
    """Return every name that top-level statements of `tree` would bind: what they define, assign or import."""
    found, rest = set(), list[ast.AST](tree.body)
    while rest:
        node = rest.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
            continue  # what its body binds is its own
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.partition(".")[0])
        rest += ast.iter_child_nodes(node)
    return found


def _harmless(node: ast.stmt, defined: set[str]) -> bool:
    if isinstance(
        node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass)
    ):
        return True
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return not _works(node)
    if isinstance(node, ast.Expr):
        value = node.value
        kept = (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and value.func.attr in KEPT_CALLS
        )
        return kept and not _works(node)
    if isinstance(node, ast.If):
        return not _is_main(node.test) and all(
            _harmless(inner, defined) for inner in (*node.body, *node.orelse)
        )
    if isinstance(node, ast.Try):
        return all(_harmless(inner, defined) for inner in node.body)
    if isinstance(node, ast.For):
        called = {
            n.func.id for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        return not called & (defined | {"print"}) and not any(
            isinstance(n, ast.While) for n in ast.walk(node)
        )
    return False


def _works(node: ast.AST) -> bool:
    """Tell statements that call something named like a script's work."""
    for call in (inner for inner in ast.walk(node) if isinstance(inner, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if BUSY.match(name) or name in ("input", "exit", "quit"):
            return True
    return False


def _is_main(test: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))
