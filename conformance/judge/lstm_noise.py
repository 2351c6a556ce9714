"""Replays of one LSTM scan with a rounding-sized perturbation of every operation, forward and backward."""

from collections.abc import Sequence

import numpy as np

from conformance.judge.noisy_arithmetic import Dice, NoisyArithmetic, Scanned, ScannedBack, whole
from refrnn import Array, Weights

SIGMOID = 2.0
"""Roundings that σ itself may be off, as a deviation: twice those of tanh (oneDNN's is off by up to 6.3 of them)."""


class NoisyLstm(NoisyArithmetic, frozen=True):
    """One scan of the LSTM; gates lie in torch's order i f g o, the states are h and c."""

    def forward(self, w: Weights, x: Array, initial: Sequence[Array], order: range, active: Array) -> Scanned:
        """Return h and c of every step, its gates (T, K·B, 4H) and tanh(c)."""
        h, c = initial
        hidden, fan_in, full = c.shape[1], x.shape[2] + h.shape[1] + 3, whole(active)
        w_hh, squares = np.ascontiguousarray(w.hh.T), (w.hh * w.hh).T
        share, share_squares = self.share(w, x)
        states = np.empty((len(x), *h.shape)), np.empty((len(x), *c.shape))
        kept = np.empty_like(share), np.empty_like(states[1])
        sums, functions, products = (Dice.of(self.rng, share.shape[1:]) for _ in range(3))
        projections, candidates = Dice.of(self.rng, h.shape), Dice.of(self.rng, c.shape)
        for t in order:
            a, q = share[t], share_squares[t]
            a += h.dot(w_hh)
            q += (h * h).dot(squares)
            a += self.sum_error(a, q, fan_in) * sums.roll()
            gates = kept[0][t]
            gates[...] = self.sigmoid(a) * (1 + SIGMOID * self.u * functions.roll())
            i, f, g, o = np.split(gates, 4, axis=1)  # views
            g[...] = np.tanh(a[:, 2 * hidden : 3 * hidden]) * self.factors(candidates)
            one, two, three, four = np.split(self.factors(products), 4, axis=1)
            new_c = (f * c * one + i * g * two) * three
            tanh_c = np.tanh(new_c) * self.factors(candidates)
            new_h = o * tanh_c * four
            if w.hr is not None:
                r = new_h
                new_h = r.dot(w.hr.T)
                new_h += self.sum_error(new_h, (r * r).dot((w.hr * w.hr).T), hidden) * projections.roll()
            kept[1][t] = tanh_c
            h = states[0][t] = new_h if full[t] else np.where(active[t], new_h, h)
            c = states[1][t] = new_c if full[t] else np.where(active[t], new_c, c)
        return Scanned(states, kept)

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
        """Return δ of every step (T, K·B, 4H), dL/dh_0 and dL/dc_0, and with projections dL/dh and r."""
        (all_gates, all_tanh), (h_carry, c_carry) = scanned.kept, d_final
        delta, d_hidden = np.empty_like(all_gates), np.empty_like(d_output)
        squares, full, hidden = w.hh * w.hh, whole(active), c_carry.shape[1]
        slopes, products = (Dice.of(self.rng, delta.shape[1:]) for _ in range(2))
        projections = Dice.of(self.rng, c_carry.shape)
        arriving, returning, cells = (
            Dice.of(self.rng, shape) for shape in (h_carry.shape, h_carry.shape, (len(c_carry), 3 * hidden))
        )
        for t in reversed(order):
            gates, tanh_c = all_gates[t], all_tanh[t]
            i, f, g, o = np.split(gates, 4, axis=1)
            d_h = d_r = (d_output[t] + h_carry) * self.factors(arriving)
            d_hidden[t] = d_h if full[t] else np.where(active[t], d_h, 0.0)
            one, two, three = np.split(self.factors(cells), 3, axis=1)
            if w.hr is not None:
                d_r = d_h.dot(w.hr)
                d_r += self.sum_error(d_r, (d_h * d_h) @ (w.hr * w.hr), len(w.hr)) * projections.roll()
            d_c = (c_carry + d_r * o * (1 - tanh_c * tanh_c + one - 1) * two) * three
            slope = gates * (1 - gates)
            slope[:, 2 * hidden : 3 * hidden] = 1 - g * g
            slope += self.factors(slopes) - 1  # of numbers up to 1
            factor = np.concatenate((d_c * g, d_c * previous[1][t], d_c * i, d_r * tanh_c), axis=1)
            d_a = factor * slope * self.factors(products)
            delta[t] = d_a = d_a if full[t] else np.where(active[t], d_a, 0.0)
            back = d_a.dot(w.hh)
            back += self.sum_error(back, (d_a * d_a) @ squares, len(w.hh)) * returning.roll()
            passed = d_c * f * one
            h_carry = back if full[t] else np.where(active[t], back, h_carry)
            c_carry = passed if full[t] else np.where(active[t], passed, c_carry)
        projection = None if w.hr is None else (d_hidden, all_gates[..., 3 * hidden :] * all_tanh)
        return ScannedBack(delta, delta, (h_carry, c_carry), projection)
