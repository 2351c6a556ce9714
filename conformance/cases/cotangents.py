"""Cotangents of a case: which of its results the loss sees, and how their gradients lie in memory."""

import numpy as np

from conformance.cases.case import Case, Cotangents
from conformance.cases.regimes import middle, poison
from refrnn import Array, Layout

SEEN_AT_THE_END: dict[Cotangents, tuple[str, ...]] = {"output": (), "last": (), "h_n": ("h",), "c_n": ("c",)}
"""The vectors whose final values the loss sees; all of them where nothing is said here."""


def drawn_cotangents(
    case: Case, layout: Layout, rng: np.random.Generator
) -> tuple[Array | None, dict[str, Array]]:
    """Draw the cotangents of what the loss sees step by step (output, or what a head makes of it) and at the end.

    All are in float64: the former is None where the loss doesn't see it, the latter are those of the final values of
    the carried vectors that it sees.
    """
    width = case.output_size or case.directions * case.state_size
    d_seen = rng.standard_normal(layout.shape(case.steps, case.batch, width))
    places = case.layers * case.directions
    d_final = {
        letter: rng.standard_normal(layout.state_shape(places, case.batch, case.width_of(letter)))
        for letter in case.carried
    }
    if case.cotangents == "last":
        last = np.array(case.lengths) - 1 if case.lengths else case.steps - 1
        by_time = layout.time_major(d_seen)
        early = np.arange(case.steps)[:, np.newaxis] != last
        by_time[np.broadcast_to(early, by_time.shape[:2])] = 0
    poison(case, {"d_output": layout.time_major(d_seen)[middle(case)], "d_h_n": d_final["h"]})
    value, name = case.poisoned or (0.0, "")
    if name == "d_output" and case.lengths:
        layout.time_major(d_seen)[np.arange(case.steps)[:, np.newaxis] >= np.array(case.lengths)] = value
    seen = SEEN_AT_THE_END.get(case.cotangents, case.carried)
    return (
        None if case.cotangents in ("h_n", "c_n") else d_seen,
        {letter: d for letter, d in d_final.items() if letter in seen},
    )


def laid_out(case: Case, values: Array) -> Array:
    """Return a cotangent in memory as the case wants it.

    "expanded" repeats one number (the largest) with strides of 0, as autograd does for the gradient of a sum. "strided"
    lies as `strided` lays it.
    """
    if case.cotangents == "expanded":
        return np.broadcast_to(values.flat[int(np.abs(values).argmax())], values.shape)
    return strided(case, values)


def strided(case: Case, values: Array) -> Array:
    """Return an array as "strided" cases hand over all of theirs: axes in reverse order, a gap after every number."""
    if case.cotangents != "strided":
        return values
    wide = np.zeros((*values.shape[::-1], 2), values.dtype)
    view = wide[..., 0].transpose()
    view[...] = values
    return view
