"""Arithmetic with a rounding-sized perturbation of every operation, for replays that lie side by side.

Replays lie side by side in the batch, (T, K·B, ·), so that one scan runs all of them. A sum of n terms computed in
any order errs by about

    σ = u √(n (P² / 3 + Q / 6) + Q),    P = Σ terms, Q = Σ terms²

since its partial sums, of which each is rounded, have the mean square P² / 3 + Q / 6 over random orders, and each
product is rounded once. Half of the variance of every perturbation is drawn once for a whole scan: rounding errors
can repeat at every step.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from msgspec import Struct

from refrnn import Array, Weights

Arrays = tuple[Array, ...]


def perturbations(rng: np.random.Generator, shape: tuple[int, ...], deviation: float = 1.0) -> Array:
    """Draw numbers of mean 0: uniform, as rounding errors roughly are, and several times faster than normal ones."""
    drawn = rng.random(shape)
    drawn -= 0.5
    drawn *= deviation * math.sqrt(12)
    return drawn


class Dice(Struct, frozen=True):
    """Draws the perturbations of one scan, of unit variance, half of it the same at every step."""

    rng: np.random.Generator
    constant: Array  # (rows, units)

    @classmethod
    def of(cls, rng: np.random.Generator, shape: tuple[int, ...]) -> "Dice":
        """Return dice for arrays of `shape`."""
        return cls(rng, perturbations(rng, shape, math.sqrt(0.5)))

    def roll(self) -> Array:
        """Return one step's perturbations."""
        drawn = perturbations(self.rng, self.constant.shape, math.sqrt(0.5))
        drawn += self.constant
        return drawn


class NoisyArithmetic(Struct, frozen=True):
    """Arithmetic of unit roundoff u and smallest number eta, replayed `replays` times.

    Where data are `endless` (NaN or infinite), sums may be so too, and then have no rounding.
    """

    u: float
    eta: float
    endless: bool
    replays: int
    rng: np.random.Generator

    def product(self, rows: Array, w: Array, n: int) -> Array:
        """Return rows (T, K·B, ·) @ w, whose elements are perturbed as sums of `n` terms."""
        total, squares = times(rows, w), times(rows * rows, w * w)
        for t in range(len(rows)):  # a step at a time, to spare memory
            total[t] += self.sum_error(total[t], squares[t], n) * perturbations(self.rng, total[t].shape)
        return total

    def sum_error(self, total: Array, squares: Array, n: int) -> Array:
        """Return σ of a sum of n terms, from the sum itself and the sum of its terms' squares."""
        variance = total * total
        variance *= n / 3
        variance += (n / 6 + 1) * squares
        np.sqrt(variance, out=variance)
        variance *= self.u
        return self.where_finite(total, variance)

    def where_finite(self, values: Array, errors: Array) -> Array:
        """Return errors of functions of `values`, which infinities don't have: tanh(∞) is 1, its slope 0."""
        return np.where(np.isfinite(values), errors, 0.0) if self.endless else errors

    def share(self, w: Weights, x: Array) -> tuple[Array, Array]:
        """Return what x (T, K·B, I) and the biases contribute to all steps, and the squares of its terms."""
        share, squares = times(x, w.ih.T), times(x * x, (w.ih * w.ih).T)
        for bias in (w.b_ih, w.b_hh):
            if bias is not None:
                share += bias
                squares += bias * bias
        return share, squares

    def sigmoid(self, a: Array) -> Array:
        """Return σ(a), 0 in every other replay where it is below two of the smallest normal numbers.

        Libraries differ in where they give 0 (docs/derivations.md, section 7.1); the smallest normal number is
        eta / (2 u).
        """
        value = 1 / (1 + np.exp(-a))
        tiny = value < self.eta / self.u
        if tiny.any():
            turn = np.repeat(np.arange(self.replays) % 2, len(a) // self.replays)
            value[tiny & (turn == 1)[:, np.newaxis]] = 0
        return value

    def factors(self, dice: Dice) -> Array:
        """Return 1 + u times one step's perturbations: one rounding of each element."""
        rolled = dice.roll()
        rolled *= self.u
        rolled += 1
        return rolled


class Scanned(Struct, frozen=True):
    """What a replayed scan computed at every step: (T, K·B, ·)."""

    states: Arrays  # after every step, of every carried vector
    kept: Arrays  # what the way back needs beside


class ScannedBack(Struct, frozen=True):
    """What a replayed scan computed on the way back."""

    d_ih: Array  # (T, K·B, rows) δ, dL/d of what W_ih contributes to
    d_hh: Array  # the same of W_hh
    initial: Arrays  # (K·B, ·) the gradients of the initial states
    d_hr: tuple[Array, Array] | None = None  # what dL/dW_hr is a sum of products of
    read: Array | None = (
        None  # (T, K·B, H) what the last block of rows of W_hh is multiplied with, if not h_{t-1}
    )


class NoisyCell(Protocol):
    """What `noise.py` asks of a cell."""

    def forward(self, w: Weights, x: Array, initial: Sequence[Array], order: range, active: Array) -> Scanned:
        """Scan x (T, K·B, I) from the initial states (K·B, ·); samples without a step hold theirs."""
        ...

    def backward(
        self,
        w: Weights,
        scanned: Scanned,
        previous: Sequence[Array],
        d_output: Array,
        d_final: Sequence[Array],
        order: range,
        active: Array,
    ) -> ScannedBack:
        """Carry gradients back through a scan; `previous` are the states before every step."""
        ...


def times(rows: Array, w: Array) -> Array:
    """Return rows (T, K·B, ·) @ w as one product, many times faster than one for each step."""
    return rows.reshape(-1, len(w)).dot(w).reshape(*rows.shape[:2], -1)


def whole(active: Array) -> list[bool]:
    """Return for each step whether all samples have it."""
    return active.all(axis=(1, 2)).tolist()
