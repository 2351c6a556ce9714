"""Rounding bounds of one step of a GRU whose reset gate comes before the product, forward and backward.

    r, z = σ(W_ih x + b_ih + W_hh h_{t-1} + b_hh), each with its own rows        q = r h_{t-1}
    n = tanh(W_in x + b_in + W_hn q + b_hn)        h = (h_{t-1} − n) z + n, or (1 − z) n + z h_{t-1}

    da_n = dh (1 − z) (1 − n²)        dq = da_n W_hn        da_r = dq h_{t-1} σ'        da_z = dh (h_{t-1} − n) σ'
    dh_{t-1} = [da_r da_z] W_h[rz] + dq r + dh z

Written as those of torch's GRU (`gru_bounds.py`), with the same premises; the symbols are those of `refrnn`'s cell.
"""

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from conformance.judge.flow import Flow, gradient_sum
from conformance.judge.gru_bounds import affine, between
from conformance.judge.known import Arithmetic, Known, as_flow
from conformance.judge.rounding import Precision
from conformance.judge.step_bounds import Expected, Passed, Returned, Rows
from refrnn import Array


class GruBeforeBounds(Struct, frozen=True):
    """The GRU of the paper."""

    blocks: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    letters: ClassVar[tuple[str, ...]] = ("r", "z", "n")

    def forward(self, p: Precision, rows: Rows) -> dict[str, Expected]:
        """Return r, z; n; h."""
        known, w, hidden = Arithmetic(p), rows.weights, rows.previous["h"].shape[1]
        h_prev, gates = Known.exactly(rows.previous["h"]), 2 * hidden
        x_part, x_terms = affine(rows.x, w.ih, w.b_ih)
        b_rz, b_n = (None, None) if w.b_hh is None else (w.b_hh[:gates], w.b_hh[gates:])
        h_part, h_terms = affine(h_prev.value, w.hh[:gates], b_rz)
        terms, count = x_terms[:, :gates] + h_terms, rows.x.shape[1] + hidden + 3 + rows.roundings
        a = Known(x_part[:, :gates] + h_part, p.of_sum(count, terms, stored=3 + rows.roundings))
        found = {
            letter: Expected.of(
                known.sigmoid(a.columns(start, start + hidden)), terms[:, start : start + hidden]
            )
            for letter, start in (("r", 0), ("z", hidden))
        }
        q = known.product(rows.known("r", found["r"]), h_prev)
        q_part, q_terms = affine(q.value, w.hh[gates:], b_n)
        inherited, terms = known.through(q, w.hh[gates:].T).inherited, x_terms[:, gates:] + q_terms
        a_n = Known(
            x_part[:, gates:] + q_part,
            p.of_sum(count, terms + inherited, stored=3 + rows.roundings) + inherited,
        )  # (N, H) @ (H, H) -> (N, H)
        found["n"] = Expected.of(known.tanh(a_n), terms)
        found["h"] = between(p, h_prev, rows.known("z", found["z"]), rows.known("n", found["n"]))
        return found

    def within(
        self, p: Precision, rows: Rows, forward: Mapping[str, Expected], d_h: Array
    ) -> Mapping[str, Known]:
        """Return nothing: h is all that is carried."""
        del p, rows, forward, d_h
        return {}

    def backward(
        self, p: Precision, rows: Rows, forward: Mapping[str, Expected], gradients: Mapping[str, Known]
    ) -> Returned:
        """Return δ in the order r z n, what goes to h_{t-1}, and q, with which the rows of n are multiplied."""
        known, w, d_h = Arithmetic(p), rows.weights, gradients["h"]
        h_prev, hidden = Known.exactly(rows.previous["h"]), rows.previous["h"].shape[1]
        r, z, n = (rows.known(letter, forward[letter]) for letter in "rzn")
        held = known.product(d_h, z)
        d_n = known.total(d_h, known.negative(held))  # dh − dh z, or dh (1 − z), whose bound is below it
        d_a_n = known.product(d_n, known.slope_of_tanh(n))
        through = known.through(d_a_n, w.hh[2 * hidden :])
        d_q = Known(through.value, gradient_sum(p, through, products=hidden, stored=1))
        d_a_r = known.product(d_q, h_prev, known.slope_of_sigmoid(r))
        d_z = known.total(known.product(d_h, h_prev), known.negative(known.product(d_h, n)))
        d_a_z = known.product(d_z, known.slope_of_sigmoid(z))
        gates = known.through(Known.beside(d_a_r, d_a_z), w.hh[: 2 * hidden])
        flow = Flow.summed([gates, as_flow(known.product(d_q, r)), as_flow(held)])
        delta = Known.beside(d_a_r, d_a_z, d_a_n)
        return Returned(
            d_ih=delta,
            d_hh=delta,
            passed={"h": Passed(flow=flow, terms=2 * hidden + 2)},
            read=known.product(r, h_prev),
        )
