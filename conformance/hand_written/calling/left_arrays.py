"""The arrays that a call leaves behind: what it was handed and returned, and copies of gradients that are kept."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from conformance.hand_written.calling.running.program import Ran, values
from conformance.hand_written.calling.running.reach import reach
from conformance.hand_written.calling.values.forms import numeric
from conformance.hand_written.calling.values.matching import everything
from refrnn import Array

ROOTS = ("model", "params", "code")
"""The names by which everything that outlives a call is reached."""

RETURNED = "forward's result"
"""What a reader calls what a forward pass returned."""

RESULTS = {"result": RETURNED, "grads": "backward's result"}
"""The names of what passes return, and what a reader calls it."""


def arrays_in(name: str, argument: Any) -> dict[str, Array]:
    """Return copies of the arrays in an argument, by where they are in it."""
    found = ((item.path, numeric(item.value)) for item in reach(name, argument))
    return {path: array.copy() for path, array in found if array is not None}


def returned_by(ran: Ran, parameters: Sequence[Array]) -> dict[str, tuple[Array, Array]]:
    """Return the arrays that calls have just returned, but for parameters, each with a copy."""
    items = (item for name, called in RESULTS.items() for item in reach(called, ran.names.get(name)))
    arrays = {item.path: item.value for item in items if isinstance(item.value, np.ndarray)}
    return {
        path: (array, array.copy())
        for path, array in arrays.items()
        if not any(np.may_share_memory(array, w) for w in parameters)
    }


def overwritten(returned: Mapping[str, tuple[Array, Array]]) -> list[str]:
    """Return the paths of what isn't any more as it was returned."""
    return [path for path, (kept, was) in returned.items() if not np.array_equal(kept, was, equal_nan=True)]


def copies_of(ran: Ran, gradients: Mapping[str, Array]) -> dict[str, str]:
    """Return where a network keeps arrays equal to gradients that it hands out, and the expressions of those."""
    known = {text: g for text, g in gradients.items() if numeric(g) is not None and g.size > 1}
    kept = [item for item in everything(Ran(names=ran.names), ROOTS) if numeric(item.value) is not None]
    return {
        item.path: text
        for item in kept
        for text, g in known.items()
        if np.array_equal(item.value, g) and not np.may_share_memory(item.value, g)
    }


def pairs_of(ran: Ran, copies: Mapping[str, str]) -> dict[str, tuple[Array, Array]]:
    """Return copies of what is kept at some paths, beside the gradients of which it was a copy."""
    kept, handed = values(ran, {path: path for path in copies}), values(ran, {t: t for t in copies.values()})
    return {
        path: (np.array(kept[path]), np.array(handed[text]))
        for path, text in copies.items()
        if path in kept and text in handed
    }
