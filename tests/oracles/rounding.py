"""How far rounding may take any correct program from the exact result: running error analysis.

Every quantity travels with a bound on its error, for whatever order of operations and whatever
grouping a program chooses, in arithmetic of unit roundoff u. The rules are those of N. J. Higham,
"Accuracy and Stability of Numerical Algorithms", 2nd ed., chapter 3:

    Σ of n products or addends, in any order   |error| ≤ γ_n Σ|terms|,  γ_n = nu / (1 − nu)
    f(a) with an error e in a                  |error| ≤ e · max|f'| over a ± e, and f's own rounding
    a product of two inexact factors           |a| e_b + e_a |b| + e_a e_b, and its own rounding

plus one smallest subnormal for each operation that may underflow. Errors are multiplied through with |W|, so
the bounds grow like |W|^T: they are meant for short sequences and weights of torch's own size.

The values come along in long double, by loops written for this file: one more opinion.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from oracles.problems import HEAD_BIAS, HEAD_WEIGHT, Problem, gradient_key, place_key, suffix

TANH_ROUNDING = 4
"""tanh is off by at most this many u·|tanh|: 2 ULP, the promise of glibc's libm; SLEEF's is 1 ULP."""


class KinkError(AssertionError):
    """A pre-activation lies so close to 0 that rounding decides relu's derivative."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """Values and a bound on the error of each, or (in `Terms`) a sum before its rounding."""

    value: np.ndarray
    error: np.ndarray

    def __getitem__(self, index: Any) -> "Bounded":
        return Bounded(self.value[index], self.error[index])

    @property
    def size(self) -> np.ndarray:
        """The largest magnitude that a program may meet here."""
        return np.abs(self.value) + self.error


@dataclass(frozen=True, slots=True)
class Terms:
    """A group of summands: their sum, the error they bring along, and the sum of their magnitudes."""

    value: np.ndarray
    error: np.ndarray
    size: np.ndarray
    count: int


def exact(values: np.ndarray) -> Bounded:
    values = np.asarray(values, np.longdouble)
    return Bounded(values, np.zeros(values.shape))


def stacked(parts: list[Bounded], axis: int = 0) -> Bounded:
    return Bounded(np.stack([p.value for p in parts], axis), np.stack([p.error for p in parts], axis))


def joined(parts: list[Bounded]) -> Bounded:
    return Bounded(np.concatenate([p.value for p in parts], -1), np.concatenate([p.error for p in parts], -1))


def spread(a: Bounded, rows: int) -> Bounded:
    """Repeat a vector for every row of a batch."""
    return Bounded(*(np.broadcast_to(part, (rows, part.size)) for part in (a.value, a.error)))


def where(condition: np.ndarray, yes: Bounded, no: Bounded) -> Bounded:
    return Bounded(np.where(condition, yes.value, no.value), np.where(condition, yes.error, no.error))


def products(spec: str, a: Bounded, b: Bounded, count: int) -> Terms:
    """Sums of `count` products each, as einsum names them."""
    error = np.einsum(spec, np.abs(a.value), b.error) + np.einsum(spec, a.error, b.size)
    return Terms(np.einsum(spec, a.value, b.value), error, np.einsum(spec, a.size, b.size), count)


def addend(a: Bounded) -> Terms:
    return Terms(a.value, a.error, a.size, 1)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Rounding in one precision."""

    u: float
    tiny: float

    @classmethod
    def of(cls, dtype: Any) -> "Arithmetic":
        info = np.finfo(dtype)
        return cls(float(info.eps) / 2, float(np.float64(info.smallest_subnormal)))

    def gamma(self, count: int) -> float:
        return count * self.u / (1 - count * self.u)

    def total(self, *groups: Terms) -> Bounded:
        """Sum groups of terms, in any order."""
        count = sum(group.count for group in groups)
        value = sum(group.value for group in groups)
        size = sum(group.size for group in groups)
        error = sum(group.error for group in groups)
        underflow = 2 * count * self.tiny * (size > 0)  # sums of nothing but zeros are exact
        return Bounded(value, np.float64(error + self.gamma(count) * size + underflow))

    def scaled(self, a: Bounded, factors: np.ndarray) -> Bounded:
        """Multiply by factors that a program computes with up to three roundings."""
        size = np.abs(factors)
        error = size * a.error + self.gamma(4) * size * a.size + self.tiny * (factors != 0)
        return Bounded(a.value * factors, np.float64(error))

    def activation(self, a: Bounded, nonlinearity: str) -> Bounded:
        if nonlinearity == "relu":
            return Bounded(np.maximum(a.value, 0), np.where(a.value + a.error <= 0, 0, a.error))
        value = np.tanh(a.value)
        steepest = 1 / np.cosh(np.maximum(np.abs(a.value) - a.error, 0)) ** 2
        error = steepest * a.error
        return Bounded(value, np.float64(error + TANH_ROUNDING * self.u * (np.abs(value) + error)))

    def slope(self, h: Bounded, a: Bounded, nonlinearity: str) -> Bounded:
        """f'(a) as programs compute it from h."""
        if nonlinearity == "relu":
            if np.any((np.abs(a.value) <= a.error) & (a.error > 0)):
                message = "a pre-activation is 0 to rounding; choose other data"
                raise KinkError(message)
            return Bounded((a.value > 0).astype(np.longdouble), np.zeros(a.value.shape))
        value = 1 - h.value**2
        carried = 2 * np.abs(h.value) * h.error + h.error**2
        return Bounded(value, np.float64(carried + self.gamma(3) * (h.size**2 + np.abs(value) + carried)))

    def product(self, a: Bounded, b: Bounded) -> Bounded:
        error = np.abs(a.value) * b.error + a.error * b.size + self.u * a.size * b.size
        return Bounded(a.value * b.value, np.float64(error + self.tiny * (error > 0)))


def bounds(problem: Problem, dtype: Any = None) -> Mapping[str, Bounded]:
    """Return every quantity of a problem with a bound on its error in `dtype`, by default its own.

    Names are those of `problems.observe` and `problems.observe_steps`; where a sample has no step, values and
    bounds are exactly 0.
    """
    return _Pass(problem, Arithmetic.of(problem.dtype if dtype is None else dtype)).results()


class _Pass:
    """One problem on its way forward and backward; all sequences are lists over t of (B, ·)."""

    def __init__(self, problem: Problem, arithmetic: Arithmetic) -> None:
        self.problem, self.do = problem, arithmetic
        self.weights = {name: exact(array) for name, array in problem.weights.items()}
        shape = (problem.layers * problem.directions, problem.batch, problem.hidden)
        self.h_0 = exact(np.zeros(shape) if problem.h_0 is None else problem.h_0)
        self.present = problem.present[:, :, np.newaxis]
        self.zero = exact(np.zeros((problem.batch, problem.hidden)))
        self.found: dict[str, Bounded] = {}

    def results(self) -> Mapping[str, Bounded]:
        p, do = self.problem, self.do
        inputs = [[exact(np.where(self.present[t], p.x[t], 0)) for t in range(p.steps)]]
        self.states: dict[tuple[int, int], list[Bounded]] = {}
        self.previous: dict[tuple[int, int], list[Bounded]] = {}
        self.slopes: dict[tuple[int, int], list[Bounded]] = {}
        finals = []
        for layer in range(p.layers):
            finals += [self.scan(layer, d, inputs[layer]) for d in range(p.directions)]
            y = [joined([self.states[layer, d][t] for d in range(p.directions)]) for t in range(p.steps)]
            if layer < p.layers - 1 and p.masks is not None:
                y = [do.scaled(y[t], self.kept(layer, t)) for t in range(p.steps)]
            inputs.append(y)
        self.found["output"] = stacked(inputs[-1])
        self.found["h_n"] = stacked(finals)
        if p.d_output is None and p.d_h_n is None and not p.head:
            return self.found
        self.back(inputs, self.through_the_head(inputs[-1]) if p.head else self.given())
        return self.found

    def kept(self, layer: int, t: int) -> np.ndarray:
        """What dropout multiplies a layer's output with."""
        assert self.problem.masks is not None
        keep = self.problem.masks[layer, t].astype(np.longdouble)
        p = np.longdouble(self.problem.dropout)
        return keep * 0 if p == 1 else keep / (1 - p)

    def order(self, d: int) -> list[int]:
        steps = list(range(self.problem.steps))
        return steps[::-1] if d else steps

    def scan(self, layer: int, d: int, inputs: list[Bounded]) -> Bounded:
        p, do, end = self.problem, self.do, suffix(layer, d)
        h = self.h_0[layer * p.directions + d]
        states, previous, slopes = ([self.zero] * p.steps for _ in range(3))
        for t in self.order(d):
            groups = [
                products("bi,hi->bh", inputs[t], self.weights[f"weight_ih_{end}"], p.width(layer)),
                products("bj,hj->bh", h, self.weights[f"weight_hh_{end}"], p.hidden),
            ]
            if p.bias:
                biases = (self.weights[f"bias_ih_{end}"], self.weights[f"bias_hh_{end}"])
                groups += [addend(spread(bias, p.batch)) for bias in biases]
            a = do.total(*groups)
            new = do.activation(a, p.nonlinearity)
            there = self.present[t]
            a = where(there, a, exact(np.ones(a.value.shape)))  # a step that isn't there has no kink
            previous[t], slopes[t] = h, do.slope(new, a, p.nonlinearity)
            h = where(there, new, h)
            states[t] = where(there, new, self.zero)
        self.states[layer, d], self.previous[layer, d], self.slopes[layer, d] = states, previous, slopes
        self.found[place_key("h_t", layer, d)] = stacked(states)
        return h

    def given(self) -> list[Bounded]:
        """Return dL/doutput as it is given, 0 in the padding."""
        p = self.problem
        width = p.directions * p.hidden
        d_output = np.zeros((p.steps, p.batch, width)) if p.d_output is None else p.d_output
        return [exact(np.where(self.present[t], d_output[t], 0)) for t in range(p.steps)]

    def through_the_head(self, output: list[Bounded]) -> list[Bounded]:
        """Return dL/doutput as it comes from dL/dy, and note y and the gradients of the head."""
        p, do = self.problem, self.do
        assert p.d_y is not None
        weight, bias, d_y = exact(p.head[HEAD_WEIGHT]), exact(p.head[HEAD_BIAS]), exact(p.d_y)
        width, rows = p.directions * p.hidden, p.steps * p.batch
        y = products("tbk,ok->tbo", stacked(output), weight, width)
        spread_bias = Bounded(*(np.broadcast_to(part, y.value.shape) for part in (bias.value, bias.error)))
        self.found["y"] = do.total(y, addend(spread_bias))
        self.found[gradient_key(HEAD_WEIGHT)] = do.total(products("tbo,tbk->ok", d_y, stacked(output), rows))
        ones = exact(np.ones((p.steps, p.batch)))
        self.found[gradient_key(HEAD_BIAS)] = do.total(products("tbo,tb->o", d_y, ones, rows))
        return [do.total(products("bo,ok->bk", d_y[t], weight, p.outputs)) for t in range(p.steps)]

    def back(self, inputs: list[list[Bounded]], d_y: list[Bounded]) -> None:
        p, do = self.problem, self.do
        d_h_n = exact(np.zeros(self.h_0.value.shape) if p.d_h_n is None else p.d_h_n)
        d_h_0: dict[tuple[int, int], Bounded] = {}
        for layer in reversed(range(p.layers)):
            d_a: list[list[Bounded]] = []
            for d in range(p.directions):
                own = [d_y[t][:, d * p.hidden : (d + 1) * p.hidden] for t in range(p.steps)]
                last = d_h_n[layer * p.directions + d]
                found, d_h_0[layer, d] = self.scan_back(layer, d, own, last)
                self.parameters(layer, d, found, inputs[layer])
                d_a.append(found)
            d_y = [
                do.total(
                    *(
                        products(
                            "bh,hi->bi",
                            d_a[d][t],
                            self.weights[f"weight_ih_{suffix(layer, d)}"],
                            p.hidden,
                        )
                        for d in range(p.directions)
                    )
                )
                for t in range(p.steps)
            ]
            d_y = [where(self.present[t], d_y[t], exact(np.zeros((1, 1)))) for t in range(p.steps)]
            if layer > 0 and p.masks is not None:
                d_y = [do.scaled(d_y[t], self.kept(layer - 1, t)) for t in range(p.steps)]
        self.found[gradient_key("x")] = stacked(d_y)
        self.found[gradient_key("h_0")] = stacked([d_h_0[place] for place in p.places])

    def scan_back(
        self, layer: int, d: int, d_output: list[Bounded], last: Bounded
    ) -> tuple[list[Bounded], Bounded]:
        p, do, zero = self.problem, self.do, self.zero
        w_hh = self.weights[f"weight_hh_{suffix(layer, d)}"]
        lengths = self.present.sum(axis=0)  # (B, 1)
        quantities: list[list[Bounded]] = [[zero] * p.steps for _ in range(4)]
        carry = last
        for t in reversed(self.order(d)):
            there = self.present[t]
            d_h = do.total(addend(d_output[t]), addend(carry))
            d_a = do.product(d_h, self.slopes[layer, d][t])
            for quantity, value in zip(quantities, (d_h, d_output[t], carry, d_a), strict=True):
                quantity[t] = where(there, value, zero)
            back = do.total(products("bh,hj->bj", d_a, w_hh, p.hidden))
            if p.truncation is not None:
                done = lengths - 1 - t if d else np.full_like(lengths, t)  # steps before this one, per sample
                back = where((done % p.truncation == 0) & (done > 0), zero, back)
            carry = where(there, back, carry)
        names = ("dL/dh_t", "dL/dh_t from the output", "dL/dh_t from the next step", "dL/da_t")
        for name, quantity in zip(names, quantities, strict=True):
            self.found[place_key(name, layer, d)] = stacked(quantity)
        return quantities[3], carry

    def parameters(self, layer: int, d: int, d_a: list[Bounded], inputs: list[Bounded]) -> None:
        p, do, end = self.problem, self.do, suffix(layer, d)
        ones = exact(np.ones((p.steps, p.batch)))
        cases = [
            (f"weight_ih_{end}", "tbi", stacked(inputs)),
            (f"weight_hh_{end}", "tbi", stacked(self.previous[layer, d])),
        ]
        if p.bias:
            cases += [(f"bias_ih_{end}", "tb", ones), (f"bias_hh_{end}", "tb", ones)]
        for name, letters, factor in cases:
            rest = letters[2:]
            whole = products(f"tbh,{letters}->h{rest}", stacked(d_a), factor, p.steps * p.batch)
            self.found[gradient_key(name)] = do.total(whole)
            each = products(f"tbh,{letters}->th{rest}", stacked(d_a), factor, p.batch)
            self.found[f"every step's share in {name}"] = do.total(each)
