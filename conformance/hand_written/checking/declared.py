"""The loss that a network declares beside its backward pass, where it can be called: which constant it puts on dL/dy.

A function is such a loss if its derivative by the outputs, found by differences, is one constant times the cotangent
that the backward pass starts from: y − target, sigmoid(y) − target or softmax(y) − one-hot. It is tried on outputs in
every usual layout.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from conformance.hand_written.calling.values.softmaxes import sigmoid
from conformance.hand_written.checking.differences import extrapolated
from conformance.hand_written.checking.running import Failure, attempt
from conformance.judge import THRESHOLD
from refrnn import Array, softmax

DIRECTIONS = 3
"""Random directions in which a derivative must show the same constant."""


Kinds = tuple[Literal["squared", "crossed", "binary"], ...]
"""Kinds of losses: squares of y − target, cross-entropy of softmax(y), and binary cross-entropy of sigmoid(y)."""

KINDS: Kinds = ("squared", "crossed", "binary")


class Declared(Struct, frozen=True, kw_only=True):
    """A loss that the code declares: dloss/dy is `factor` times the cotangent, known up to `error`."""

    name: str
    factor: float
    error: float


def declared_loss(
    functions: Mapping[str, Callable[..., Any]],
    y: Array,
    d_y: Array,
    *,
    last: bool,
    kinds: Kinds = KINDS,
    shapes: Container[tuple[int, ...]] = (),
) -> Declared | None:
    """Return the first of `functions` that is a loss on y (T, B, O) with a cotangent like d_y; None if none is.

    Targets of one of `shapes` are tried first: a loss may divide by the length of what it is handed.
    """
    for name, function in functions.items():
        for loss in _readings(function, y, d_y, last=last, kinds=kinds, shapes=shapes):
            found = attempt(lambda loss: _constant(loss, y, d_y), loss)
            if found is not None and not isinstance(found, Failure):
                return Declared(name=f"{name} computes", factor=found[0], error=found[1])
    return None


def _constant(loss: Callable[[Array], float], y: Array, d_y: Array) -> tuple[float, float] | None:
    """Return the constant between dloss/dy and d_y with its error, None where there is no such constant."""
    rng = np.random.default_rng(0)
    directions = [rng.standard_normal(y.shape) for _ in range(DIRECTIONS)]
    lines = [lambda s, v=v: loss(y + s * v) for v in directions]
    return constant_along(lines, [float(np.vdot(d_y, v)) for v in directions])


def constant_along(
    lines: Sequence[Callable[[float], float]], slopes: Sequence[float]
) -> tuple[float, float] | None:
    """Return the one constant between the derivatives at 0 of some functions and the slopes that are asked for.

    It comes with its error; None where the constants don't agree within theirs, or are 0.
    """
    found = [(extrapolated(line), slope) for line, slope in zip(lines, slopes, strict=True)]
    ranges = [(d.value / slope, THRESHOLD * d.error / abs(slope)) for d, slope in found]
    low = max(value - error for value, error in ranges)
    high = min(value + error for value, error in ranges)
    if not low <= high or not np.isfinite([low, high]).all():
        return None
    factor, error = (low + high) / 2, min(error for _, error in ranges)
    return (factor, error) if abs(factor) > error else None


def _readings(
    function: Callable[..., Any],
    y: Array,
    d_y: Array,
    *,
    last: bool,
    kinds: Kinds,
    shapes: Container[tuple[int, ...]],
) -> Iterator[Callable[[Array], float]]:
    """Yield `function` as a loss of y (T, B, O), for every usual way to lay out its two arguments."""
    ordered = sorted(layouts(last=last), key=lambda layout: np.shape(layout(y)) not in shapes)
    laid_out = list(product(kinds, ordered))
    ways = [
        (outputs, layout, target)
        for kind, layout in laid_out
        for target in _targets(kind, layout, y, d_y)
        for outputs in {"squared": (identity,), "crossed": (softmax, identity), "binary": (sigmoid,)}[kind]
    ]
    for (outputs, layout, target), turned in product(ways, (False, True)):
        yield _loss(function, outputs, layout, target, turned=turned)


def target_layouts(y: Array, d_y: Array, *, last: bool, kinds: Kinds = KINDS) -> Iterator[Any]:
    """Yield the targets of these kinds of losses in every usual layout."""
    for layout, kind in product(layouts(last=last), kinds):
        yield from _targets(kind, layout, y, d_y)


def _targets(kind: str, layout: Callable[[Array], Any], y: Array, d_y: Array) -> Iterator[Any]:
    """Yield the targets with which a kind of loss has the cotangent d_y: y − d_y, sigmoid(y) − d_y, one-hot, ids."""
    if kind == "squared":
        yield layout(y - d_y)
    elif kind == "binary":
        yield layout(sigmoid(y) - d_y)
    else:
        hot = layout(one_hot(d_y))
        yield hot
        yield from _ids(np.asarray(hot))


def _ids(hot: Array) -> list[Array]:
    """Return one-hot vectors as ids, along the last axis and the one before."""
    return [hot.argmax(axis) for axis in range(max(-2, -hot.ndim), 0)]


def one_hot(d_y: Array) -> Array:
    """Return the one-hot vectors that softmax(y) − one-hot = d_y says: 1 where d_y is least."""
    hot = np.zeros_like(d_y)
    np.put_along_axis(hot, d_y.argmin(-1)[..., np.newaxis], 1.0, -1)
    return hot


def _loss(function: Callable[..., Any], outputs: Any, layout: Any, target: Any, *, turned: bool) -> Any:  # noqa: ANN401
    def loss(y: Array) -> float:
        shown = layout(outputs(y))
        value = np.asarray(function(target, shown) if turned else function(shown, target), dtype=float)
        return float(value.reshape(()))

    return loss


def identity(y: Array) -> Array:
    """Return y."""
    return y


def layouts(*, last: bool) -> list[Callable[[Array], Any]]:
    """Return the usual ways to lay out outputs (T, B, O): as a whole, or of the last step alone."""
    if last:
        return [lambda y: y[-1], lambda y: y[-1].T, lambda y: y[-1, 0], lambda y: [y[-1].T]]
    return [
        lambda y: y,
        lambda y: y.swapaxes(0, 1),
        lambda y: y[:, 0],
        lambda y: y[:, 0, :, np.newaxis],
        lambda y: [step.T for step in y],
        lambda y: [step[0] for step in y],
        lambda y: y[:, 0].T,
    ]
