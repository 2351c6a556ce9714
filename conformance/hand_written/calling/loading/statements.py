"""Which top-level statements of a script are run: imports, definitions and harmless assignments, never its training."""

import ast
import copy
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

DEFINING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass)
"""Statements that do no work by themselves."""

PREPARING = (
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Delete, ast.Raise, ast.Assert),
    *(ast.Global, ast.Break, ast.Continue),
)
"""Statements that do none unless they call what works."""

BLOCKS = (ast.If, ast.Try, ast.TryStar, ast.With, ast.For)
"""Statements of which the harmless part is run."""


def harmless_parts(tree: ast.Module, defined: set[str]) -> Iterator[tuple[ast.stmt, int]]:
    """Yield the harmless part of every top-level statement of `tree`, and how many statements were left out of it.

    Of a block the statements are left out that do a script's work; where nothing else is in it, the whole block is.
    `defined` are the functions (not classes) that the source defines; what they are called for at top level, other than
    to fill a variable, is the script's own business.
    """
    for node in tree.body:
        yield _harmless_part(node, defined)


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
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load) and inner.id not in known
    }
    for node in tree.body:
        for inner in node.body if isinstance(node, ast.If) and _is_main(node.test) else ():
            if isinstance(inner, ast.Assign) and _is_literal(inner.value) and read & _bound_by(inner):
                yield inner


def _is_literal(value: ast.expr) -> bool:
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    plain = (part.operand if isinstance(part, ast.UnaryOp) else part for part in parts)
    return all(isinstance(part, ast.Constant) for part in plain)


def _bound_by(node: ast.Assign) -> set[str]:
    names = (n for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}


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


def _harmless_part(node: ast.stmt, defined: set[str], *, looped: bool = False) -> tuple[ast.stmt, int]:
    """Return a statement, or `pass`, without what does a script's work, and how many statements that were.

    In a loop a bare call fills something, if it is none that works or prints.
    """
    if not isinstance(node, BLOCKS):
        fills = looped and isinstance(node, ast.Expr) and not _works(node) and not _prints(node)
        return (node, 0) if fills or _is_harmless(node) else (_nothing(node), int(not _documents(node)))
    if _works_as_a_whole(node, defined):
        return _nothing(node), 1
    kept, left_out, looped = copy.copy(node), 0, looped or isinstance(node, ast.For)
    for name in ("body", "orelse", "finalbody"):
        inner: list[ast.stmt] = getattr(node, name, [])
        parts = [_harmless_part(each, defined, looped=looped) for each in inner]
        setattr(kept, name, [part for part, _ in parts])
        left_out += sum(count for _, count in parts)
    if isinstance(node, (ast.Try, ast.TryStar)):
        kept.handlers = []
        for handler in node.handlers:
            parts = [_harmless_part(each, defined, looped=looped) for each in handler.body]
            caught = copy.copy(handler)
            caught.body = [part for part, _ in parts]
            kept.handlers.append(caught)
            left_out += sum(count for _, count in parts)
    inner = [part for block in _blocks_of(kept) for part in block]
    return (_nothing(node) if all(isinstance(part, ast.Pass) for part in inner) else kept), left_out


def _blocks_of(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the lists of statements of a block, those of its handlers too."""
    for name in ("body", "orelse", "finalbody"):
        yield getattr(node, name, [])
    yield from (handler.body for handler in getattr(node, "handlers", []))


def _works_as_a_whole(node: ast.stmt, defined: set[str]) -> bool:
    """Tell blocks that are a script's work: its main block, loops that call its functions, contexts that train."""
    if isinstance(node, ast.If):
        return _is_main(node.test) or _works(node.test)
    if isinstance(node, ast.With):
        return any(_works(item.context_expr) for item in node.items)
    if isinstance(node, ast.For):
        calls = (n.func for n in ast.walk(node) if isinstance(n, ast.Call))
        called = {call.id for call in calls if isinstance(call, ast.Name)}
        endless = any(isinstance(n, ast.While) for n in ast.walk(node))
        return bool(called & defined) or endless or _works(node.iter)
    return False


def _is_harmless(node: ast.stmt) -> bool:
    if isinstance(node, DEFINING):
        return True
    if isinstance(node, PREPARING):
        return not _works(node)
    value = node.value if isinstance(node, ast.Expr) else None
    kept = (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr in KEPT_CALLS
    )
    return kept and not _works(node)


def _nothing(node: ast.stmt) -> ast.stmt:
    return ast.copy_location(ast.Pass(), node)


def _documents(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _works(node: ast.AST) -> bool:
    """Tell statements that call something named like a script's work."""
    for call in (inner for inner in ast.walk(node) if isinstance(inner, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if BUSY.match(name) or name in ("input", "exit", "quit"):
            return True
    return False


def _prints(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Name) and inner.id == "print" for inner in ast.walk(node))


def _is_main(test: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))
