"""Cotangents of a case: which of its results the loss sees, and how their gradients lie in memory."""

import numpy as np

from conformance.cases.case import Case
from refrnn import Array, Layout


def drawn_cotangents(
    case: Case, layout: Layout, rng: np.random.Generator
) -> tuple[Array | None, Array | None]:
    """Draw the cotangents of what the loss sees step by step (output, or what a head makes of it) and of h_n.

    Both are in float64, None where the loss doesn't see it.
    """
    width = case.output_size or case.directions * case.hidden_size
    d_seen = rng.standard_normal(layout.shape(case.steps, case.batch, width))
    d_h_n = rng.standard_normal(
        layout.state_shape(case.layers * case.directions, case.batch, case.hidden_size)
    )
    if case.cotangents == "last":
        last = np.array(case.lengths) - 1 if case.lengths else case.steps - 1
        by_time = layout.time_major(d_seen)
        early = np.arange(case.steps)[:, np.newaxis] != last
        by_time[np.broadcast_to(early, by_time.shape[:2])] = 0
    return (
        None if case.cotangents == "h_n" else d_seen,
        None if case.cotangents in ("output", "last") else d_h_n,
    )


def laid_out(case: Case, values: Array) -> Array:
    """Return a cotangent in memory as the case wants it.

    "expanded" repeats one number (the largest) with strides of 0, as autograd does for the gradient of a sum. "strided"
    has its axes in reverse order and a gap after every number.
    """
    if case.cotangents == "expanded":
        return np.broadcast_to(values.flat[int(np.abs(values).argmax())], values.shape)
    if case.cotangents == "strided":
        wide = np.zeros((*values.shape[::-1], 2), values.dtype)
        view = wide[..., 0].transpose()
        view[...] = values
        return view
    return values
