"""Replays of one scan of a GRU with its reset before the product, every operation perturbed, forward and backward."""

from collections.abc import Sequence

import numpy as np

from conformance.judge.gru_noise import SIGMOID
from conformance.judge.noisy_arithmetic import Dice, NoisyArithmetic, Scanned, ScannedBack, whole
from refrnn import Array, Weights


class NoisyGruBefore(NoisyArithmetic, frozen=True):
    """One scan of the GRU of the paper; gates lie in torch's order r z n, the state is h."""

    def forward(self, w: Weights, x: Array, initial: Sequence[Array], order: range, active: Array) -> Scanned:
        """Return h of every step, its gates (T, K·B, 3H) and q."""
        (h,) = initial
        hidden, fan_in, full = h.shape[1], x.shape[2] + h.shape[1] + 3, whole(active)
        both, last = slice(2 * hidden), slice(2 * hidden, None)
        to_gates, to_n = np.ascontiguousarray(w.hh[both].T), np.ascontiguousarray(w.hh[last].T)
        share, share_squares = self.share(w, x)
        states, gates, kept = np.empty((len(x), *h.shape)), np.empty_like(share), np.empty((len(x), *h.shape))
        sums, functions, products = (Dice.of(self.rng, share.shape[1:]) for _ in range(3))
        for t in order:
            errors, own = sums.roll(), self.factors(functions)
            one, two, three = np.split(self.factors(products), 3, axis=1)
            a, squares = share[t][:, both] + h.dot(to_gates), (h * h).dot(to_gates * to_gates)
            a += self.sum_error(a, share_squares[t][:, both] + squares, fan_in) * errors[:, both]
            rz = self.sigmoid(a) * (1 + SIGMOID * (own[:, both] - 1))
            r, z = rz[:, :hidden], rz[:, hidden:]
            q = r * h * one
            a, squares = share[t][:, last] + q.dot(to_n), (q * q).dot(to_n * to_n)
            a += self.sum_error(a, share_squares[t][:, last] + squares, fan_in) * errors[:, last]
            n = np.tanh(a) * own[:, last]
            new = ((h - n) * z * three + n) * two
            gates[t], kept[t] = np.concatenate((r, z, n), axis=1), q
            h = states[t] = new if full[t] else np.where(active[t], new, h)
        return Scanned((states,), (gates, kept))

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
        """Return δ of every step (T, K·B, 3H), dL/dh_0, and q."""
        (all_gates, all_q), (carry,) = scanned.kept, d_final
        found, hidden, full = np.empty_like(all_gates), carry.shape[1], whole(active)
        w_gates, w_n = w.hh[: 2 * hidden], w.hh[2 * hidden :]
        slopes, products, sizes = (Dice.of(self.rng, found.shape[1:]) for _ in range(3))
        arriving, returning, let_through = (Dice.of(self.rng, carry.shape) for _ in range(3))
        for t in reversed(order):
            r, z, n = np.split(all_gates[t], 3, axis=1)
            d_h, h_prev = (d_output[t] + carry) * self.factors(arriving), previous[0][t]
            to_r, to_z, to_n = np.split(self.factors(slopes) - 1, 3, axis=1)  # of numbers up to 1
            one, two, three = np.split(self.factors(products), 3, axis=1)
            absolute, other, last = np.split(self.factors(sizes), 3, axis=1)
            held = d_h * z * one
            d_a_n = d_h * (1 - z + absolute - 1) * (1 - n * n + to_n) * two  # dh − dh z cancels
            d_q, squares = d_a_n.dot(w_n), (d_a_n * d_a_n).dot(w_n * w_n)
            d_q += self.sum_error(d_q, squares, hidden) * let_through.roll()
            d_a_r = d_q * h_prev * (r * (1 - r) + to_r) * three
            d_a_z = (d_h * h_prev * other - d_h * n * last) * (z * (1 - z) + to_z)
            delta = np.concatenate((d_a_r, d_a_z, d_a_n), axis=1)
            delta = delta if full[t] else np.where(active[t], delta, 0.0)
            found[t], gates = delta, delta[:, : 2 * hidden]
            back, squares = gates.dot(w_gates), (gates * gates).dot(w_gates * w_gates)
            back += self.sum_error(back, squares, 2 * hidden + 2) * returning.roll()
            back += d_q * r * three + held
            carry = back if full[t] else np.where(active[t], back, carry)
        return ScannedBack(found, found, (carry,), read=all_q)
