"""Where a backward pass leaves gradients: returned, kept in attributes, applied to the weights, or held in locals."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from msgspec import Struct, field

from conformance.hand_written.calling.asking import Question
from conformance.hand_written.calling.backwards.rules import SAME
from conformance.hand_written.calling.hints.names import TARGET, gradient_of
from conformance.hand_written.calling.running.lists import numbers_in
from conformance.hand_written.calling.running.program import Ran, value
from conformance.hand_written.calling.running.program import values as values_of
from conformance.hand_written.calling.running.reach import Reached, Renamed
from conformance.hand_written.calling.values.forms import numeric
from conformance.hand_written.calling.values.matching import everything, series_in
from conformance.hand_written.calling.values.slots import Slot, but_weights
from refrnn import Array

TRANSPOSED = "transposed"
"""How gradients may come that are derivatives in numerator layout."""

ORDER = ("returned", "kept", "applied", "locals", "replaced")


class Candidate(Struct, frozen=True, kw_only=True):
    """An array that may be the gradient of a slot: where it is, and its values in the slot's shape."""

    expression: str
    name: str
    values: Array
    how: str = ""  # "per example", "per step", "transposed", or empty
    raw: str = ""  # the expression of what is kept per example, (B, N), before it is summed


class Taken(Struct, kw_only=True):
    """What is known about one run for harvesting."""

    ran: Ran
    slots: Sequence[Slot]
    asked: Question
    roots: Sequence[str]
    before: Mapping[str, Array]  # the weights as they were set, by path
    truth: Mapping[str, Array]  # the true gradients in the shapes of the slots, by path
    earlier: Ran = field(default_factory=lambda: Ran(names={}))  # how the forward pass left everything
    names: Mapping[str, str] = field(default_factory=dict)  # what a return statement calls its values
    stepwise: bool = False  # whether the loop over time is ours, and `grads` holds what every step gave


def places(taken: Taken) -> Iterator[tuple[str, dict[str, list[Candidate]]]]:
    """Yield by each kind of place what may be the gradients of the slots."""
    if taken.stepwise:
        yield "returned", _by_step(taken)
        kept = everything(Ran(names=taken.ran.names), taken.roots)
        yield "kept", _by_slot(but_weights(kept, taken.slots), taken)
        yield "applied", _applied(taken)
        return
    returned = [
        item
        for item in everything(Ran(names=taken.ran.names), ["grads"])
        if not _is_a_weight(item.value, taken)
    ]
    ids = {id(item.value) for item in returned}
    kept = everything(Ran(names=taken.ran.names), taken.roots)
    locals_ = everything(Ran(names={}, seen=taken.ran.seen), [])
    given = _numbers_handed(taken.ran)
    left = [item for item in locals_ if id(item.value) not in ids and not TARGET.fullmatch(item.name)]
    left = [item for item in left if not _is_part_of(item.value, given)]
    left.sort(key=lambda item: "['self']" in item.path)  # variables before what their object keeps
    yield "returned", _by_slot([_named(item, taken.names) for item in returned], taken)
    kept = [item for item in but_weights(kept, taken.slots) if not _was_handed_in(item.value, given, taken)]
    kept = [item for item in kept if not _was_there_before(item, taken)]
    yield "kept", _by_slot(kept, taken)
    yield "applied", _applied(taken)
    yield "locals", _by_slot(left, taken)
    yield "replaced", _replaced([_named(item, taken.names) for item in returned], taken)


def _is_a_weight(value: Any, taken: Taken) -> bool:
    """Tell whether something is a parameter, as it is now or as it was set: no gradient, whatever its shape."""
    weights = [
        *values_of(taken.ran, {slot.path: slot.path for slot in taken.slots}).values(),
        *taken.before.values(),
    ]
    return isinstance(value, np.ndarray) and any(
        value is weight
        or (value.shape == np.shape(weight) and value.size > 1 and np.array_equal(value, weight))
        for weight in weights
    )


def _numbers_handed(ran: Ran) -> list[Array]:
    """Return the arrays that our lines handed to foreign code, by themselves or in lists; they are no gradients."""
    return [array for item in ran.handed for array in _alone_or_listed(item)]


def _was_there_before(item: Reached, taken: Taken) -> bool:
    """Tell whether the forward pass left something as it is, which isn't called like a gradient: that is none."""
    before = values_of(taken.earlier, {"it": item.path}).get("it")
    if not isinstance(item.value, np.ndarray) or not isinstance(before, np.ndarray):
        return False
    if not np.array_equal(before, item.value, equal_nan=True):
        return False
    return not any(gradient_of(item.name, Reached(slot.path, None).name) for slot in taken.slots)


def _was_handed_in(value: Any, given: Sequence[Array], taken: Taken) -> bool:
    """Tell whether something is, or is part of, an argument that is as it was handed over: that is no result."""
    if not _is_part_of(value, given):
        return False
    numbers = [array.ravel().tolist() for array in _alone_or_listed(value)]
    return taken.asked.p.numbers.issuperset(itertools.chain(*numbers))


def _is_part_of(value: Any, arrays: Sequence[Array]) -> bool:
    return any(np.may_share_memory(array, other) for array in _alone_or_listed(value) for other in arrays)


def _alone_or_listed(value: Any) -> list[Array]:
    items = value if isinstance(value, (list, tuple)) else [value]
    arrays = (numeric(item) for item in items)
    return [array for array in arrays if array is not None and array.size > 1]


def _by_step(taken: Taken) -> dict[str, list[Candidate]]:
    """Return the sums over time of what every step gave."""
    found: dict[str, list[Candidate]] = {slot.path: [] for slot in taken.slots}
    for series in series_in([Reached("grads", taken.ran.names["grads"])], taken.asked.case.steps):
        if not series.inner or all(_is_a_weight(part, taken) for part in series.stacked):
            continue
        total = series.stacked.sum(0)
        path = "back" + series.inner.removeprefix("[0]")
        name = taken.names.get(path, Reached(path, None).name)
        for slot in taken.slots:
            shape = taken.before[slot.path].shape
            for text, values, how in _shaped(
                f"sum({series.source})", total, None, shape, taken.asked.case.batch, 0
            ):
                found[slot.path].append(Candidate(expression=text, name=name, values=values, how=how))
    return found


def _named(item: Reached, known: Mapping[str, str]) -> Reached:
    return Renamed(item.path, item.value, known[item.path]) if item.path in known else item


def _by_slot(items: Sequence[Reached], taken: Taken) -> dict[str, list[Candidate]]:
    found: dict[str, list[Candidate]] = {slot.path: [] for slot in taken.slots}
    batch, steps = taken.asked.case.batch, taken.asked.case.steps
    for item in items:
        array, path = _numbers(item.value), item.path
        lies_as_they_do = array is not None and _is_like_their_vector(array, taken)
        for path_of_slot, candidate in () if lies_as_they_do else _parts_of_one_vector(path, array, taken):
            found[path_of_slot].append(candidate)
        stacked = None if array is not None else _stack(item.value, steps)
        if array is None and stacked is None and (array := numbers_in(item.value)) is not None:
            path = f"np.array({item.path})"
        for slot in taken.slots:
            shape = taken.before[slot.path].shape
            if lies_as_they_do and slot.part:
                text = f"{path}{slot.part}"
                part = value(taken.ran, text)
                found[slot.path].append(Candidate(expression=text, name=item.name, values=part))
            for expression, values, how in _shaped(path, array, stacked, shape, batch, steps):
                raw = _rows(item.path, ".sum(1)" in expression, shape) if how == "per example" else ""
                found[slot.path].append(
                    Candidate(expression=expression, name=item.name, values=values, how=how, raw=raw)
                )
    return found


def _is_like_their_vector(array: Array, taken: Taken) -> bool:
    """Tell whether an array is as long as the vector of all parameters: then each gradient lies where its own does."""
    return any(slot.part and array.shape == np.shape(value(taken.ran, slot.vector)) for slot in taken.slots)


def _numbers(value: Any) -> Array | None:
    """Return numbers of any kind as an array: gradients may be rounded to integers, or be complex."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuc" and value.size:
        return value
    return numeric(value)


def _parts_of_one_vector(path: str, array: Array | None, taken: Taken) -> Iterator[tuple[str, Candidate]]:
    """Yield the gradients of all parameters that lie one after the other in a vector, by where each is recognised.

    One that isn't recognised lies in the gap that is as long as itself, where there is just one such gap.
    """
    sizes = {slot.path: taken.before[slot.path].size for slot in taken.slots}
    if array is None or array.size != sum(sizes.values()) or len(sizes) < 2 or array.size not in array.shape:
        return
    known = {order: _recognised_in(array.reshape(-1), sizes, order, taken) for order in ("C", "F")}
    order, starts = max(known.items(), key=lambda entry: len(entry[1]))  # one order holds for all of them
    spans = sorted((start, start + sizes[slot_path]) for slot_path, start in starts.items())
    edges = [0, *(edge for span in spans for edge in span), array.size]
    gaps = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
    for slot_path, size in sizes.items():
        fitting = [a for a, b in gaps if b - a == size]
        if slot_path not in starts and len(fitting) == 1 and spans:
            starts[slot_path] = fitting[0]
    for slot_path, start in starts.items():
        shape = taken.before[slot_path].shape
        text = f"np.reshape({path}, -1)[{start}:{start + sizes[slot_path]}].reshape({shape}, order={order!r})"
        yield slot_path, Candidate(expression=text, name=slot_path, values=np.asarray(value(taken.ran, text)))


def _recognised_in(
    vector: Array, sizes: Mapping[str, int], order: Literal["C", "F"], taken: Taken
) -> dict[str, int]:
    """Return where in a vector gradients are recognised that lie in it row by row ("C") or column by column ("F")."""
    starts: dict[str, int] = {}
    for path, size in sizes.items():
        true = taken.truth[path]
        windows = ((n, vector[n : n + size]) for n in range(vector.size - size + 1))
        fits = (
            n
            for n, part in windows
            if constant_between(part.reshape(true.shape, order=order), true) is not None
        )
        start = next(fits, None)
        if start is not None:
            starts[path] = start
    return starts


def is_matrix(shape: tuple[int, ...]) -> bool:
    """Tell whether a parameter is a matrix, and no vector laid out as a row or a column."""
    return len(shape) > 1 and min(shape) > 1


def constant_between(got: Array, true: Array) -> float | None:
    """Return the one constant between a gradient and the true one, None where there is none."""
    square = float(np.vdot(true, true))
    if square == 0.0 or not np.isrealobj(got) or not np.isfinite(got).all():
        return None
    factor = float(np.vdot(got, true)) / square
    error = np.abs(got - factor * true).max()
    return factor if abs(factor) > SAME and error <= SAME * abs(factor) * np.abs(true).max() else None


def _rows(path: str, transposed: bool, shape: tuple[int, ...]) -> str:  # noqa: FBT001
    """Return gradients per example such that reading them as a bias of this shape leaves (B, N)."""
    text = f"{path}.T" if transposed else path
    return text if len(shape) == 1 else f"{text}[:, None]" if shape[-1] == 1 else f"{text}[None]"


def _stack(container: Any, steps: int) -> Array | None:
    """Return a list or dict of one array a step as one array."""
    if isinstance(container, dict) and container and all(isinstance(k, int) for k in container):
        container = list(container.values())
    if isinstance(container, (list, tuple)) and len(container) == steps:
        arrays = [numeric(entry) for entry in container]
        if all(
            a is not None and a.shape == (arrays[0].shape if arrays[0] is not None else None) for a in arrays
        ):
            return np.array(arrays)
    return None


def _shaped(
    path: str, array: Array | None, stacked: Array | None, shape: tuple[int, ...], batch: int, steps: int
) -> Iterator[tuple[str, Array, str]]:
    plain = [n for n in shape if n != 1]
    if array is not None:
        if array.ndim == 2 and array.shape == shape[::-1]:
            yield f"{path}.T", array.T, TRANSPOSED
        if array.shape == shape:
            yield path, array, ""
        elif [n for n in array.shape if n != 1] == plain:
            yield f"{path}.reshape({shape})", array.reshape(shape), ""
        elif (
            batch > 1
            and array.ndim
            and array.shape[0] == batch
            and [n for n in array.shape[1:] if n != 1] == plain
        ):
            yield f"{path}.sum(0).reshape({shape})", array.sum(0).reshape(shape), "per example"
        elif batch > 1 and len(plain) == 1 and array.shape == (plain[0], batch):
            yield f"{path}.sum(1).reshape({shape})", array.sum(1).reshape(shape), "per example"
        elif array.ndim and array.shape[0] == steps and [n for n in array.shape[1:] if n != 1] == plain:
            yield f"{path}.sum(0).reshape({shape})", array.sum(0).reshape(shape), "per step"
    elif stacked is not None and [n for n in stacked.shape[1:] if n != 1] == plain:
        text = f"{path}.values()" if isinstance(stacked, dict) else path
        yield f"sum({text}).reshape({shape})", stacked.sum(0).reshape(shape), "per step"


def _applied(taken: Taken) -> dict[str, list[Candidate]]:
    """Return how far every weight moved, against the gradient."""
    found: dict[str, list[Candidate]] = {}
    for slot in taken.slots:
        try:
            now = value(taken.ran, slot.path)
        except Exception:
            continue
        before = taken.before[slot.path]
        if isinstance(now, np.ndarray) and now.shape == before.shape and not _same_rounded(now, before):
            expression = moved_by(slot)
            moved = np.asarray(before - now)
            found[slot.path] = [Candidate(expression=expression, name=slot.path, values=moved)]
    return found


def moved_by(slot: Slot) -> str:
    """Return the expression of how far a parameter has moved against its gradient."""
    return f"({slot.fill} - {slot.path})"


def _same_rounded(now: Array, before: Array) -> bool:
    """Tell whether a weight is as it was set, but for the precision in which the code keeps it."""
    return np.array_equal(now, before.astype(now.dtype))


def _replaced(items: Sequence[Reached], taken: Taken) -> dict[str, list[Candidate]]:
    """Return how far new weights that were returned lie from the old ones, against the gradient."""
    found: dict[str, list[Candidate]] = {slot.path: [] for slot in taken.slots}
    for item in items:
        array = _numbers(item.value)
        for slot in taken.slots:
            before = taken.before[slot.path]
            if array is not None and array.shape == before.shape:
                expression = f"({slot.fill} - {item.path})"
                found[slot.path].append(
                    Candidate(expression=expression, name=item.name, values=before - array)
                )
    return found
