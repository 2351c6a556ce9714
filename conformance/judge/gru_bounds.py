"""Rounding bounds of one GRU step, forward and backward: how far two correct programs may lie apart.

Both start from the same numbers: the subject's own h_{t-1}, and its r, z, n and m where it shows them.

    r, z = σ(W_ih x + b_ih + W_hh h_{t-1} + b_hh), each with its own rows        m = W_hn h_{t-1} + b_hn
    n = tanh(W_in x + b_in + r m)        h = (h_{t-1} − n) z + n, or (1 − z) n + z h_{t-1}

    da_n = dh (1 − z) (1 − n²)        dm = da_n r        da_r = da_n m σ'        da_z = dh (h_{t-1} − n) σ'
    dh_{t-1} = [da_r da_z dm] W_hh + dh z

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


class GruBounds(Struct, frozen=True):
    """torch's GRU."""

    blocks: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    letters: ClassVar[tuple[str, ...]] = ("r", "z", "m", "n")

    def forward(self, p: Precision, rows: Rows) -> dict[str, Expected]:
        """Return r, z; m, n; h."""
        known, w, hidden = Arithmetic(p), rows.weights, rows.previous["h"].shape[1]
        h_prev = Known.exactly(rows.previous["h"])
        (x_part, x_terms), (h_part, h_terms) = (
            affine(rows.x, w.ih, w.b_ih),
            affine(h_prev.value, w.hh, w.b_hh),
        )
        reads, last, terms = rows.x.shape[1] + rows.roundings, slice(2 * hidden, None), x_terms + h_terms
        a = Known(x_part + h_part, p.of_sum(reads + hidden + 3, terms, stored=3 + rows.roundings))
        found = {
            letter: Expected.of(
                known.sigmoid(a.columns(start, start + hidden)), terms[:, start : start + hidden]
            )
            for letter, start in (("r", 0), ("z", hidden))
        }
        found["m"] = Expected(
            value=h_part[:, last],
            bound=p.of_sum(hidden + 2, h_terms[:, last], stored=2),
            terms=h_terms[:, last],
        )
        r, z, m = (rows.known(letter, found[letter]) for letter in "rzm")
        own = Known(x_part[:, last], p.of_sum(reads + 2, x_terms[:, last], stored=2 + rows.roundings))
        let_through = known.product(r, m)
        found["n"] = Expected.of(
            known.tanh(known.total(own, let_through)), x_terms[:, last] + magnitude(let_through.value)
        )
        found["h"] = between(p, h_prev, z, rows.known("n", found["n"]))
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
        """Return δ in the order r z n, for W_ih and for W_hh, and what goes to h_{t-1}."""
        known, w, d_h = Arithmetic(p), rows.weights, gradients["h"]
        h_prev = Known.exactly(rows.previous["h"])
        r, z, m, n = (rows.known(letter, forward[letter]) for letter in "rzmn")
        held = known.product(d_h, z)
        d_n = known.total(d_h, known.negative(held))  # dh − dh z, or dh (1 − z), whose bound is below it
        d_a_n = known.product(d_n, known.slope_of_tanh(n))
        d_m = known.product(d_a_n, r)
        d_a_r = known.product(d_a_n, m, known.slope_of_sigmoid(r))
        d_z = known.total(known.product(d_h, h_prev), known.negative(known.product(d_h, n)))
        d_a_z = known.product(d_z, known.slope_of_sigmoid(z))
        d_hh = Known.beside(d_a_r, d_a_z, d_m)
        flow = Flow.summed([known.through(d_hh, w.hh), as_flow(held)])
        return Returned(
            d_ih=Known.beside(d_a_r, d_a_z, d_a_n),
            d_hh=d_hh,
            passed={"h": Passed(flow=flow, terms=len(w.hh) + 1)},
        )


def affine(rows: Array, w: Array, b: Array | None) -> tuple[Array, Array]:
    """Return rows Wᵀ + b, and the sizes of its terms."""
    value, terms = rows @ w.T, magnitude(rows) @ magnitude(w).T
    return (value, terms) if b is None else (value + b, terms + magnitude(b))


def between(p: Precision, h_prev: Known, z: Known, n: Known) -> Expected:
    """Return h, which lies between n and h_{t-1}.

    (h' − n) z + n cancels where z is near 1, and (1 − z) n + z h' where it isn't: four roundings of
    |h'| z + |n| (1 + z) cover both.
    """
    value = (h_prev.value - n.value) * z.value + n.value
    terms = magnitude(h_prev.value) * magnitude(z.value) + magnitude(n.value) * (1 + magnitude(z.value))
    inherited = n.error * magnitude(1 - z.value) + z.error * magnitude(h_prev.value - n.value)
    inherited += z.error * n.error
    return Expected(value=value, bound=p.of_sum(4, terms + inherited) + inherited, terms=terms)
