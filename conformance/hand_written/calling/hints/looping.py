"""What the source of a function shows of loops: what never loops takes one step, whatever it is handed."""

import ast
import builtins
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from conformance.hand_written.calling.hints.sources import nodes_in, source_of

LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.comprehension)

ITERATES = frozenset(
    ["accumulate", "apply_along_axis", "filter", "fold", "map", "reduce", "scan", "starmap", "vectorize"]
)
"""Library functions that call others again and again."""


def may_loop(
    function: Any, known: Callable[[str], Any], namespace: dict[str, Any], above: tuple[Any, ...] = ()
) -> bool:
    """Tell whether a function may go over a sequence; only where all that it calls is known can it be said not to.

    Parameters
    ----------
    function
        The function or method.
    known
        Gives the callable of the network that has a name, None where there is none.
    namespace
        The globals of its module.
    above
        The functions that it was called from: one that calls itself loops.
    """
    own = getattr(function, "__func__", function)
    text = source_of(own)
    if not text or own in above:
        return True
    for node in nodes_in(text):
        if isinstance(node, LOOPS):
            return True
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in ITERATES:
            return True
        if (other := known(name)) is not None:
            if may_loop(other, known, namespace, (*above, own)):
                return True
        elif not _is_of_a_library(node.func, name, namespace):
            return True
    return False


def _is_of_a_library(called: ast.expr, name: str, namespace: dict[str, Any]) -> bool:
    """Tell whether what is called is a function of a module, a method of plain types, or one of Python's own."""
    if isinstance(called, ast.Name):
        return hasattr(builtins, name) or getattr(namespace.get(name), "__module__", "").startswith("numpy")
    root = called
    while isinstance(root, ast.Attribute):
        root = root.value
    if isinstance(root, ast.Name) and isinstance(namespace.get(root.id), ModuleType):
        return True
    return any(hasattr(kind, name) for kind in (np.ndarray, list, dict))
