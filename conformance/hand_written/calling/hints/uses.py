"""What the source of a class or function shows of the names in it: how each is used."""

import ast
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from conformance.hand_written.calling.hints.sources import nodes_in, source_of
from conformance.hand_written.calling.hints.structures import held_by

Nodes = tuple[ast.AST, ...]


class Uses(Struct, frozen=True, kw_only=True):
    """How names are used in one class or function.

    Attributes
    ----------
    shares
        Names that are subtracted from one.
    parts
        Names that are taken apart, with what the parts are called.
    held
        Names that are used through attributes and entries alone: by path, whether only the length of that is asked.
    keys
        Names out of which something is taken by constant keys, with those.
    added
        Names that are added to something.
    sizes
        Names used as the size of an array, or counted to.
    indices
        Names whose elements are used as indices.
    walked
        Of names whose elements a loop counts: along which axes, and how far beside the counter: h[:, t - 1].
    objects
        Names, and attributes of self, whose methods are called.
    indexed
        Names of which entries are taken.
    """

    shares: frozenset[str]
    parts: Mapping[str, tuple[str, ...]]
    held: Mapping[str, Mapping[str, bool]]
    keys: Mapping[str, tuple[str, ...]]
    added: frozenset[str]
    sizes: frozenset[str]
    indices: frozenset[str]
    walked: Mapping[str, frozenset[tuple[int, int]]]
    objects: frozenset[str]
    indexed: frozenset[str]


def uses_in(value: Any) -> Uses:
    """Return how a class or function uses the names in it; none of them where it shows no source."""
    return _uses(source_of(value))


@lru_cache(maxsize=1000)
def _uses(text: str) -> Uses:
    nodes = nodes_in(text)
    return Uses(
        shares=_shares(nodes),
        parts=_parts(nodes),
        held=held_by(nodes),
        keys=_keys(nodes),
        added=_added(nodes),
        sizes=_sizes(nodes),
        indices=_indices(nodes),
        walked=_walked(nodes),
        objects=_objects(nodes),
        indexed=frozenset(
            n.value.id for n in nodes if isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name)
        ),
    )


def _shares(nodes: Nodes) -> frozenset[str]:
    """Return the names and attributes that a class or function takes away from one, as a leaky network does.

    Such a number is a share, of which the forward pass makes something; it is no learning rate.
    """
    return frozenset(
        getattr(node.right, "attr", getattr(node.right, "id", ""))
        for node in nodes
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and isinstance(node.left, ast.Constant)
        and node.left.value == 1
    ) - {""}


def _added(nodes: Nodes) -> frozenset[str]:
    """Return the names that a function adds to something, as a bias is added."""
    sums = (node for node in nodes if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add))
    onto = (node.value for node in nodes if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add))
    terms = [*(term for node in sums for term in (node.left, node.right)), *onto]
    return frozenset(term.id for term in terms if isinstance(term, ast.Name))


def _indices(nodes: Nodes) -> frozenset[str]:
    """Return the names whose elements a function uses as indices, as ids of words are: x[inputs[t]] = 1.

    >>> _indices(tuple(ast.walk(ast.parse("W[ids[t]] + np.c_[x[t], h[t]]"))))
    frozenset({'ids'})
    """
    indexed = (node.slice for node in nodes if isinstance(node, ast.Subscript) and not _joins(node.value))
    inner = (node for index in indexed for node in ast.walk(index) if isinstance(node, ast.Subscript))
    return frozenset(node.value.id for node in inner if isinstance(node.value, ast.Name))


def _joins(node: ast.expr) -> bool:
    """Tell whether square brackets behind an expression join arrays, as np.c_[x, h] does, and are no index."""
    return isinstance(node, ast.Attribute) and node.attr in ("c_", "r_")


def _walked(nodes: Nodes) -> dict[str, frozenset[tuple[int, int]]]:
    """Return of names the axis that a loop counts along, and how far beside its counter elements are taken.

    >>> _walked(tuple(ast.walk(ast.parse("h[:, t - 1] @ x[t]")))) == {"h": {(1, -1)}, "x": {(0, 0)}}
    True
    """
    found: dict[str, set[tuple[int, int]]] = {}
    for node in nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            for axis, part in enumerate(parts):
                match part:
                    case ast.Name():
                        found.setdefault(node.value.id, set()).add((axis, 0))
                    case ast.BinOp(left=ast.Name(), op=ast.Add() | ast.Sub(), right=ast.Constant(int(step))):
                        beside = step if isinstance(part.op, ast.Add) else -step
                        found.setdefault(node.value.id, set()).add((axis, beside))
                    case _:
                        pass
    return {name: frozenset(places) for name, places in found.items()}


def _objects(nodes: Nodes) -> frozenset[str]:
    """Return the names, and the attributes of self, whose methods a class or function calls."""
    called = (node.func for node in nodes if isinstance(node, ast.Call))
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


def _keys(nodes: Nodes) -> dict[str, tuple[str, ...]]:
    """Return by name the constant keys by which a function takes something out of a dict, each once."""
    found: dict[str, dict[str, None]] = {}
    for node in nodes:
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, str)
            and node.slice.value.isidentifier()
        ):
            found.setdefault(node.value.id, {})[node.slice.value] = None
    return {name: tuple(keys) for name, keys in found.items()}


def _sizes(nodes: Nodes) -> frozenset[str]:
    """Return the names that a function makes arrays of the size of, or counts to: np.zeros((1, n)), range(n)."""
    calls = (node for node in nodes if isinstance(node, ast.Call) and _is_sized(node.func))
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


def _parts(nodes: Nodes) -> dict[str, tuple[str, ...]]:
    """Return the names that a function takes apart, such as a state (h, c), with what it calls the parts."""
    return {
        node.value.id: tuple(ast.unparse(part) for part in target.elts)
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
        for target in node.targets
        if isinstance(target, ast.Tuple)
    }
