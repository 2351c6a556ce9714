"""Replays of one Elman scan with a rounding-sized perturbation of every operation, forward and backward.

Replays lie side by side in the batch, (T, K·B, ·), so that one scan runs all of them. A sum of n terms computed in
any order errs by about

    σ = u √(n (P² / 3 + Q / 6) + Q),    P = Σ terms, Q = Σ terms²

since its partial sums, of which each is rounded, have the mean square P² / 3 + Q / 6 over random orders, and each
product is rounded once. Half of the variance of every perturbation is drawn once for a whole scan: rounding errors
can repeat at every step.
"""

import math

import numpy as np
from msgspec import Struct

from refrnn import Array, Weights


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


class NoisyElman(Struct, frozen=True):
    """One scan of the Elman cell in arithmetic of unit roundoff u and smallest number eta, replayed `replays` times."""

    nonlinearity: str
    u: float
    eta: float
    replays: int
    rng: np.random.Generator

    def forward(self, w: Weights, x: Array, h_0: Array, order: range, active: Array) -> Array:
        """Return every state (T, K·B, H) for x (T, K·B, I); samples without a step hold theirs."""
        states, h, fan_in = np.empty((len(x), *h_0.shape)), h_0, x.shape[2] + h_0.shape[1] + 3
        w_hh, squares, whole = np.ascontiguousarray(w.hh.T), (w.hh * w.hh).T, _whole(active)
        share, share_squares = times(x, w.ih.T), times(x * x, (w.ih * w.ih).T)
        for bias in (w.b_ih, w.b_hh):
            if bias is not None:
                share += bias
                share_squares += bias * bias
        sums, functions = Dice.of(self.rng, h_0.shape), Dice.of(self.rng, h_0.shape)
        for t in order:
            a, q = share[t], share_squares[t]
            a += h.dot(w_hh)
            q += (h * h).dot(squares)
            near = self.near_kink(a, q, fan_in)
            a += self.sum_error(a, q, fan_in) * sums.roll()
            if self.nonlinearity == "tanh":
                new = np.tanh(a) * (1 + self.u * functions.roll())
            else:
                new = np.maximum(self.stratified(a, near), 0)
            h = states[t] = new if whole[t] else np.where(active[t], new, h)
        return states

    def backward(
        self, w: Weights, states: Array, d_output: Array, d_final: Array, order: range, active: Array
    ) -> tuple[Array, Array]:
        """Return δ of every step (T, K·B, H) and dL/dh_0 (K·B, H)."""
        d_a, carry, hidden = np.empty_like(states), d_final, d_final.shape[1]
        squares, whole = w.hh * w.hh, _whole(active)
        slopes, products, sums = (Dice.of(self.rng, d_final.shape) for _ in range(3))
        for t in reversed(order):
            d_h = (d_output[t] + carry) * (1 + self.u * products.roll())
            if self.nonlinearity == "tanh":
                slope = 1 - states[t] * states[t] + self.u * slopes.roll()  # of numbers up to 1
                delta = d_h * slope * (1 + self.u * products.roll())
            else:
                delta = d_h * (states[t] > 0)
            d_a[t] = delta = delta if whole[t] else np.where(active[t], delta, 0.0)
            back = delta.dot(w.hh)
            back += self.sum_error(back, (delta * delta) @ squares, hidden) * sums.roll()
            carry = back if whole[t] else np.where(active[t], back, carry)
        return d_a, carry

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
        return variance

    def near_kink(self, a: Array, squares: Array, n: int) -> Array | None:
        """Return where rounding may carry a over relu's kink: |a| < 3 σ of the replays + 1.5 u Σ|terms|, or < n η.

        What is exactly 0 without any rounding stays at the kink.
        """
        if self.nonlinearity == "tanh":
            return None
        replayed = a.reshape(self.replays, -1)
        apart = replayed - replayed.sum(axis=0) / self.replays
        spread = np.sqrt((apart * apart).sum(axis=0) / self.replays)  # np.std takes thrice the time
        size = np.abs(a)
        underflowing = (size > 0) & (size < n * self.eta)
        rounding = 1.5 * self.u * np.sqrt(n * squares)  # √(n Σ terms²) ≥ Σ|terms|
        near = size.reshape(replayed.shape) < 3 * spread + rounding.reshape(replayed.shape)
        return underflowing | near.reshape(a.shape)

    def stratified(self, a: Array, near: Array | None) -> Array:
        """Put the elements near the kink on either side of it, in half of the replays each."""
        if near is None or not near.any():
            return a
        flip = np.tile(self.rng.integers(0, 2, a.size // self.replays), self.replays)
        turn = np.repeat(np.arange(self.replays), a.size // self.replays)
        positive = ((flip + turn) % 2 == 0).reshape(a.shape)
        return np.where(near, np.where(positive, np.maximum(np.abs(a), np.finfo(np.float64).tiny), 0.0), a)


def times(rows: Array, w: Array) -> Array:
    """Return rows (T, K·B, ·) @ w as one product, many times faster than one for each step."""
    return rows.reshape(-1, len(w)).dot(w).reshape(*rows.shape[:2], -1)


def _whole(active: Array) -> list[bool]:
    """Return for each step whether all samples have it."""
    return active.all(axis=(1, 2)).tolist()
