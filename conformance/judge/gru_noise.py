"""Replays of one GRU scan with a rounding-sized perturbation of every operation, forward and backward."""

from collections.abc import Sequence

import numpy as np

from conformance.judge.noisy_arithmetic import Dice, NoisyArithmetic, Scanned, ScannedBack, whole
from refrnn import Array, Weights

SIGMOID = 2.0
"""Roundings that σ itself may be off, as a deviation: twice those of tanh."""


class NoisyGru(NoisyArithmetic, frozen=True):
    """One scan of torch's GRU; gates lie in torch's order r z n, the state is h."""

    def forward(self, w: Weights, x: Array, initial: Sequence[Array], order: range, active: Array) -> Scanned:
        """Return h of every step, its gates (T, K·B, 3H) and m."""
        (h,) = initial
        hidden, fan_in, full = h.shape[1], x.shape[2] + h.shape[1] + 3, whole(active)
        w_hh, squares, both = np.ascontiguousarray(w.hh.T), (w.hh * w.hh).T, slice(2 * hidden)
        last = slice(2 * hidden, None)
        share, share_squares = self.share(Weights(w.ih, w.hh, w.b_ih, None), x)
        states, gates, kept = np.empty((len(x), *h.shape)), np.empty_like(share), np.empty((len(x), *h.shape))
        sums, functions, products = (Dice.of(self.rng, share.shape[1:]) for _ in range(3))
        own_sums = Dice.of(self.rng, h.shape)
        for t in order:
            part, part_squares = h.dot(w_hh), (h * h).dot(squares)
            if w.b_hh is not None:
                part += w.b_hh
                part_squares += w.b_hh * w.b_hh
            errors = sums.roll()
            a, q = share[t][:, both] + part[:, both], share_squares[t][:, both] + part_squares[:, both]
            a += self.sum_error(a, q, fan_in) * errors[:, both]
            own = self.factors(functions)
            rz = self.sigmoid(a) * (1 + SIGMOID * (own[:, both] - 1))
            r, z = rz[:, :hidden], rz[:, hidden:]
            m = (
                part[:, last]
                + self.sum_error(part[:, last], part_squares[:, last], hidden + 1) * errors[:, last]
            )
            x_part = share[t][:, last]
            x_part = (
                x_part + self.sum_error(x_part, share_squares[t][:, last], fan_in - hidden) * own_sums.roll()
            )
            one, two, three = np.split(self.factors(products), 3, axis=1)
            n = np.tanh((x_part + r * m * one) * two) * own[:, last]
            new = ((h - n) * z * three + n) * one
            gates[t], kept[t] = np.concatenate((r, z, n), axis=1), m
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
        """Return δ of every step for W_ih and for W_hh (T, K·B, 3H), and dL/dh_0."""
        (all_gates, all_m), (carry,) = scanned.kept, d_final
        d_ih, d_hh = np.empty_like(all_gates), np.empty_like(all_gates)
        squares, full = w.hh * w.hh, whole(active)
        slopes, products, sizes = (Dice.of(self.rng, d_ih.shape[1:]) for _ in range(3))
        arriving, returning = (Dice.of(self.rng, carry.shape) for _ in range(2))
        for t in reversed(order):
            r, z, n = np.split(all_gates[t], 3, axis=1)
            d_h = (d_output[t] + carry) * self.factors(arriving)
            to_r, to_z, to_n = np.split(self.factors(slopes) - 1, 3, axis=1)  # of numbers up to 1
            one, two, three = np.split(self.factors(products), 3, axis=1)
            absolute, other, last = np.split(self.factors(sizes), 3, axis=1)
            held = d_h * z * one
            d_n = d_h * (1 - z + absolute - 1)  # dh − dh z cancels
            d_a_n = d_n * (1 - n * n + to_n) * two
            d_m = d_a_n * r * three
            d_a_r = d_a_n * all_m[t] * (r * (1 - r) + to_r) * other
            d_a_z = (d_h * previous[0][t] * other - d_h * n * last) * (z * (1 - z) + to_z)
            own, recurrent = np.concatenate((d_a_r, d_a_z, d_a_n), 1), np.concatenate((d_a_r, d_a_z, d_m), 1)
            if not full[t]:
                own, recurrent = np.where(active[t], own, 0.0), np.where(active[t], recurrent, 0.0)
            d_ih[t], d_hh[t] = own, recurrent
            back = recurrent.dot(w.hh)
            back += self.sum_error(back, (recurrent * recurrent) @ squares, len(w.hh) + 1) * returning.roll()
            back += held
            carry = back if full[t] else np.where(active[t], back, carry)
        return ScannedBack(d_ih, d_hh, (carry,))
