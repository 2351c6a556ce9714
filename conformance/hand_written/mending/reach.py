"""What a unit has in reach in its frame: variables, what the object and dicts hold, and sequences at near steps."""

import ast
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from conformance.hand_written.mending.evaluating import Evaluator
from conformance.hand_written.mending.nodes import parsed, told
from conformance.hand_written.mending.recording import Frame
from conformance.hand_written.mending.units import Unit, units_of
from conformance.hand_written.mending.variants import Reach, shifted, slots

MOST_ENTRIES = 20
"""Entries of a dict that are looked at."""


PROBED = np.array([[-0.7, 0.2, 0.5], [0.9, -0.1, 0.3]])
"""What a function is called with to see whether it may be an activation."""

MOST_TERMS = 150
"""What else a function computes that may be a term of a unit."""


def reach_of(unit: Unit, frame: Frame) -> Reach:
    """Return the arrays that a unit could be made of."""
    evaluate = Evaluator(frame, unit.expression)
    found: dict[str, ast.expr] = {}
    for node in _named(unit, frame):
        text = told(node)
        if text not in found and _has_value(node, evaluate):
            found[text] = node
    terms = {
        text: node for text, node in _terms(unit).items() if text not in found and _has_value(node, evaluate)
    }
    return Reach(
        values=found,
        terms=terms,
        sizes=list(_sizes(frame)),
        functions=list(_functions(unit, evaluate)),
        loops=unit.loops,
        begins=unit.begins,
    )


def _sizes(frame: Frame) -> Iterator[str]:
    """Yield the numbers that may be sizes, by what they are called."""
    own = getattr(frame.local.get("self"), "__dict__", {})
    for prefix, names in (("", frame.local), ("self.", own)):
        yield from (prefix + name for name, value in names.items() if type(value) is int and value > 1)


def _functions(unit: Unit, evaluate: Evaluator) -> Iterator[str]:
    """Yield the functions of one value that its function calls on arrays elementwise, as activations are."""
    called = {
        told(node.func)
        for node in ast.walk(unit.function.node)
        if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords
    }
    for text in sorted({"np.tanh"} | called):
        try:
            value = evaluate(parsed(text))(PROBED)
        except Exception:
            continue
        if (
            isinstance(value, np.ndarray)
            and value.shape == PROBED.shape
            and not np.array_equal(value, PROBED)
        ):
            yield text


def _terms(unit: Unit) -> dict[str, ast.expr]:
    """Return what else the unit's function computes, and that of the steps beside, by their texts."""
    found: dict[str, ast.expr] = {}
    for other in units_of(unit.function):
        for node in ast.walk(other.expression):
            if isinstance(node, (ast.BinOp, ast.Call)) and node is not unit.expression:
                found.setdefault(told(node), node)
                for inner, put in slots(node, lambda new: new):
                    if isinstance(inner, ast.Subscript):
                        for each in shifted(inner, unit.loops):
                            found.setdefault(told(put(each)), put(each))
    return dict(itertools.islice(found.items(), MOST_TERMS))


def _has_value(node: ast.expr, evaluate: Evaluator) -> bool:
    try:
        return _counts(evaluate(node))
    except Exception:
        return False


def _named(unit: Unit, frame: Frame) -> Iterator[ast.expr]:
    for name, value in frame.local.items():
        if _counts(value):
            yield parsed(name)
    for node in ast.walk(unit.function.node):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and _is_self(node.value):
            yield node
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            yield node
            yield from shifted(node, unit.loops)
    own = getattr(frame.local.get("self"), "__dict__", {})
    for name, value in own.items():
        if _counts(value) and value.ndim <= 2:
            yield parsed(f"self.{name}")
    for name, value in frame.local.items():
        yield from (parsed(text) for text in _entries(name, value, unit.loops))


def _entries(name: str, value: Any, loops: tuple[str, ...]) -> Iterator[str]:
    """Yield the entries of a dict by its keys, and those of a sequence at the step and beside it."""
    if isinstance(value, dict) and 0 < len(value) <= MOST_ENTRIES:
        yield from (f"{name}[{key!r}]" for key in value if isinstance(key, str))
    if loops and isinstance(value, (list, dict)):
        yield from (f"{name}[{loops[0]}{by}]" for by in ("", " - 1", " + 1"))


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _counts(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size >= 2
