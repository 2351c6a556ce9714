"""Functions that run other code for a while: the same source with one edit, compiled in memory."""

import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from conformance.diagnose.edits import Edit

Key = tuple[str, int]
"""A function's name and its first line."""


@contextmanager
def patched(edit: Edit, text: str, namespace: Mapping[str, Any]) -> Iterator[bool]:
    """Let the functions of `namespace` run `text` with `edit` made; say whether any of them changed.

    Afterwards they are as they were.
    """
    try:
        changed = _codes(compile(edit.applied(text), edit.file, "exec"))
    except (SyntaxError, ValueError):
        yield False
        return
    replaced: list[tuple[types.FunctionType, types.CodeType]] = []
    for function in _functions(namespace):
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


def _codes(code: types.CodeType) -> dict[Key, types.CodeType]:
    """Return the code of every function in a module's code, however deep."""
    found: dict[Key, types.CodeType] = {}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found[constant.co_name, constant.co_firstlineno] = constant
            found |= _codes(constant)
    return found


def _functions(namespace: Mapping[str, Any]) -> list[types.FunctionType]:
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
