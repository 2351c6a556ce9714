"""Rounding bounds of one LSTM step, forward and backward: how far two correct programs may lie apart.

Both start from the same numbers: the subject's own h_{t-1} and c_{t-1}, its gates where it shows them, and its c_t.

    a = W_ih x + b_ih + W_hh h_{t-1} + b_hh        i, f, o = σ(a_i), σ(a_f), σ(a_o)        g = tanh(a_g)
    c = f c_{t-1} + i g        r = o tanh(c)        h = r, or W_hr r

    dr = dh, or W_hrᵀ dh        dc = (from step t+1) + dr o (1 − tanh² c)
    da_i = dc g σ'        da_f = dc c_{t-1} σ'        da_g = dc i (1 − g²)        da_o = dr tanh(c) σ'

The formulas are written in operations that bound themselves (`known.py`); docs/derivations.md, section 7, has the
premises. Rows are steps and samples, N = T·B of them; the symbols are those of `refrnn`'s cell.
"""

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from conformance.judge.flow import Flow, magnitude
from conformance.judge.known import Arithmetic, Known, as_flow
from conformance.judge.rounding import Precision
from conformance.judge.step_bounds import Expected, Passed, Returned, Rows
from refrnn import Array


class LstmBounds(Struct, frozen=True):
    """The LSTM, with or without projections."""

    blocks: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")
    letters: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o", "c")

    def forward(self, p: Precision, rows: Rows) -> dict[str, Expected]:
        """Return i, f, g, o; c; h."""
        known, (a, terms) = Arithmetic(p), _pre_activations(p, rows)
        hidden, found = a.value.shape[1] // 4, dict[str, Expected]()
        for n, letter in enumerate(self.blocks):
            block = slice(n * hidden, (n + 1) * hidden)
            own = a.columns(block.start, block.stop)
            gate = known.tanh(own) if letter == "g" else known.sigmoid(own)
            found[letter] = Expected.of(gate, terms[:, block])
        i, f, g, o = self._gates(rows, found)
        kept, new = known.product(f, Known.exactly(rows.previous["c"])), known.product(i, g)
        found["c"] = Expected.of(known.total(kept, new), magnitude(kept.value) + magnitude(new.value))
        r = known.product(o, known.tanh(rows.known("c", found["c"])))
        found["h"] = _projected(p, rows, r)
        return found

    def within(
        self, p: Precision, rows: Rows, forward: Mapping[str, Expected], d_h: Array
    ) -> Mapping[str, Known]:
        """Return what reaches c through h: dr o (1 − tanh² c)."""
        known = Arithmetic(p)
        tanh_c = known.tanh(Known.exactly(rows.shown["c"]))
        o = self._gates(rows, forward)[3]
        d_r = self._before_projection(p, rows, Known.exactly(d_h))
        return {"c": known.product(d_r, o, known.slope_of_tanh(tanh_c))}

    def backward(
        self, p: Precision, rows: Rows, forward: Mapping[str, Expected], gradients: Mapping[str, Known]
    ) -> Returned:
        """Return δ in the order i f g o, what goes to h_{t-1} and c_{t-1}, and what dL/dW_hr is made of."""
        known, w, (i, f, g, o) = Arithmetic(p), rows.weights, self._gates(rows, forward)
        tanh_c, d_c = known.tanh(Known.exactly(rows.shown["c"])), gradients["c"]
        d_r = self._before_projection(p, rows, gradients["h"])
        delta = Known.beside(
            known.product(d_c, g, known.slope_of_sigmoid(i)),
            known.product(d_c, Known.exactly(rows.previous["c"]), known.slope_of_sigmoid(f)),
            known.product(d_c, i, known.slope_of_tanh(g)),
            known.product(d_r, tanh_c, known.slope_of_sigmoid(o)),
        )
        passed = {
            "h": Passed(flow=known.through(delta, w.hh), terms=len(w.hh)),
            "c": Passed(flow=as_flow(known.product(d_c, f)), terms=1),
        }
        projection = None if w.hr is None else (gradients["h"], known.product(o, tanh_c))
        return Returned(d_ih=delta, d_hh=delta, passed=passed, d_hr=projection)

    def _gates(self, rows: Rows, forward: Mapping[str, Expected]) -> list[Known]:
        return [rows.known(letter, forward[letter]) for letter in self.blocks]

    def _before_projection(self, p: Precision, rows: Rows, d_h: Known) -> Known:
        """Return dL/dr."""
        if rows.weights.hr is None:
            return d_h
        flow = Arithmetic(p).through(d_h, rows.weights.hr)
        return Known(flow.value, _of_sum(p, flow, len(rows.weights.hr)))


def _pre_activations(p: Precision, rows: Rows) -> tuple[Known, Array]:
    """Return a, in any order of its I + P products and two biases, and the sizes of its terms."""
    w, h_prev = rows.weights, rows.previous["h"]
    a = rows.x @ w.ih.T + h_prev @ w.hh.T
    terms = magnitude(rows.x) @ magnitude(w.ih).T + magnitude(h_prev) @ magnitude(w.hh).T
    for bias in (w.b_ih, w.b_hh):
        if bias is not None:
            a, terms = a + bias, terms + magnitude(bias)
    n = rows.x.shape[1] + h_prev.shape[1] + 3 + rows.roundings
    return Known(a, p.of_sum(n, terms, stored=3 + rows.roundings)), terms


def _projected(p: Precision, rows: Rows, r: Known) -> Expected:
    """Return h: r itself, or W_hr r."""
    if rows.weights.hr is None:
        return Expected.of(r, magnitude(r.value))
    flow = Arithmetic(p).through(r, rows.weights.hr.T)
    return Expected(value=flow.value, bound=_of_sum(p, flow, r.value.shape[1]), terms=flow.terms)


def _of_sum(p: Precision, flow: Flow, n: int) -> Array:
    return p.of_sum(n, flow.terms + flow.inherited) + flow.inherited
