"""Source texts of foreign classes and functions, and what they show of a name."""

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


def shares_in(value: Any) -> frozenset[str]:
    """Return the names and attributes that a class or function takes away from one, as a leaky network does.

    Such a number is a share, of which the forward pass makes something; it is no learning rate.
    """
    return frozenset(
        getattr(node.right, "attr", getattr(node.right, "id", ""))
        for node in nodes_of(value)
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and isinstance(node.left, ast.Constant)
        and node.left.value == 1
    ) - {""}


def added_in(value: Any) -> frozenset[str]:
    """Return the names that a function adds to something, as a bias is added."""
    sums = (node for node in nodes_of(value) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add))
    return frozenset(
        term.id for node in sums for term in (node.left, node.right) if isinstance(term, ast.Name)
    )


def indices_in(value: Any) -> frozenset[str]:
    """Return the names whose elements a function uses as indices, as ids of words are: x[inputs[t]] = 1."""
    indexed = (node.slice for node in nodes_of(value) if isinstance(node, ast.Subscript))
    inner = (node for index in indexed for node in ast.walk(index) if isinstance(node, ast.Subscript))
    return frozenset(node.value.id for node in inner if isinstance(node.value, ast.Name))


def objects_in(value: Any) -> frozenset[str]:
    """Return the names, and the attributes of self, whose methods a class or function calls."""
    called = (node.func for node in nodes_of(value) if isinstance(node, ast.Call))
    owners = (function.value for function in called if isinstance(function, ast.Attribute))
    return frozenset(
        (owner.id if isinstance(owner, ast.Name) else owner.attr).strip("_")
        for owner in owners
        if isinstance(owner, ast.Name)
        or (
            isinstance(owner, ast.Attribute)
            and isinstance(owner.value, ast.Name)
            and owner.value.id == "self"
        )
    )


def keys_in(value: Any, name: str) -> tuple[str, ...]:
    """Return the constant keys by which a function takes something out of a dict of this name, each once."""
    taken = (
        node.slice.value
        for node in nodes_of(value)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
        and isinstance(node.slice, ast.Constant)
    )
    return tuple(dict.fromkeys(key for key in taken if isinstance(key, str) and key.isidentifier()))


def sizes_in(value: Any) -> frozenset[str]:
    """Return the names that a function makes arrays of the size of, or counts to: np.zeros((1, n)), range(n)."""
    calls = (node for node in nodes_of(value) if isinstance(node, ast.Call) and _is_sized(node.func))
    return frozenset(
        inner.id
        for call in calls
        for argument in call.args
        for inner in (argument.elts if isinstance(argument, ast.Tuple) else [argument])
        if isinstance(inner, ast.Name)
    )


def _is_sized(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("zeros", "ones", "empty", "eye", "rand", "randn", "range")


def parts_in(value: Any) -> dict[str, tuple[str, ...]]:
    """Return the names that a function takes apart, such as a state (h, c), with what it calls the parts."""
    return {
        node.value.id: tuple(ast.unparse(part) for part in target.elts)
        for node in nodes_of(value)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
        for target in node.targets
        if isinstance(target, ast.Tuple)
    }
