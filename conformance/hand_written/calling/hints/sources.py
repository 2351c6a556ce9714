"""Source texts of foreign classes and functions, each read once."""

import ast
import inspect
from functools import lru_cache
from typing import Any


class _Itself:
    """A key that equals that of the same object alone: foreign classes may compare and hash as they like."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.value is other.value


def source_of(value: Any) -> str:
    """Return the source text of a class or function as if it stood at top level, empty where it can't be had."""
    return _read_once(_Itself(getattr(value, "__func__", value)))


@lru_cache(maxsize=1000)
def _read_once(key: _Itself) -> str:
    """Return a source text; to look for a class Python parses all of its file, and a search asks for it often.

    The margin is that of its first line; lines of texts and comments that don't begin with it stay as they are.
    """
    try:
        lines = inspect.getsource(key.value).splitlines(keepends=True)
    except (OSError, TypeError, SyntaxError, IndexError):
        return ""
    margin = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    return "".join(line.removeprefix(margin) for line in lines)


def nodes_of(value: Any) -> tuple[ast.AST, ...]:
    """Return the nodes of a class or function, the module first; none where its text is no whole statement.

    They are shared, so nobody may change them.
    """
    return nodes_in(source_of(value))


@lru_cache(maxsize=1000)
def nodes_in(text: str) -> tuple[ast.AST, ...]:
    """Return the nodes of a source text, the module first; none where it is no Python."""
    try:
        return tuple(ast.walk(ast.parse(text)))
    except SyntaxError:
        return ()
