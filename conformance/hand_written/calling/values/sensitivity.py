"""Which arrays a forward pass reads: those whose change changes what comes out, whatever they are called."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from conformance.hand_written.calling.asking import Asked
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.lists import numbers_in
from conformance.hand_written.calling.running.program import Ran, run, value
from conformance.hand_written.calling.running.reach import Reached
from conformance.hand_written.calling.values.forms import numeric
from conformance.hand_written.calling.values.matching import everything
from conformance.hand_written.calling.values.slots import Sizes, looks_like_a_gradient, options
from refrnn import Array

MOST = 40
"""Arrays that are tried."""


def used(
    loaded: Loaded,
    p: Asked,
    build: Sequence[str],
    call: Sequence[str],
    arrays: Sequence[Reached],
    sizes: Sizes | None,
    *,
    kept: bool = False,
) -> list[Reached]:
    """Return the arrays on which what forward shows depends, among those that may be parameters by their shape.

    Without sizes any shape will do. What forward keeps counts where it returns nothing, or with `kept`.
    """
    likely = [item for item in arrays if sizes is None or options(item, sizes, layers=2)]
    likely = sorted(likely, key=looks_like_a_gradient)[:MOST]
    filled = [_fill(item, n) for n, item in enumerate(likely)]
    base = _signature(run(loaded, p, (*build, *filled, *call)), likely, kept=kept)
    if base is None:
        return []
    other = [_fill(item, n + 1000) for n, item in enumerate(likely)]
    if _same(base, _signature(run(loaded, p, (*build, *other, *call)), likely, kept=kept)):
        return []
    found = []
    for n, item in enumerate(likely):
        changed = (*build, *filled, _fill(item, n + 1000), *call)
        if not _same(base, _signature(run(loaded, p, changed), likely, kept=kept)):
            found.append(item)
    return found


def _fill(item: Reached, seed: int) -> str:
    return f"{item.path}[...] = np.random.default_rng({seed}).normal(0, 0.4, {item.value.shape})"


def _signature(ran: Ran, but: Sequence[Reached], *, kept: bool) -> list[Any] | None:
    """Return the numbers that a run shows: what forward returned, or else (or with `kept`) all that it left behind.

    What may be a parameter shows itself alone, wherever it is found again.
    """
    if not ran.ok:
        return None
    held = {id(value(ran, item.path)) for item in but}
    returned = everything(Ran(names=ran.names), ["result"])
    shown = [_numbers(item.value) for item in returned if id(item.value) not in held]
    arrays = [a for a in shown if a is not None]
    if any(a.size > 1 for a in arrays) and not kept:
        return arrays
    left_out = {item.path for item in but}
    return arrays + [
        numeric(item.value)
        for item in everything(ran, ["model", "params", "code"])
        if item.path not in left_out
        and numeric(item.value) is not None
        and id(item.value) not in held
        and not _is_weight(item, but)
    ]


def _numbers(value: Any) -> Array | None:
    array = numeric(value)
    return numbers_in(value) if array is None else array


def _is_weight(item: Reached, but: Sequence[Reached]) -> bool:
    name = item.path.rpartition("]")[0].rpartition("[")[2].strip("'") or item.name
    return any(name == other.name for other in but)


def _same(one: list[Any], other: list[Any] | None) -> bool:
    if other is None or len(one) != len(other):
        return False
    return all(
        a.shape == b.shape and np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True)
    )
