"""Parameters that travel in a dict, a tuple or a list: by which keys, and in which order, code takes them out."""

import ast
import inspect
import textwrap
from typing import Any

from conformance.handwritten.calling import Parameter
from conformance.handwritten.inputs import roles_of
from conformance.handwritten.load import Loaded, own_names
from conformance.handwritten.names import GRADIENT, PARAMS


def parameter_containers(loaded: Loaded, parameters: list[Parameter]) -> dict[str, list[str]]:
    """Return, for every parameter that code takes weights out of, the texts of what it may be given.

    A ⟨role⟩ in a text stands for that parameter of the network, in whatever style is tried.
    """
    found: dict[str, list[str]] = {}
    trees = _trees(loaded)
    for parameter in parameters:
        texts = []
        keys = _keys(trees, parameter.name)
        roles = roles_of([key for key in keys if not GRADIENT.match(key)])
        if {"W_ih", "W_hh"} <= set(roles.values()):
            texts.append("{" + ", ".join(f"{key!r}: ⟨{role}⟩" for key, role in roles.items()) + "}")
        for unpacked in _unpacked(trees, parameter.name):
            roles = roles_of(unpacked)
            if {"W_ih", "W_hh"} <= set(roles.values()) and len(roles) == len(unpacked):
                texts.append("(" + ", ".join(f"⟨{roles[name]}⟩" for name in unpacked) + ",)")
        if texts and (PARAMS.fullmatch(parameter.name) or parameter.required):
            found[parameter.name] = texts
    return found


def _trees(loaded: Loaded) -> list[ast.AST]:
    trees: list[ast.AST] = []
    for name in own_names(loaded):
        text = source_of(getattr(loaded.code, name))
        if text:
            trees.append(ast.parse(text))
    return trees


def source_of(value: Any) -> str:
    """Return the source text of a class or function, empty where it can't be had."""
    try:
        return textwrap.dedent(inspect.getsource(value))
    except (OSError, TypeError, SyntaxError, IndexError):
        return ""


def _keys(trees: list[ast.AST], name: str) -> list[str]:
    """Return the string keys by which anything called `name` is subscripted, anywhere in the file."""
    found: dict[str, None] = {}
    for node in (inner for tree in trees for inner in ast.walk(tree)):
        if (
            isinstance(node, ast.Subscript)
            and getattr(node.value, "id", getattr(node.value, "attr", None)) == name
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, str)
        ):
            found[node.slice.value] = None
    return list(found)


def _unpacked(trees: list[ast.AST], name: str) -> list[list[str]]:
    """Return the names into which anything called `name` is unpacked."""
    found = []
    for node in (inner for tree in trees for inner in ast.walk(tree)):
        if isinstance(node, ast.Assign) and getattr(node.value, "id", None) == name:
            target = node.targets[0]
            if isinstance(target, ast.Tuple) and all(isinstance(part, ast.Name) for part in target.elts):
                found.append([part.id for part in target.elts if isinstance(part, ast.Name)])
    return found
