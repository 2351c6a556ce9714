"""Parameters that lie one after the other in a single vector: found by the views that code takes of it."""

from collections.abc import Iterator, Sequence

import numpy as np

from conformance.hand_written.calling.running.program import Ran, value
from conformance.hand_written.calling.running.reach import Reached, Renamed
from conformance.hand_written.calling.values.matching import everything
from refrnn import Array


def unfolded(arrays: Sequence[Reached], ran: Ran, roots: Sequence[str]) -> list[Reached] | None:
    """Return the parts of a vector of parameters in its place, as the code takes them out; None without such a vector.

    Parameters
    ----------
    arrays
        What may be parameters.
    ran, roots
        A run of the forward pass, and the names from which what it left can be reached.
    """
    found: list[Reached] = []
    known = False
    for item in arrays:
        parts = list(_parts(item, ran, roots)) if item.value.ndim == 1 else []
        known = known or bool(parts)
        found += parts or [item]
    return found if known else None


def _parts(item: Reached, ran: Ran, roots: Sequence[str]) -> Iterator[Reached]:
    """Yield the views of a vector that together make all of it, each once; none where they leave anything out."""
    vector = value(ran, item.path)
    views: dict[int, Reached] = {}
    for other in everything(ran, roots):
        view = other.value
        if not isinstance(view, np.ndarray) or view is vector or not _is_part(view, vector):
            continue
        start = _start(view, vector)
        if start not in views or view.ndim > views[start].value.ndim:
            views[start] = other
    ends = 0
    for start, other in sorted(views.items()):
        if start != ends:
            return
        ends += other.value.size
    if ends != vector.size or len(views) < 2:
        return
    for start, other in sorted(views.items()):
        view = other.value
        path = f"{item.path}{part_text(start, view.shape, by_columns=not view.flags.c_contiguous)}"
        yield Renamed(path, view, other.name)


def part_text(start: int, shape: tuple[int, ...], *, by_columns: bool = False) -> str:
    """Return the text that takes a part of some shape out of a vector.

    >>> part_text(4, (2, 3)), part_text(10, (3,))
    ('[4:10].reshape((2, 3))', '[10:13]')
    >>> part_text(0, (2, 3), by_columns=True)
    "[0:6].reshape((2, 3), order='F')"
    """
    text = f"[{start}:{start + int(np.prod(shape))}]"
    order = ", order='F'" if by_columns else ""
    return text if len(shape) == 1 else f"{text}.reshape({shape}{order})"


def _is_part(view: Array, vector: Array) -> bool:
    inside = view.dtype == vector.dtype and 0 < view.size < vector.size and view.flags.forc
    return inside and np.may_share_memory(view, vector)


def _start(view: Array, vector: Array) -> int:
    places = (a.__array_interface__["data"][0] for a in (view, vector))
    own, whole = places
    return (own - whole) // vector.itemsize
