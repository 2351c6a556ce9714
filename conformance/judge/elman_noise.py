"""Replays of one Elman scan with a rounding-sized perturbation of every operation, forward and backward."""

from collections.abc import Sequence

import numpy as np

from conformance.judge.noisy_arithmetic import Dice, NoisyArithmetic, Scanned, ScannedBack, whole
from refrnn import Array, Weights


class NoisyElman(NoisyArithmetic, frozen=True):
    """One scan of the Elman cell."""

    nonlinearity: str

    def forward(self, w: Weights, x: Array, initial: Sequence[Array], order: range, active: Array) -> Scanned:
        """Return every state (T, K·B, H) for x (T, K·B, I); samples without a step hold theirs."""
        (h_0,) = initial
        states, h, fan_in = np.empty((len(x), *h_0.shape)), h_0, x.shape[2] + h_0.shape[1] + 3
        w_hh, squares, full = np.ascontiguousarray(w.hh.T), (w.hh * w.hh).T, whole(active)
        share, share_squares = self.share(w, x)
        sums, functions = Dice.of(self.rng, h_0.shape), Dice.of(self.rng, h_0.shape)
        for t in order:
            a, q = share[t], share_squares[t]
            a += h.dot(w_hh)
            q += (h * h).dot(squares)
            near = self.near_kink(a, q, fan_in)
            a += self.sum_error(a, q, fan_in) * sums.roll()
            if self.nonlinearity == "tanh":
                new = np.tanh(a) * (1 + self.u * self.where_finite(a, functions.roll()))
            else:
                new = np.maximum(self.stratified(a, near), 0)
            h = states[t] = new if full[t] else np.where(active[t], new, h)
        return Scanned((states,), ())

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
        """Return δ of every step (T, K·B, H) and dL/dh_0 (K·B, H)."""
        del previous
        (states,), (carry,) = scanned.states, d_final
        d_a, hidden = np.empty_like(states), carry.shape[1]
        squares, full = w.hh * w.hh, whole(active)
        slopes, products, sums = (Dice.of(self.rng, carry.shape) for _ in range(3))
        for t in reversed(order):
            d_h = (d_output[t] + carry) * (1 + self.u * products.roll())
            if self.nonlinearity == "tanh":
                own = (
                    self.where_finite(np.arctanh(states[t]), slopes.roll()) if self.endless else slopes.roll()
                )
                slope = 1 - states[t] * states[t] + self.u * own  # of numbers up to 1
                delta = d_h * slope * (1 + self.u * products.roll())
            else:
                delta = np.where(
                    states[t] <= 0, 0.0, d_h
                )  # chosen, not multiplied, as in torch; relu'(NaN) = 1
            d_a[t] = delta = delta if full[t] else np.where(active[t], delta, 0.0)
            back = delta.dot(w.hh)
            back += self.sum_error(back, (delta * delta) @ squares, hidden) * sums.roll()
            carry = back if full[t] else np.where(active[t], back, carry)
        return ScannedBack(d_a, d_a, (carry,))

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
