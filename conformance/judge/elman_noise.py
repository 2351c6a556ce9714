"""Replays of one Elman scan with a rounding-sized perturbation of every operation, forward and backward.

Replays lie side by side in the batch, (T, K·B, ·), so that one scan runs all of them. A sum of n terms computed in
any order errs by about

    σ = u √(n (P² / 3 + Q / 6) + Q),    P = Σ terms, Q = Σ terms²

since its partial sums, of which each is rounded, have the mean square P² / 3 + Q / 6 over random orders, and each
product is rounded once. Half of the variance of every perturbation is drawn once for a whole scan: rounding errors
can repeat at every step.
"""

from dataclasses import dataclass

import numpy as np

from refrnn import Array, Weights


@dataclass(frozen=True, slots=True)
class Dice:
    """Draws the perturbations of one scan, of unit variance."""

    rng: np.random.Generator
    constant: Array  # (rows, units), what stays the same at every step

    @classmethod
    def of(cls, rng: np.random.Generator, shape: tuple[int, ...]) -> "Dice":
        """Return dice for arrays of `shape`."""
        return cls(rng, rng.standard_normal(shape))

    def roll(self) -> Array:
        """Return one step's perturbations."""
        return (self.constant + self.rng.standard_normal(self.constant.shape)) / np.sqrt(2)


@dataclass(frozen=True, slots=True)
class NoisyElman:
    """One scan of the Elman cell in arithmetic of unit roundoff u, replayed `replays` times."""

    nonlinearity: str
    u: float
    replays: int
    rng: np.random.Generator

    def forward(self, w: Weights, x: Array, h_0: Array, order: range, active: Array) -> Array:
        """Return every state (T, K·B, H) for x (T, K·B, I); samples without a step hold theirs."""
        shape = (len(x), *h_0.shape)
        states, h, fan_in = np.empty(shape), h_0, x.shape[2] + h_0.shape[1] + 3
        squares = w.hh.T**2
        share, share_squares = x @ w.ih.T, x**2 @ w.ih.T**2
        for bias in (w.b_ih, w.b_hh):
            if bias is not None:
                share, share_squares = share + bias, share_squares + bias**2
        sums, functions = Dice.of(self.rng, h_0.shape), Dice.of(self.rng, h_0.shape)
        for t in order:
            a = share[t] + h @ w.hh.T
            q = share_squares[t] + h**2 @ squares
            near = self.near_kink(a, q, fan_in)
            a = a + self.sum_error(a, q, fan_in) * sums.roll()
            if self.nonlinearity == "tanh":
                new = np.tanh(a) * (1 + self.u * functions.roll())
            else:
                new = np.maximum(self.stratified(a, near), 0)
            h = states[t] = np.where(active[t], new, h)
        return states

    def backward(
        self, w: Weights, states: Array, d_output: Array, d_final: Array, order: range, active: Array
    ) -> tuple[Array, Array]:
        """Return δ of every step (T, K·B, H) and dL/dh_0 (K·B, H)."""
        d_a, carry, hidden = np.zeros_like(states), d_final, d_final.shape[1]
        squares = w.hh**2
        slopes, products, sums = (Dice.of(self.rng, d_final.shape) for _ in range(3))
        for t in reversed(order):
            d_h = (d_output[t] + carry) * (1 + self.u * products.roll())
            if self.nonlinearity == "tanh":
                square = states[t] ** 2
                slope = 1 - square + self.u * slopes.roll()  # of numbers up to 1
                delta = d_h * slope * (1 + self.u * products.roll())
            else:
                delta = d_h * (states[t] > 0)
            d_a[t] = delta = np.where(active[t], delta, 0.0)
            back = delta @ w.hh
            back = back + self.sum_error(back, delta**2 @ squares, hidden) * sums.roll()
            carry = np.where(active[t], back, carry)
        return d_a, carry

    def sum_error(self, total: Array, squares: Array, n: int) -> Array:
        """Return σ of a sum of n terms, from the sum itself and the sum of its terms' squares."""
        return self.u * np.sqrt(n * (total**2 / 3 + squares / 6) + squares)

    def near_kink(self, a: Array, squares: Array, n: int) -> Array | None:
        """Return where rounding may carry a over relu's kink: |a| < 3 σ of the replays + 1.5 u Σ|terms|."""
        if self.nonlinearity == "tanh":
            return None
        replayed = a.reshape(self.replays, -1)
        spread = np.tile(replayed.std(axis=0), self.replays).reshape(a.shape)
        return np.abs(a) < 3 * spread + 1.5 * self.u * np.sqrt(n * squares)  # √(n Σ terms²) ≥ Σ|terms|

    def stratified(self, a: Array, near: Array | None) -> Array:
        """Put the elements near the kink on either side of it, in half of the replays each."""
        if near is None or not near.any():
            return a
        flip = np.tile(self.rng.integers(0, 2, a.size // self.replays), self.replays)
        turn = np.repeat(np.arange(self.replays), a.size // self.replays)
        positive = ((flip + turn) % 2 == 0).reshape(a.shape)
        return np.where(near, np.where(positive, np.maximum(np.abs(a), np.finfo(np.float64).tiny), 0.0), a)
