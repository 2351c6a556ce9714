"""From the adjoint of a result to those of what it was computed of: operators by rule, other functions by moving.

For s = a ⊙ b it is s̄ ⊙ b, for s = A B it is s̄ Bᵀ and Aᵀ s̄. A function of NumPy is called again with arguments moved, an
elementwise one with all elements at once.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from conformance.hand_written.mending.forward.tape import Derived
from refrnn import Array

STEP = 1e-5
"""Of central differences: truncation costs about its square, rounding the unit roundoff over it, 1e-10 either."""

LARGEST = 600
"""Elements of an argument that are moved one by one."""

UNREPEATABLE = (np.random.Generator, np.random.RandomState)
"""Whose methods give something else when they are called again."""

COMPUTED: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "@": lambda a, b: a @ b,
    "dot": np.dot,
}


def is_tracked(value: Any) -> bool:
    """Return whether something is an array of floating point numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 0


def sides(operator: str, a: Any, b: Any, s: Array) -> tuple[Array | None, Array | None]:
    """Return the adjoints of both sides of an operator whose result has the adjoint `s`; None without a rule."""
    with np.errstate(all="ignore"):
        match operator:
            case "+":
                both = s, s
            case "-":
                both = s, -s
            case "*":
                both = s * b, s * a
            case "/":
                both = s / b, -s * a / np.square(b)
            case "**":
                both = s * b * np.power(a, np.subtract(b, 1)), None
            case _:
                return _of_a_product(a, b, s)
    return tuple(
        None if side is None else _shrunk(side, np.shape(v)) for side, v in zip(both, (a, b), strict=True)
    )


def has_rule(operator: str, a: Any, b: Any) -> bool:
    """Return whether both sides of an operator that are arrays have their adjoints by rule."""
    if operator == "**":
        return not isinstance(b, np.ndarray)
    if operator not in ("@", "dot"):
        return operator in COMPUTED
    arrays = isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
    return arrays and 0 < b.ndim <= 2 and a.ndim > 0 and (a.ndim <= 2 or b.ndim == 2)


def _of_a_product(a: Any, b: Any, s: Array) -> tuple[Array | None, Array | None]:
    """Return the adjoints of both sides of a product of matrices or vectors, or of many vectors with a matrix."""
    if not has_rule("@", a, b):
        return None, None
    left = a.reshape(-1, a.shape[-1])
    right = b.reshape(b.shape[0], -1)
    middle = s.reshape(len(left), right.shape[1])
    return (middle @ right.T).reshape(a.shape), (left.T @ middle).reshape(b.shape)


def _shrunk(adjoint: Array, shape: tuple[int, ...]) -> Array:
    """Return the adjoint of what was spread to the shape that `adjoint` has."""
    while adjoint.ndim > len(shape):
        adjoint = adjoint.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1 and adjoint.shape[axis] != 1:
            adjoint = adjoint.sum(axis=axis, keepdims=True)
    return adjoint


def of_a_call(
    function: Any, arguments: tuple[Any, ...], named: dict[str, Any], result: Array
) -> Iterator[tuple[Array, Derived]]:
    """Yield the arrays that a function was called with, and the adjoint of each by that of the result.

    There are none where the function gives another result when it is called again.
    """
    owner = getattr(function, "__self__", None)
    given = (owner if is_tracked(owner) else None, arguments, named)

    def again(old: Array | None = None, new: Array | None = None) -> Array:
        itself, positional, by_name = _with(given, old, new)
        called = function if itself is None else getattr(itself, function.__name__)
        return np.asarray(called(*positional, **by_name))

    arrays = list(_arrays_in(given))
    if not arrays or "out" in named or isinstance(owner, UNREPEATABLE) or not np.array_equal(again(), result):
        return
    each = isinstance(function, np.ufunc) and function.signature is None
    for array in arrays:
        if each:
            yield array, _scaled(_slope(again, array, np.full(array.shape, STEP)), array.shape)
        elif array.size <= LARGEST:
            moves = STEP * np.eye(array.size).reshape(array.size, *array.shape)
            slopes = np.array([_slope(again, array, move) for move in moves])
            yield array, _multiplied(slopes.reshape(array.size, -1), array.shape)


def _slope(again: Callable[..., Array], array: Array, move: Array) -> Array:
    return (again(array, array + move) - again(array, array - move)) / (2 * STEP)


def _scaled(slope: Array, shape: tuple[int, ...]) -> Derived:
    return lambda s: _shrunk(s * slope, shape)


def _multiplied(slopes: Array, shape: tuple[int, ...]) -> Derived:
    return lambda s: (slopes @ s.ravel()).reshape(shape)


def _arrays_in(value: Any) -> Iterator[Array]:
    """Yield the arrays in arguments, each once."""
    found: dict[int, Array] = {}

    def look(value: Any) -> None:
        if is_tracked(value):
            found.setdefault(id(value), value)
        elif isinstance(value, (tuple, list)):
            for each in value:
                look(each)
        elif isinstance(value, dict):
            for each in value.values():
                look(each)

    look(value)
    yield from found.values()


def _with(value: Any, old: Array | None, new: Array | None) -> Any:
    """Return arguments with another array in the place of one."""
    if value is old:
        return new
    if type(value) in (tuple, list):
        return type(value)(_with(each, old, new) for each in value)
    if type(value) is dict:
        return {key: _with(each, old, new) for key, each in value.items()}
    return value
