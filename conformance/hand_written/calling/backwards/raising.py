"""Errors of a backward pass that no choice of arguments can mend: those of lines that its arguments have no part in."""

import ast
import inspect
import traceback
from collections.abc import Iterator, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

from conformance.errors import in_words
from conformance.hand_written.calling.hints.sources import nodes_of, source_of


def own_mistake(error: BaseException | None, function: Any) -> bool:
    """Tell errors of `function` that no choice of arguments can mend.

    A name that isn't there is one; a wrong type or value is, if neither the line that ended in it nor what that line is
    made of depends on what the function was handed, but for its length. What is missing, or None as yet, may well be
    made by something that is to be called before.
    """
    if isinstance(error, NameError) or _is_never_made(error, function):
        return True
    if not isinstance(error, (TypeError, ValueError)) or "NoneType" in in_words(error):
        return False
    code = _code_of(function)
    line = _line_in(error, code)
    nodes = nodes_of(function)
    if code is None or not line or not nodes:
        return False
    statement = _at(nodes, line - code.co_firstlineno + 1)
    if statement is None:
        return False
    return not _names(_own_part(statement), structure=_takes_apart(statement)) & _handed_on(nodes)


def _takes_apart(statement: ast.stmt) -> bool:
    """Tell whether a statement needs something to have so many parts: `n, t = x.shape` goes by more than sizes."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return any(isinstance(target, (ast.Tuple, ast.List)) for target in targets)


def how_far(error: BaseException | None, function: Any) -> tuple[int, int]:
    """Return how far a call of `function` got before it raised: to which line, and how deep below it."""
    if error is None:
        return 0, 0
    return _line_in(error, _code_of(function)), len(list(traceback.walk_tb(error.__traceback__)))


def _is_never_made(error: BaseException | None, function: Any) -> bool:
    """Tell whether a method reads an attribute of its object that no method of its class ever sets."""
    owner = getattr(function, "__self__", None)
    if not isinstance(error, AttributeError) or owner is None or type(error.obj) is not type(owner):
        return False
    bases = [base for base in type(owner).__mro__ if base is not object]
    texts = [source_of(base) for base in bases]
    if (
        not all(texts)
        or hasattr(type(owner), "__getattr__")
        or any("setattr(" in t or "__dict__" in t for t in texts)
    ):
        return False
    return not any(_sets(nodes_of(base), error.name) for base in bases)


def _sets(nodes: Sequence[ast.AST], name: str) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Store)
        for node in nodes
    )


def _code_of(function: Any) -> CodeType | None:
    return getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)


def _line_in(error: BaseException, code: CodeType | None) -> int:
    """Return the line of a function's code that an error went through, 0 where it didn't."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is code:
            return trace.tb_lineno
        trace = trace.tb_next
    return 0


def _at(nodes: Sequence[ast.AST], line: int) -> ast.stmt | None:
    """Return the innermost statement at a line."""
    found = [n for n in nodes if isinstance(n, ast.stmt) and n.lineno <= line <= (n.end_lineno or 0)]
    return max(found, key=lambda node: node.lineno, default=None)


def _own_part(statement: ast.stmt) -> ast.AST:
    """Return the part of a statement that isn't its body."""
    match statement:
        case ast.For(iter=part) | ast.While(test=part) | ast.If(test=part):
            return part
        case _:
            return statement


@lru_cache(maxsize=200)
def _handed_on(nodes: tuple[ast.AST, ...]) -> frozenset[str]:
    """Return the names that hold what a function was handed, or what was made of it."""
    function = next(n for n in nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))
    given = function.args
    found = {a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)} - {"self"}
    found |= {a.arg for a in (given.vararg, given.kwarg) if a is not None}
    known = -1
    while len(found) > known:
        known = len(found)
        for target, value in _bindings(function):
            if _names(value) & found:
                found |= _names(target, structure=True)
    return frozenset(found)


def _bindings(function: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield what is bound to what: by assignments, loops and comprehensions."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from ((target, value) for target in targets)
            case (
                ast.AugAssign(target=target, value=value)
                | ast.NamedExpr(target=target, value=value)
                | ast.For(target=target, iter=value)
                | ast.comprehension(target=target, iter=value)
            ):
                yield target, value
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield target, value
            case _:
                pass


def _names(node: ast.AST, *, structure: bool = False) -> set[str]:
    """Return the names in an expression, left out those of which only the length or the shape goes in."""
    if not structure and isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("range", "len"):
        return set()
    if not structure and isinstance(node, ast.Attribute) and node.attr in ("shape", "size", "ndim"):
        return set()
    if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "self":
        return {f"self.{node.attr}"}
    if isinstance(node, ast.Name):
        return {node.id}
    return set().union(*(_names(child, structure=structure) for child in ast.iter_child_nodes(node)))
