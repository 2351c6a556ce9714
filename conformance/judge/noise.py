"""Rounding noise of a problem: how far correct programs scatter around the exact result of this very problem.

The reference is replayed K times with a rounding-sized perturbation of every operation (Monte Carlo arithmetic:
D. S. Parker, "Monte Carlo arithmetic: exploiting randomness in floating-point arithmetic", UCLA CSD-970002, 1997).
The spread of the replays is the noise of each quantity; a discrepancy is judged in units of it. What keeps it safe:

    per element and row   a single element's spread may vanish by chance, a whole tensor's hides small rows:
                          noise = √(element² / 2 + row² / 2), where a row is a time step, a state, or a unit of a weight
    coherent rounding     with constant inputs the same error comes back at every step: half of each perturbation's
                          variance is constant over a scan
    kinks                 near relu's kink half of the replays lie on either side (`elman_noise`)
    accumulation          parameter gradients are perturbed as sums of all their terms, and a sum in the subject's
                          precision, step by step, shows what repeats itself there
    range                 rows are scaled before they are squared; a floor of u·|q| + 10 H η covers the last rounding
    NaN and infinities    of the data spread as they do in every correct program: they have no noise, and where a
                          replay has others than the exact result, that isn't so, and the row is lost
"""

import math
from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from conformance.cases import Head, Problem
from conformance.cases.head import HEAD_WEIGHT
from conformance.judge.elman_noise import NoisyElman
from conformance.judge.gru_before_noise import NoisyGruBefore
from conformance.judge.gru_noise import NoisyGru
from conformance.judge.head_noise import noisy_gradients, noisy_outputs, noisy_return
from conformance.judge.lstm_noise import NoisyLstm
from conformance.judge.noisy_arithmetic import Scanned, ScannedBack, perturbations
from conformance.judge.rounding import Precision
from conformance.judge.steps import as_weights
from conformance.subjects.observation import Place
from refrnn import Array, Weights

REPLAYS = 8
FLOOR = 10
"""Smallest subnormals per hidden unit that underflow alone may cost."""


class Noise(Struct, frozen=True, kw_only=True):
    """The noise of one quantity, element by element, and how it compares with the quantity.

    `relative` is each row's noise over the row's own scale (root mean squares): where it isn't small the
    comparison means nothing. It has the quantity's shape.
    """

    value: Array
    relative: Array


def noise_of(problem: Problem, exact: dict[str, Array], precision: Precision) -> dict[str, Noise]:
    """Return the noise of every result of `problem` whose exact value (to float64) is given in `exact`.

    Results are named as in `replayed`, time-major and batched. The replays are drawn from the case's own seed.
    """
    eta = FLOOR * problem.case.hidden_size * precision.eta
    replays = replayed(problem, precision, REPLAYS)
    alike: dict[
        tuple[tuple[int, ...], tuple[int, ...]], list[str]
    ] = {}  # results of one shape are worked out together
    for name, value in exact.items():
        alike.setdefault((_row_axes(name, value.ndim), value.shape), []).append(name)
    found: dict[str, Noise] = {}
    for (axes, _), names in alike.items():
        scattered, true = (
            np.stack([values[name] for name in names], n) for values, n in ((replays, 1), (exact, 0))
        )
        found |= zip(names, noises(scattered, true, axes, precision.u, eta), strict=True)
    return {name: found[name] for name in exact}


def replayed(problem: Problem, precision: Precision, replays: int) -> dict[str, Array]:
    """Return the results of all replays, the replay first, under the names of `results`."""
    return Replay.of(problem, precision, replays).results()


def _row_axes(name: str, rank: int) -> tuple[int, ...]:
    """Return the axes over which a row runs: all but time in sequences, but the unit in weights; else all."""
    if name in ("output", "y", "dL/dx"):
        return (1, 2)
    return (1,) if name.startswith("weight") or name == HEAD_WEIGHT else tuple(range(rank))


def noises(replays: Array, exact: Array, axes: tuple[int, ...], u: float, eta: float) -> Iterator[Noise]:
    """Yield the noise of several results (N, ·) of one shape, from their replays (K, N, ·)."""
    axes = tuple(axis + 1 for axis in axes)
    finite = np.isfinite(exact)
    if not finite.all():
        same = np.isfinite(replays) == finite  # else the row is lost
        replays = np.where(same & finite, replays, np.where(same, 0.0, np.nan))
        exact = np.where(finite, exact, 0.0)
    deviation = np.abs(replays - exact)
    largest = deviation.max(axis=(0, *(axis + 1 for axis in axes)), keepdims=True)
    unit = np.where(largest > 0, largest, 1.0)
    deviation /= unit
    deviation *= deviation
    squares = deviation.sum(axis=0) / len(deviation)  # a mean by hand takes half the time
    in_row = math.prod(exact.shape[axis] for axis in axes)
    row = squares.sum(axis=axes, keepdims=True) / in_row
    unit, size = unit[0], np.abs(exact)
    scale = size.max(axis=axes, keepdims=True)
    safe = np.where(scale > 0, scale, 1.0)
    rms = safe * np.sqrt(((size / safe) ** 2).sum(axis=axes, keepdims=True) / in_row)
    row_noise = unit * np.sqrt(row)
    relative = np.where(row_noise == 0, 0.0, row_noise / rms)  # NaN stays NaN
    value = unit * np.sqrt(squares / 2 + row / 2) + u * size + eta
    for one, one_relative in zip(value, np.broadcast_to(relative, value.shape), strict=True):
        yield Noise(value=one, relative=one_relative)


class Replay(Struct, frozen=True):
    """All replays of one problem, side by side in the batch: arrays are (T, K·B, ·)."""

    problem: Problem
    precision: Precision
    replays: int
    cell: NoisyElman | NoisyLstm | NoisyGru | NoisyGruBefore
    active: Array  # (T, K·B, 1), False in the padding

    @classmethod
    def of(cls, problem: Problem, precision: Precision, replays: int) -> "Replay":
        """Prepare the replays of `problem`."""
        rng = np.random.default_rng(problem.branch("noise"))
        arithmetic = precision.u, precision.eta, not problem.is_finite, replays, rng
        cell = {
            "rnn": lambda: NoisyElman(*arithmetic, problem.case.nonlinearity),
            "lstm": lambda: NoisyLstm(*arithmetic),
            "gru": lambda: (NoisyGru if problem.case.reset == "after" else NoisyGruBefore)(*arithmetic),
        }[problem.case.cell]()
        active = np.tile(problem.active, replays)[:, :, np.newaxis]
        return cls(problem, precision, replays, cell, active)

    def results(self) -> dict[str, Array]:
        """Run forward and backward and return every result."""
        problem = self.problem
        inputs, scans = self._forward()
        top = problem.case.layers - 1
        output = np.concatenate([scans[top, d].states[0] for d in range(problem.case.directions)], axis=-1)
        found = {"output": self._apart(np.where(self.active, output, 0.0))}
        for n, letter in enumerate(problem.case.carried):
            finals = [self._final(scans[place].states[n], place) for place in problem.places]
            found |= self._by_place(f"{letter}_n", np.array(finals))
        found |= {} if problem.head is None else self._through_head(problem.head, output)
        if problem.d_output is not None or problem.seen_finals:
            found |= self._backward(inputs, scans)
        return found

    def _through_head(self, head: Head, output: Array) -> dict[str, Array]:
        """Return y and the gradients of the head's parameters for every replay."""
        found = {"y": self._apart(noisy_outputs(self.cell, head, output))}
        if head.d_y is None:
            return found
        d_y = self._by_replay(self._tiled(self.problem.layout.time_major(head.d_y)))
        return found | noisy_gradients(self.cell, head, self._by_replay(output), d_y)

    def _tiled(self, values: Array) -> Array:
        """Repeat a batch for every replay: (·, B, ·) -> (·, K·B, ·) in float64."""
        return np.tile(values.astype(np.float64), (1, self.replays, 1))

    def _apart(self, values: Array) -> Array:
        """Return (·, K·B, ·) as (K, ·, B, ·)."""
        return values.reshape(len(values), self.replays, self.problem.case.batch, -1).swapaxes(0, 1)

    def _order(self, place: Place) -> range:
        steps = range(self.problem.case.steps)
        return steps[::-1] if place[1] else steps

    def _weights(self, place: Place) -> Weights:
        return as_weights(self.problem.weights_at(place))

    def _initial(self) -> list[Array]:
        """Return the initial value of every carried vector (L·D, K·B, ·)."""
        return [self._tiled(state) for state in self.problem.initial_states.values()]

    def _forward(self) -> tuple[list[Array], dict[Place, Scanned]]:
        problem = self.problem
        x = np.where(problem.active[:, :, np.newaxis], problem.layout.time_major(problem.x), 0.0)
        inputs, scans = [self._tiled(x)], dict[Place, Scanned]()
        initial = self._initial()
        for n, place in enumerate(problem.places):
            scans[place] = self.cell.forward(
                self._weights(place),
                inputs[place[0]],
                [state[n] for state in initial],
                self._order(place),
                self.active,
            )
            if place[1] == problem.case.directions - 1:
                sides = [scans[place[0], d].states[0] for d in range(problem.case.directions)]
                inputs.append(self._dropped(place[0], np.concatenate(sides, axis=-1)))
        return inputs, scans

    def _dropped(self, layer: int, values: Array) -> Array:
        """Return dropout of an output of `layer`, or of its gradient (T, K·B, ·), where another layer follows."""
        if self.problem.masks is None or layer == self.problem.case.layers - 1:
            return values
        left = values * self._tiled(self.problem.dropped(layer, np.ones(self.problem.masks.shape[1:])))
        if self.problem.dropout_roundings == 0:
            return left
        rng, u = self.cell.rng, self.precision.u
        factor = perturbations(
            rng, (self.replays, 1), self.problem.dropout_roundings - 1
        )  # the same everywhere
        shared = np.repeat(factor, self.problem.case.batch, axis=0)
        return left * (1 + u * shared + u * perturbations(rng, left.shape))

    def _final(self, states: Array, place: Place) -> Array:
        """Return the state in which a scan ends (K·B, H): samples hold theirs, so it is the last one written."""
        return states[0 if place[1] else -1]

    def _previous(self, states: Array, place: Place, initial: Array) -> Array:
        before = np.empty_like(states)
        if place[1]:
            before[:-1], before[-1] = states[1:], initial
        else:
            before[1:], before[0] = states[:-1], initial
        return before

    def _backward(self, inputs: list[Array], scans: dict[Place, Scanned]) -> dict[str, Array]:
        problem, case = self.problem, self.problem.case
        width = case.state_size
        d_y = np.zeros((case.steps, self.replays * case.batch, case.directions * width))
        if problem.d_output is not None:
            d_y = np.where(self.active, self._tiled(problem.layout.time_major(problem.d_output)), 0.0)
        if problem.head is not None and problem.head.d_y is not None:
            d_seen = self._tiled(problem.layout.time_major(problem.head.d_y))
            d_y = noisy_return(self.cell, problem.head, d_seen)
        d_final, initial = [self._tiled(d) for d in problem.final_cotangents.values()], self._initial()

        found: dict[str, Array] = {}
        d_initial = [np.empty_like(state) for state in initial]
        for layer in reversed(range(case.layers)):
            d_below = np.zeros_like(inputs[layer])
            for d in range(case.directions):
                place, n = (layer, d), layer * case.directions + d
                w, scanned = self._weights(place), scans[place]
                previous = [
                    self._previous(states, place, state[n])
                    for states, state in zip(scanned.states, initial, strict=True)
                ]
                back = self.cell.backward(
                    w,
                    scanned,
                    previous,
                    d_y[..., d * width : (d + 1) * width],
                    [final[n] for final in d_final],
                    self._order(place),
                    self.active,
                )
                for gradient, own in zip(d_initial, back.initial, strict=True):
                    gradient[n] = own
                d_below += self.cell.product(back.d_ih, w.ih, len(w.ih) + case.directions)
                found |= self._accumulated(back, inputs[layer], previous[0], list(problem.weights_at(place)))
            if problem.lengths is not None:
                d_below = np.where(self.active, d_below, 0.0)  # where 0 · NaN is no term
            d_y = d_below if layer == 0 else self._dropped(layer - 1, d_below)
        found["dL/dx"] = self._apart(d_y)
        for letter, gradient in zip(case.carried, d_initial, strict=True):
            found |= self._by_place(f"dL/d{letter}_0", gradient)
        return found

    def _by_place(self, quantity: str, values: Array) -> dict[str, Array]:
        """Return states (L·D, K·B, H) by place, each (K, B, H)."""
        apart = self._apart(values)
        return {f"{quantity} {place}": apart[:, n] for n, place in enumerate(self.problem.places)}

    def _accumulated(
        self, back: ScannedBack, x: Array, previous: Array, names: list[str]
    ) -> dict[str, Array]:
        """Return for every replay the gradient of every parameter of a place, a sum over all rows (K, rows, ·)."""
        d_ih, d_hh = self._by_replay(back.d_ih), self._by_replay(back.d_hh)
        ones = np.ones((*d_ih.shape[:2], 1))
        factors = {
            "weight_ih": (d_ih, self._by_replay(x)),
            "weight_hh": (d_hh, self._by_replay(previous)),
            "bias_ih": (d_ih, ones),
            "bias_hh": (d_hh, ones),
        }
        if back.d_hr is not None:
            factors["weight_hr"] = tuple(map(self._by_replay, back.d_hr))
        found: dict[str, Array] = {}
        for name in names:
            kind = name[: name.index("_l")]
            total = self._sum(*factors[kind])
            if kind == "weight_hh" and back.read is not None:
                last = slice(-back.read.shape[-1], None)
                total[:, last] = self._sum(d_hh[..., last], self._by_replay(back.read))
            found[name] = total[..., 0] if kind.startswith("bias") else total
        return found

    def _sum(self, delta: Array, read: Array) -> Array:
        """Return Σ δ ⊗ (what was read), both (K, T·B, ·), perturbed as a sum of T·B terms.

        A sum in the subject's precision, step by step, adds what repeats itself from step to step.
        """
        total = delta.swapaxes(1, 2) @ read
        squares = (delta * delta).swapaxes(1, 2) @ (read * read)
        error = self.cell.sum_error(total, squares, delta.shape[1])
        error *= perturbations(self.cell.rng, total.shape)
        return total + error + self._repeated(delta[0], read[0])

    def _by_replay(self, values: Array) -> Array:
        """Return (T, K·B, ·) as (K, T·B, ·)."""
        return self._apart(values).reshape(self.replays, -1, values.shape[-1])

    def _repeated(self, delta: Array, read: Array) -> Array:
        """Return by how much a step-by-step sum in the subject's precision is off, of random sign by replay."""
        steps, rounded = self.problem.case.steps, self.precision.format.rounded
        by_step = [rounded(values).reshape(steps, -1, values.shape[1]) for values in (delta, read)]
        parts = by_step[0].swapaxes(1, 2) @ by_step[1]
        missed = self.precision.added(parts).astype(np.float64) - delta.T @ read
        return missed * self.cell.rng.choice((-1.0, 1.0), (self.replays, 1, 1))
