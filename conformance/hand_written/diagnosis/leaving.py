"""What leaves the loop or is shown of it: dL/dx, dL/dh_0, dL/dh_t and δ_t, each with what may be wrong about it."""

from collections.abc import Iterator

import numpy as np

from conformance.hand_written.diagnosis.axes import Change, Plans
from conformance.hand_written.diagnosis.fit import Fit, fit
from conformance.hand_written.diagnosis.loops import ENTRIES, Found, Tables
from refrnn import Array


def inner_fits(
    name: str, target: Array, tables: Tables, plans: Plans, found: Found, rate: float | None
) -> list[tuple[Change, Fit]]:
    """Return for every way in which a gradient may leave many loops how it fits `target`."""
    made = {
        "d_x": _inputs(tables, plans, found, rate),
        "d_h_0": _initial(found),
        "d_hidden": iter([({}, found.d_h)]),
        "d_pre": iter([({}, found.d_a)]),
    }[name]
    return [(change, fit(candidates, target)) for change, candidates in made]


def _inputs(tables: Tables, plans: Plans, found: Found, rate: float | None) -> Iterator[tuple[Change, Array]]:
    """Yield the ways of passing down dL/dx (N, T, B, I)."""
    w, x = tables.scan.weights.ih, tables.scan.x
    inside = tables.choosing(plans, "update", "inside") | tables.choosing(plans, "update", "inside, later")
    used = np.repeat(w[np.newaxis], len(plans), axis=0)
    whole = np.einsum("ntbh,tbi->nhi", found.d_a, x)
    if rate is not None:
        used[inside] -= rate * whole[inside]
    through = used[:, np.newaxis]
    yield {}, found.d_a @ through
    yield {"d_x": "without slope"}, found.d_h @ through
    direct = (
        tables.entries[tables.index(plans, *ENTRIES)]
        * tables.slopes[tables.index(plans, "derivative", "slope_at")]
    )
    yield {"d_x": "before the loop"}, direct @ through
    if w.shape[0] == w.shape[1]:
        yield {"d_x": "untransposed"}, found.d_a @ through.mT
    if rate is not None and not inside.any():
        yield {"update": "before", "rate": rate}, found.d_a @ (through - rate * whole[:, np.newaxis])


def _initial(found: Found) -> Iterator[tuple[Change, Array]]:
    yield {}, found.d_h_0
    yield {"d_h_0": "first step missing"}, found.d_h[:, 0]
    yield {"d_h_0": "zeros"}, np.zeros_like(found.d_h_0)
