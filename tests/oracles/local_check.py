"""What the local check has to expect: every step recomputed from what was shown, element by element, in plain loops.

Nothing here is laid out as the judge lays it out: a sample at a time, a step at a time.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from conformance.cases import Case, Problem
from conformance.judge import Precision
from conformance.judge import elman_bounds as bounds
from conformance.judge.flow import Flow, gradient_sum
from conformance.subjects.observation import Observation, Place

Key = tuple[str, int | None, int | None]
"""A quantity, with the layer and direction it belongs to."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What one quantity should be, the sum of its terms' sizes, and what the bounds of its own inputs add up to."""

    value: np.ndarray
    terms: np.ndarray
    inherited: np.ndarray

    def bound(self, p: Precision, products: int, stored: int) -> np.ndarray:
        """Return the bound of a sum of so many terms."""
        flow = Flow(value=self.value, terms=self.terms, inherited=self.inherited)
        return gradient_sum(p, flow, products=products, stored=stored)


def sums(case: Case, quantity: str, layer: int | None) -> tuple[int, int]:
    """Return how many terms a quantity sums up, and how often a term may be stored on its way."""
    top, above = layer == case.layers - 1, 0 if layer in (None, case.layers - 1) else case.directions
    read = case.input_size if layer == 0 else case.directions * case.hidden_size
    cotangents = (top and case.cotangents != "h_n") + (case.cotangents in ("both", "h_n"))
    heads = case.output_size if top else 0
    return {
        "h": (read + case.hidden_size + 3, 3),
        "y": (case.directions * case.hidden_size + 1, 2),
        "dL/dh": (case.hidden_size * (1 + above) + heads + cotangents, 1 + above + cotangents),
        "dL/dh_0": (case.hidden_size, 1),
        "dL/dx": (case.directions * case.hidden_size, case.directions),
    }.get(quantity, (case.batch, 1) if "of a step" in quantity else (case.steps * case.batch, case.steps))


@dataclass(frozen=True)
class Oracle:
    """One problem and what a subject showed of it, time-major and in float64."""

    problem: Problem
    shown: Observation
    p: Precision

    def major(self, values: np.ndarray) -> np.ndarray:
        """Return a sequence as (T, B, ·)."""
        return self.problem.layout.time_major(values).astype(np.float64)

    def state(self, values: np.ndarray, place: Place) -> np.ndarray:
        """Return one place of h_0, h_n or a gradient of them: (B, H)."""
        return self.problem.layout.batched_state(values)[self.problem.places.index(place)].astype(np.float64)

    def order(self, sample: int, place: Place) -> list[int]:
        """Return the steps of one sample in the order of the scan."""
        steps = [t for t in range(self.problem.case.steps) if self.problem.active[t, sample]]
        return steps[::-1] if place[1] else steps

    def visits(self, place: Place) -> list[tuple[int, int, int | None, int | None]]:
        """Return every step of every sample, with the ones before and after it in the scan."""
        found = []
        for b in range(self.problem.case.batch):
            order = [None, *self.order(b, place), None]
            found += [(order[n], b, order[n - 1], order[n + 1]) for n in range(1, len(order) - 1)]
        return found

    def weights(self, place: Place) -> list[np.ndarray | None]:
        """Return W_ih, W_hh, b_ih and b_hh, the biases None where there are none."""
        arrays = [w.astype(np.float64) for w in self.problem.weights_at(place).values()]
        return [*arrays, None, None][:4]

    def own(self, d: int) -> slice:
        """Return the part of a layer's output that one direction makes."""
        return slice(d * self.problem.case.hidden_size, (d + 1) * self.problem.case.hidden_size)

    def sides(self, layer: int) -> list[Place]:
        """Return the places of one layer."""
        return [place for place in self.problem.places if place[0] == layer]

    def states(self, layer: int) -> np.ndarray:
        """Return the shown states of one layer, both directions side by side: (T, B, D·H), 0 in the padding."""
        hidden = np.concatenate([self.shown.hidden[side] for side in self.sides(layer)], axis=-1)
        return np.where(self.problem.active[:, :, np.newaxis], hidden.astype(np.float64), 0.0)

    def read(self, layer: int) -> np.ndarray:
        """Return what a layer reads."""
        if layer == 0:
            return np.where(self.problem.active[:, :, np.newaxis], self.major(self.problem.x), 0.0)
        return self.problem.dropped(layer - 1, self.states(layer - 1))

    def previous(self, place: Place, sample: int, before: int | None) -> np.ndarray:
        """Return the state before a step."""
        if before is not None:
            return self.shown.hidden[place][before, sample].astype(np.float64)
        h_0 = self.problem.h_0
        return np.zeros(self.problem.case.hidden_size) if h_0 is None else self.state(h_0, place)[sample]

    def forward(self) -> dict[Key, tuple[Expected, np.ndarray]]:
        """Return every quantity of the forward pass with its bound."""
        case, found = self.problem.case, {}
        for place in self.problem.places:
            w_ih, w_hh, b_ih, b_hh = self.weights(place)
            read = self.read(place[0])
            a, terms = (np.zeros((case.steps, case.batch, case.hidden_size)) for _ in range(2))
            for t, b, before, _ in self.visits(place):
                h = self.previous(place, b, before)
                a[t, b] = w_ih @ read[t, b] + w_hh @ h
                terms[t, b] = abs(w_ih) @ abs(read[t, b]) + abs(w_hh) @ abs(h)
                if b_ih is not None:
                    a[t, b] += b_ih + b_hh
                    terms[t, b] += abs(b_ih) + abs(b_hh)
            f = np.tanh if case.nonlinearity == "tanh" else lambda x: np.maximum(x, 0)
            n = w_ih.shape[1] + w_hh.shape[1]
            epsilon = bounds.pre_activation(self.p, terms, fan_in=n)
            bound = bounds.state(self.p, case.nonlinearity, a, epsilon)
            found["h", *place] = Expected(f(a), terms, 0 * a), bound
        if self.problem.head is not None:
            states, w = self.states(case.layers - 1), self.problem.head.weight.astype(np.float64)
            bias = 0 if self.problem.head.bias is None else self.problem.head.bias.astype(np.float64)
            y, terms = states @ w.T + bias, abs(states) @ abs(w).T + abs(bias)
            products, stored = sums(case, "y", None)
            found["y", None, None] = Expected(y, terms, 0 * y), self.p.of_sum(products, terms, stored=stored)
        return found

    def deltas(self) -> tuple[dict[Place, np.ndarray], dict[Place, np.ndarray]]:
        """Return δ of every place from the shown h_t and dL/dh_t, and the bounds on it; 0 in the padding."""
        real, nonlinearity = self.problem.active[:, :, np.newaxis], self.problem.case.nonlinearity
        delta, epsilon = {}, {}
        for place in self.problem.places:
            shown = (self.shown.hidden[place], self.shown.d_hidden[place])
            h, g = (np.where(real, part.astype(np.float64), 0.0) for part in shown)
            delta[place] = g * (1 - h * h) if nonlinearity == "tanh" else np.where(h > 0, g, 0.0)
            epsilon[place] = np.where(real, bounds.pre_gradient(self.p, nonlinearity, h, g), 2 * self.p.eta)
            if nonlinearity == "relu":
                epsilon[place] = 0 * g
        return delta, epsilon

    def backward(self) -> dict[Key, Expected]:
        """Return every quantity of the backward pass."""
        delta, epsilon = self.deltas()

        def same(values: np.ndarray) -> np.ndarray:
            return values

        value = self._flow(delta, same, same)
        terms = self._flow({place: abs(d) for place, d in delta.items()}, np.abs, np.abs)
        inherited = self._flow(epsilon, np.abs, np.zeros_like)
        return {key: Expected(value[key], terms[key], inherited[key]) for key in value}

    def _flow(self, d: dict[Place, np.ndarray], size: Callable, given: Callable) -> dict[Key, np.ndarray]:
        case, found = self.problem.case, {}
        for place in self.problem.places:
            layer, direction = place
            w_ih, w_hh = (size(w) for w in self.weights(place)[:2])
            seen = self._seen(size, given)
            d_h_n = None if self.problem.d_h_n is None else given(self.state(self.problem.d_h_n, place))
            arriving = np.zeros((case.steps, case.batch, case.hidden_size))
            d_h_0 = np.zeros((case.batch, case.hidden_size))
            shares = [np.zeros((case.steps, *w.shape)) for w in (w_ih, w_hh, w_hh[0], w_hh[0])]
            read = size(self.read(layer))
            for t, b, before, after in self.visits(place):
                if layer == case.layers - 1 and seen is not None:
                    arriving[t, b] += seen[t, b, self.own(direction)]
                if after is not None:
                    arriving[t, b] += d[place][after, b] @ w_hh
                elif d_h_n is not None:
                    arriving[t, b] += d_h_n[b]
                if before is None:
                    d_h_0[b] = d[place][t, b] @ w_hh
                shares[0][t] += np.outer(d[place][t, b], read[t, b])
                shares[1][t] += np.outer(d[place][t, b], size(self.previous(place, b, before)))
                shares[2][t] += d[place][t, b]
                shares[3][t] += d[place][t, b]
            for side in self.sides(layer + 1):
                passed = self.problem.dropped(layer, d[side] @ size(self.weights(side)[0]))
                arriving += passed[..., self.own(direction)]
            found |= {("dL/dh", *place): arriving, ("dL/dh_0", *place): d_h_0}
            for name, share in zip(("W_ih", "W_hh", "b_ih", "b_hh"), shares, strict=True):
                found[f"dL/d{name} of a step", *place] = share
                found[f"dL/d{name}", *place] = share.sum(axis=0)
        found["dL/dx", None, None] = sum(d[side] @ size(self.weights(side)[0]) for side in self.sides(0))
        head = self.problem.head
        if head is not None and head.d_y is not None:
            real = self.problem.active[:, :, np.newaxis]
            d_y = given(np.where(real, self.major(head.d_y), 0.0))
            states = size(self.states(case.layers - 1))
            found["dL/dW_y", None, None] = np.einsum("tbo,tbh->oh", d_y, states)
            found["dL/db_y", None, None] = d_y.sum(axis=(0, 1))
        return found

    def _seen(self, size: Callable, given: Callable) -> np.ndarray | None:
        """Return dL/doutput (T, B, D·H), through the head where there is one."""
        head = self.problem.head
        if head is not None and head.d_y is not None:
            return given(self.major(head.d_y)) @ size(head.weight.astype(np.float64))
        return None if self.problem.d_output is None else given(self.major(self.problem.d_output))
