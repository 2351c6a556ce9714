"""Small Elman networks in ball arithmetic: every number comes with a proven radius.

python-flint's `arb` is an interval with rigorous error bounds (F. Johansson, "Arb: efficient arbitrary-
precision midpoint-radius interval arithmetic", IEEE Trans. Comput. 66 (2017)). The forward pass is written
out here sum by sum from torch's documented formula. The gradients come from no formula of BPTT at all: every
scalar operation records its derivatives, and the chain rule runs back over the record. `directional` is the
same forward pass once more, over dual numbers, as a check on that.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import flint
import numpy as np
from flint import arb

from oracles.problems import HEAD_BIAS, HEAD_WEIGHT, Observation, Problem, gradient_key, suffix

BITS = 256

SMALLEST = float(np.finfo(np.float64).smallest_subnormal)

PROOF = 1e-20
"""What the radii of balls must stay below to count as proof: 10,000 times less than float64 resolves."""


@contextmanager
def precision(bits: int = BITS) -> Iterator[None]:
    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before


def exactly(value: Any) -> arb:
    """Return a floating-point number as a ball of radius 0, long double included."""
    high = float(value)
    if not np.isfinite(high):
        return arb(high)
    return arb(high) + arb(float(value - type(value)(high)))


@dataclass(slots=True, eq=False)
class Scalar:
    """A ball that remembers what it was computed from, with the derivative for each."""

    value: arb
    sources: list[tuple["Scalar", arb]] = field(default_factory=list)
    gradient: arb = field(default_factory=lambda: arb(0))

    def __add__(self, other: "Scalar") -> "Scalar":
        return Scalar(self.value + other.value, [(self, arb(1)), (other, arb(1))])

    def __mul__(self, other: "Scalar") -> "Scalar":
        return Scalar(self.value * other.value, [(self, other.value), (other, self.value)])

    def tanh(self) -> "Scalar":
        return Scalar(self.value.tanh(), [(self, 1 / self.value.cosh() ** 2)])

    def relu(self) -> "Scalar":
        positive = is_positive(self.value)
        return Scalar(self.value if positive else arb(0), [(self, arb(int(positive)))])

    def times(self, factor: arb) -> "Scalar":
        return Scalar(self.value * factor, [(self, factor)])

    def detached(self) -> "Scalar":
        return Scalar(self.value)


@dataclass(slots=True, eq=False)
class Dual:
    """A ball with its derivative along one direction."""

    value: arb
    change: arb

    def __add__(self, other: "Dual") -> "Dual":
        return Dual(self.value + other.value, self.change + other.change)

    def __mul__(self, other: "Dual") -> "Dual":
        return Dual(self.value * other.value, self.value * other.change + self.change * other.value)

    def tanh(self) -> "Dual":
        return Dual(self.value.tanh(), self.change / self.value.cosh() ** 2)

    def relu(self) -> "Dual":
        positive = is_positive(self.value)
        return Dual(self.value if positive else arb(0), self.change if positive else arb(0))

    def times(self, factor: arb) -> "Dual":
        return Dual(self.value * factor, self.change * factor)

    def detached(self) -> "Dual":
        return Dual(self.value, arb(0))


def is_positive(ball: arb) -> bool:
    """Tell whether a ball lies above 0; a ball that proves neither this nor the contrary is refused."""
    if ball > 0:
        return True
    if ball <= 0:
        return False
    message = f"{ball} lies on both sides of relu's kink"
    raise ValueError(message)


def forward(problem: Problem, lift: Callable[[str, tuple[int, ...], Any], Any]) -> tuple[dict, dict]:
    """Compute output and h_n scalar by scalar; `lift(name, index, number)` makes each input.

    Samples run one by one, each over its own length.
    """
    p = problem
    weights = {
        name: {index: lift(name, index, array[index]) for index in np.ndindex(array.shape)}
        for name, array in p.weights.items()
    }
    output: dict[tuple[int, ...], Any] = {}
    h_n: dict[tuple[int, ...], Any] = {}
    for b in range(p.batch):
        length = p.steps if p.lengths is None else p.lengths[b]
        y = [[lift("x", (t, b, i), p.x[t, b, i]) for i in range(p.inputs)] for t in range(length)]
        for layer in range(p.layers):
            above: list[list[Any]] = [[] for _ in range(length)]
            for d in range(p.directions):
                row, end = layer * p.directions + d, suffix(layer, d)
                zero = np.zeros((), p.dtype)[()]
                h = [
                    lift("h_0", (row, b, k), zero if p.h_0 is None else p.h_0[row, b, k])
                    for k in range(p.hidden)
                ]
                for done, t in enumerate(range(length) if d == 0 else reversed(range(length))):
                    if done and p.truncation is not None and done % p.truncation == 0:
                        h = [value.detached() for value in h]
                    h = [unit(p, weights, end, y[t], h, k) for k in range(p.hidden)]
                    above[t] += h
                for k in range(p.hidden):
                    h_n[row, b, k] = h[k]
            y = dropped(p, layer, b, above)
        for t in range(length):
            for k, value in enumerate(y[t]):
                output[t, b, k] = value
    return output, h_n


def dropped(p: Problem, layer: int, b: int, y: list[list[Any]]) -> list[list[Any]]:
    """Return what dropout leaves of a layer's outputs for sample b: kept ones times 1 / (1 − p)."""
    if p.masks is None or layer == p.layers - 1:
        return y
    factor = arb(0) if p.dropout == 1 else 1 / (1 - arb(p.dropout))
    return [
        [value.times(factor if p.masks[layer, t, b, k] else arb(0)) for k, value in enumerate(row)]
        for t, row in enumerate(y)
    ]


def head_outputs(p: Problem, output: dict, lift: Callable[[str, tuple[int, ...], Any], Any]) -> dict:
    """Compute y_t = W h_t + b of every step and sample, nothing where there is no head."""
    y: dict[tuple[int, ...], Any] = {}
    for t, b in {(t, b) for t, b, _ in output} if p.head else ():
        for o, row in enumerate(p.head[HEAD_WEIGHT]):
            total = lift(HEAD_BIAS, (o,), p.head[HEAD_BIAS][o])
            for k, weight in enumerate(row):
                total = total + lift(HEAD_WEIGHT, (o, k), weight) * output[t, b, k]
            y[t, b, o] = total
    return y


def unit(p: Problem, weights: dict, end: str, x: list[Any], h: list[Any], k: int) -> Any:
    """One unit of one step: f(Σ_i W_ih[k, i] x_i + Σ_j W_hh[k, j] h_j + b_ih[k] + b_hh[k])."""
    terms = [weights[f"weight_ih_{end}"][k, i] * value for i, value in enumerate(x)]
    terms += [weights[f"weight_hh_{end}"][k, j] * value for j, value in enumerate(h)]
    if p.bias:
        terms += [weights[f"bias_ih_{end}"][k,], weights[f"bias_hh_{end}"][k,]]
    a = terms[0]
    for term in terms[1:]:
        a = a + term
    return a.tanh() if p.nonlinearity == "tanh" else a.relu()


def loss(
    problem: Problem, output: dict, h_n: dict, constant: Callable[[Any], Any], y: dict | None = None
) -> Any:
    """Σ d_output · output + Σ d_h_n · h_n + Σ d_y · y, the loss whose gradient backward returns."""
    terms = []
    for values, cotangent in ((output, problem.d_output), (h_n, problem.d_h_n), (y or {}, problem.d_y)):
        if cotangent is not None:
            terms += [value * constant(cotangent[index]) for index, value in values.items()]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def backwards(last: Scalar) -> None:
    """Run the chain rule from `last` to everything it was computed from."""
    order: list[Scalar] = []
    seen: set[int] = set()
    todo: list[tuple[Scalar, bool]] = [(last, False)]
    while todo:  # a depth-first walk that lists every scalar after its sources
        scalar, finished = todo.pop()
        if finished:
            order.append(scalar)
        elif id(scalar) not in seen:
            seen.add(id(scalar))
            todo.append((scalar, True))
            todo += [(source, False) for source, _ in scalar.sources]
    last.gradient = arb(1)
    for scalar in reversed(order):
        for source, derivative in scalar.sources:
            source.gradient = source.gradient + scalar.gradient * derivative


Balls = dict[str, np.ndarray]
"""Arrays of `arb`, under the names of `problems.observe`."""


def prove(problem: Problem) -> Balls:
    """Return output, h_n and all gradients of a problem as balls, exactly 0 in the padding."""
    leaves: dict[tuple[str, tuple[int, ...]], Scalar] = {}

    def lift(name: str, index: tuple[int, ...], number: Any) -> Scalar:
        return leaves.setdefault((name, index), Scalar(exactly(number)))

    p = problem
    with precision():
        output, h_n = forward(p, lift)
        y = head_outputs(p, output, lift)
        backwards(loss(p, output, h_n, lambda number: Scalar(exactly(number)), y))
        states = (p.layers * p.directions, p.batch, p.hidden)
        found = {
            "output": filled((p.steps, p.batch, p.directions * p.hidden), output),
            "h_n": filled(states, h_n),
        }
        if p.head:
            found["y"] = filled((p.steps, p.batch, p.outputs), y)
        named = {**p.weights, **p.head}
        shapes = {"x": p.x.shape, "h_0": states} | {n: a.shape for n, a in named.items()}
        for name, shape in shapes.items():
            found[gradient_key(name)] = np.full(shape, arb(0), dtype=object)
        for (name, index), leaf in leaves.items():
            found[gradient_key(name)][index] = leaf.gradient
    return found


def filled(shape: tuple[int, ...], values: dict[tuple[int, ...], Scalar]) -> np.ndarray:
    array = np.full(shape, arb(0), dtype=object)
    for index, scalar in values.items():
        array[index] = scalar.value
    return array


def directional(problem: Problem, direction: Observation) -> arb:
    """Return the loss's derivative along `direction`, an array for each of x, h_0 and the parameters."""

    def lift(name: str, index: tuple[int, ...], number: Any) -> Dual:
        return Dual(exactly(number), exactly(direction[name][index]))

    with precision():
        output, h_n = forward(problem, lift)
        return loss(problem, output, h_n, lambda number: Dual(exactly(number), arb(0))).change


def largest_radius(proved: Balls) -> float:
    return max(float(ball.rad()) for array in proved.values() for ball in array.flat)


def distance(found: np.ndarray, balls: np.ndarray) -> np.ndarray:
    """Return an upper bound on |found − exact| for every element; NaN and inf stay so."""
    assert found.shape == balls.shape, f"shape {found.shape}, expected {balls.shape}"
    result = np.empty(found.shape)
    with precision():
        for index in np.ndindex(found.shape):
            result[index] = float((exactly(found[index]) - balls[index]).abs_upper())
    return result * (1 + 2 * np.finfo(np.float64).eps)  # float() rounds to nearest: step above it


def share(found: np.ndarray, exact: np.ndarray, limit: np.ndarray) -> float:
    """Return the largest share of a bound that the distance from balls uses; NaN where anything is NaN."""
    off = distance(found, exact)
    with np.errstate(over="ignore"):  # a wrong value over a tiny bound is infinitely wrong
        return float(np.max(np.where((off == 0) & (limit == 0), 0, off / np.maximum(limit, SMALLEST))))
