"""Parameters in a record, a dict, a tuple or a list: by which keys, and in which order, code takes them out."""

import ast
import inspect

from conformance.hand_written.calling.building.records import weight_records
from conformance.hand_written.calling.hints.arguments import parameters_of
from conformance.hand_written.calling.hints.inputs import STYLES, roles_of, weight
from conformance.hand_written.calling.hints.names import GRADIENT
from conformance.hand_written.calling.hints.sources import nodes_of
from conformance.hand_written.calling.loading.load import Loaded, own_names


def made_up_parameters(loaded: Loaded) -> list[str]:
    """Return the expressions of records, dicts and tuples of weights that functions may want, for every style."""
    found = dict.fromkeys(_restyled(text, style) for text in weight_records(loaded) for style in STYLES)
    wanted = {
        q.name: q
        for name in own_names(loaded)
        for q in parameters_of(getattr(loaded.code, name)) or []
        if not inspect.isclass(getattr(loaded.code, name))
    }
    for parameter in wanted.values():
        found |= dict.fromkeys(
            _restyled(t, style) for t in _made_up(loaded, parameter.name) for style in STYLES
        )
    return list(found)


def records_for(loaded: Loaded, name: str) -> list[str]:
    """Return the expressions of records, dicts and tuples of weights that one argument may be, for every style."""
    texts = [*_made_up(loaded, name), *weight_records(loaded)]
    return list(dict.fromkeys(_restyled(text, style) for text in texts for style in STYLES))


def _made_up(loaded: Loaded, name: str) -> list[str]:
    """Return the dict or tuple of weights that anything called `name` is taken apart as, with ⟨role⟩ for each."""
    texts: list[str] = []
    trees = _trees(loaded)
    roles = roles_of([key for key in _keys(trees, name) if not _is_of_a_gradient(key)])
    if {"W_ih", "W_hh"} <= set(roles.values()):
        texts.append("{" + ", ".join(f"{key!r}: ⟨{role}⟩" for key, role in roles.items()) + "}")
    for unpacked in _unpacked(trees, name):
        roles = roles_of(unpacked)
        if {"W_ih", "W_hh"} <= set(roles.values()) and len(roles) == len(unpacked):
            texts.append("(" + ", ".join(f"⟨{roles[part]}⟩" for part in unpacked) + ",)")
    return texts


def keys_of(loaded: Loaded, name: str) -> list[str]:
    """Return the string keys by which anything called `name` is subscripted in a target."""
    return [key for key in _keys(_trees(loaded), name) if not _is_of_a_gradient(key)]


def orders_of(loaded: Loaded, name: str) -> list[tuple[str, ...]]:
    """Return the names into which anything called `name` is unpacked in a target, in their order."""
    return list(dict.fromkeys(map(tuple, _unpacked(_trees(loaded), name))))


def _is_of_a_gradient(key: str) -> bool:
    """Tell whether a key reads like that of a gradient; those of stored modules, decoder.weight, never do."""
    return "." not in key and GRADIENT.match(key) is not None


def _restyled(text: str, style: tuple[str, str]) -> str:
    """Replace every ⟨role⟩ by the parameter as the style has it."""
    for role in ("W_ih", "W_hh", "W_hy", "b_ih", "b_hh", "b_y", "b"):
        text = text.replace(f"⟨{role}⟩", weight(role, style))
    return text


def _trees(loaded: Loaded) -> list[ast.AST]:
    return [nodes[0] for name in own_names(loaded) if (nodes := nodes_of(getattr(loaded.code, name)))]


def _keys(trees: list[ast.AST], name: str) -> list[str]:
    """Return the string keys by which anything called `name` is subscripted, under whatever name a function has it."""
    found: dict[str, None] = {}
    for tree in trees:
        called = _aliases(tree, name)
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Subscript)
                and getattr(node.value, "id", getattr(node.value, "attr", None)) in called
                and isinstance(node.slice, ast.Constant)
                and isinstance(node.slice.value, str)
            ):
                found[node.slice.value] = None
    return list(found)


def _aliases(tree: ast.AST, name: str) -> set[str]:
    """Return `name` and the other names that are bound to it."""
    pairs = [
        pair
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        for pair in _pairs(target, node.value)
    ]
    bound = [
        target.id
        for target, value in pairs
        if isinstance(target, ast.Name) and getattr(value, "id", None) == name
    ]
    return {name, *bound}


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """Return what an assignment binds to what, its tuples taken apart."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=False))
    return [(target, value)]


def _unpacked(trees: list[ast.AST], name: str) -> list[list[str]]:
    """Return the names into which anything called `name` is unpacked."""
    found = []
    for node in (inner for tree in trees for inner in ast.walk(tree)):
        if isinstance(node, ast.Assign) and getattr(node.value, "id", None) == name:
            target = node.targets[0]
            if isinstance(target, ast.Tuple) and all(isinstance(part, ast.Name) for part in target.elts):
                found.append([part.id for part in target.elts if isinstance(part, ast.Name)])
    return found
