"""Functions that run other code for a while: the same source with one edit, compiled in memory."""

import ast
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from msgspec import Struct

from conformance.hand_written.diagnosis.edits import Edit

Key = tuple[str, int]
"""A function's name and its first line."""


@contextmanager
def patched(edit: Edit, text: str, namespace: Mapping[str, Any]) -> Iterator[bool]:
    """Let the functions of `namespace` run `text` with `edit` made; say whether any of them changed.

    Afterwards they are as they were.
    """
    try:
        changed = _codes(compile(_around(edit, text), edit.file, "exec"))
    except (SyntaxError, ValueError):
        yield False
        return
    replaced: list[tuple[types.FunctionType, types.CodeType]] = []
    for function in functions_in(namespace):
        old = function.__code__
        new = changed.get((old.co_name, old.co_firstlineno))
        if (
            old.co_filename == edit.file
            and new is not None
            and new.co_freevars == old.co_freevars
            and new != old
        ):
            replaced.append((function, old))
            function.__code__ = new
    try:
        yield bool(replaced)
    finally:
        for function, old in replaced:
            function.__code__ = old


def _around(edit: Edit, text: str) -> str:
    """Return the function or method that an edit changes, on its own lines and in its class: little to compile."""
    inside = next((each for each in _methods(text) if each.first <= edit.line <= each.last), None)
    lines = edit.applied(text).splitlines(keepends=True)
    if inside is None:
        return "".join(lines)
    kept = ["\n"] * (inside.first - 1) + lines[inside.first - 1 : inside.last]
    for number, header in inside.classes:
        kept[number - 1] = header
    return "".join(kept)


class _Method(Struct, frozen=True):
    """The lines of a function that is in no other one, and the lines that open the classes around it."""

    first: int
    last: int
    classes: tuple[tuple[int, str], ...] = ()


@lru_cache(maxsize=100)
def _methods(text: str) -> tuple[_Method, ...]:
    """Return the functions of a source; none whose line is shared with anything else."""
    found: list[_Method] = []
    lines = text.splitlines()

    def visit(body: list[ast.stmt], classes: tuple[tuple[int, str], ...]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                header = f"{lines[node.lineno - 1][: node.col_offset]}class {node.name}:\n"
                visit(node.body, (*classes, (node.lineno, header)))
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                found.append(_Method(first, node.end_lineno or node.lineno, classes))

    visit(ast.parse(text).body, ())
    return tuple(found)


def _codes(code: types.CodeType) -> dict[Key, types.CodeType]:
    """Return the code of every function in a module's code, however deep."""
    found: dict[Key, types.CodeType] = {}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found[constant.co_name, constant.co_firstlineno] = constant
            found |= _codes(constant)
    return found


def functions_in(namespace: Mapping[str, Any]) -> list[types.FunctionType]:
    """Return the functions in a namespace and in its classes, each once."""
    found: dict[int, types.FunctionType] = {}
    for value in list(namespace.values()):
        members = [value, *(vars(value).values() if isinstance(value, type) else ())]
        for member in members:
            function = getattr(member, "__func__", member)
            function = member.fget if isinstance(member, property) else function
            if isinstance(function, types.FunctionType):
                found[id(function)] = function
    return list(found.values())
