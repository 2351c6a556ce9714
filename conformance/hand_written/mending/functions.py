"""The functions of a network's sources, outermost ones alone; and the live ones, which run other code for a while."""

import ast
import copy
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from msgspec import Struct

from conformance.hand_written.diagnosis.patching import functions_in

Key = tuple[str, int]
"""A file, and the number of an outermost function in it; edits change neither."""

SOURCES = 100
"""Versions of a source whose code is kept: one that edits are tried in is asked for it again and again."""

Def = ast.FunctionDef | ast.AsyncFunctionDef


class Function(Struct, frozen=True, kw_only=True):
    """An outermost function of a source, and the classes that it is in."""

    key: Key
    node: Def
    classes: tuple[str, ...]

    @property
    def first(self) -> int:
        """Its first line, that of a decorator if it has one."""
        return min([self.node.lineno, *(each.lineno for each in self.node.decorator_list)])

    def compiled(self, node: Def) -> types.CodeType:
        """Return the code of `node`, which stands for this function's definition."""
        plain = copy.copy(node)
        plain.decorator_list = []
        whole: ast.stmt = plain
        for name in reversed(self.classes):
            whole = ast.copy_location(
                ast.ClassDef(name=name, bases=[], keywords=[], body=[whole], decorator_list=[]), node
            )
        code = compile(ast.Module([whole], []), self.key[0], "exec", dont_inherit=True)
        for name in (*self.classes, node.name):
            code = next(c for c in code.co_consts if isinstance(c, types.CodeType) and c.co_name == name)
        return code


def functions_of(file: str, text: str) -> list[Function]:
    """Return the functions of a source that are in no other one, in their order."""
    found: list[Function] = []

    def visit(body: list[ast.stmt], classes: tuple[str, ...]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                visit(node.body, (*classes, node.name))
            elif isinstance(node, Def):
                found.append(Function(key=(file, len(found)), node=node, classes=classes))
            elif isinstance(node, (ast.If, ast.Try)):
                visit([*node.body, *node.orelse], classes)

    visit(ast.parse(text).body, ())
    return found


def codes_of(files: Mapping[str, str]) -> dict[Key, types.CodeType]:
    """Return the code of every function of some sources."""
    return {key: code for file, text in files.items() for key, code in _codes_in(file, text)}


@lru_cache(maxsize=SOURCES)
def _codes_in(file: str, text: str) -> tuple[tuple[Key, types.CodeType], ...]:
    return tuple((each.key, each.compiled(each.node)) for each in functions_of(file, text))


class Live(Struct, frozen=True):
    """The functions that a namespace holds, by where in the sources they are defined."""

    functions: Mapping[Key, list[types.FunctionType]]

    @classmethod
    def of(cls, files: Mapping[str, str], namespace: Mapping[str, Any]) -> "Live":
        """Find the functions of `namespace` in the sources that they were compiled from."""
        places = {
            (file, each.node.name, each.first): each.key
            for file, text in files.items()
            for each in functions_of(file, text)
        }
        found: dict[Key, list[types.FunctionType]] = {}
        for function in functions_in(namespace):
            code = function.__code__
            key = places.get((code.co_filename, code.co_name, code.co_firstlineno))
            if key is not None:
                found.setdefault(key, []).append(function)
        return cls(found)

    @contextmanager
    def running(self, codes: Mapping[Key, types.CodeType]) -> Iterator[bool]:
        """Let functions run other code in the block; say whether all of them could be given theirs."""
        before: list[tuple[types.FunctionType, types.CodeType]] = []
        fits = True
        for key, code in codes.items():
            for function in self.functions.get(key, ()):
                if function.__code__.co_freevars != code.co_freevars:
                    fits = False
                    continue
                before.append((function, function.__code__))
                function.__code__ = code
        try:
            yield fits
        finally:
            for function, code in reversed(before):
                function.__code__ = code
