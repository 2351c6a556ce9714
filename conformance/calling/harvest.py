"""Gradients found after a backward pass: returned, kept in attributes, left in locals, or applied to the weights."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from conformance.calling.asking import Question, gradients_of
from conformance.calling.forms import numeric
from conformance.calling.matching import everything, series_in
from conformance.calling.names import TARGET, gradient_of
from conformance.calling.program import Ran, value
from conformance.calling.reach import Reached
from conformance.calling.slots import Slot
from refrnn import Array

SAME = 1e-6
"""Relative difference up to which a gradient counts as the right one while searching; judging comes later."""

ORDER = ("returned", "kept", "applied", "locals", "replaced")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An array that may be the gradient of a slot: where it is, and its values in the slot's shape."""

    expression: str
    name: str
    values: Array
    how: str = ""  # "per example", "per step", or empty
    raw: str = ""  # the expression of what is kept per example, (B, N), before it is summed


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """Gradients from one kind of place: an expression in the slot's shape for each slot, and how well they fit.

    `right` are the slots whose gradient is the true one times `constant`; `named` those whose name says whose they are.
    """

    place: str
    expressions: Mapping[str, str]
    right: frozenset[str]
    constant: float
    named: int
    notes: tuple[str, ...] = ()
    rows: bool = False  # whether biases are left per example while everything else is summed

    @property
    def score(self) -> tuple[float, ...]:
        """Larger is better: right ones, then found ones, then named ones, then the place that says most."""
        return (len(self.right), len(self.expressions), self.named, -ORDER.index(self.place))


@dataclass(slots=True, kw_only=True)
class Taken:
    """What is known about one run for harvesting."""

    ran: Ran
    slots: Sequence[Slot]
    asked: Question
    roots: Sequence[str]
    before: Mapping[str, Array]  # the weights as they were set, by path
    truth: Mapping[str, Array]  # the true gradients in the shapes of the slots, by path
    names: Mapping[str, str] = field(default_factory=dict)  # what a return statement calls its values
    stepwise: bool = False  # whether the loop over time is ours, and `grads` holds what every step gave


def harvests(taken: Taken) -> list[Harvest]:
    """Return what each kind of place gives, the best first."""
    found = []
    for place, candidates in _places(taken):
        harvest = _harvest(place, candidates, taken)
        if harvest.expressions and (harvest.right or place != "locals"):
            found.append(harvest)
    return sorted(found, key=lambda h: h.score, reverse=True)


def true_gradients(asked: Question, slots: Sequence[Slot]) -> dict[str, Array]:
    """Return what the reference says of every slot, laid out as the slot is."""
    ran = Ran(names={"np": np})
    truth = SimpleNamespace(**_as_weights(asked))
    return {slot.path: np.asarray(value(ran, slot.fill, p=truth)) for slot in slots}


def _as_weights(asked: Question) -> dict[str, Any]:
    """Return the true gradients under the names of the weights, so that a slot's own expression lays them out."""
    found: dict[str, Any] = dict(gradients_of(asked))
    for end in ("", "1"):
        if f"b_ih{end}" in found:
            found[f"b{end}"] = found[f"b_ih{end}"]
    found["h_0"] = np.zeros((asked.case.batch, asked.case.hidden_size))
    return found


def _places(taken: Taken) -> Iterator[tuple[str, dict[str, list[Candidate]]]]:
    if taken.stepwise:
        yield "returned", _by_step(taken)
        kept = everything(Ran(names=taken.ran.names), taken.roots)
        weights = {slot.path for slot in taken.slots}
        yield "kept", _by_slot([item for item in kept if item.path not in weights], taken)
        yield "applied", _applied(taken)
        return
    returned = everything(Ran(names=taken.ran.names), ["grads"])
    ids = {id(item.value) for item in returned}
    kept = everything(Ran(names=taken.ran.names), taken.roots)
    weights = {slot.path for slot in taken.slots}
    locals_ = everything(Ran(names={}, seen=taken.ran.seen), [])
    left = [item for item in locals_ if id(item.value) not in ids and not TARGET.fullmatch(item.name)]
    yield "returned", _by_slot([_named(item, taken.names) for item in returned], taken)
    yield "kept", _by_slot([item for item in kept if item.path not in weights], taken)
    yield "applied", _applied(taken)
    yield "locals", _by_slot(left, taken)
    yield "replaced", _replaced([_named(item, taken.names) for item in returned], taken)


def _by_step(taken: Taken) -> dict[str, list[Candidate]]:
    """Return the sums over time of what every step gave."""
    found: dict[str, list[Candidate]] = {slot.path: [] for slot in taken.slots}
    for series in series_in([Reached("grads", taken.ran.names["grads"])], taken.asked.case.steps):
        if not series.inner:
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


class Renamed(Reached):
    """A value with a better name than its path has."""

    __slots__ = ("_name",)

    def __init__(self, path: str, value: Any, name: str) -> None:
        super().__init__(path, value)
        object.__setattr__(self, "_name", name)

    @property
    def name(self) -> str:
        """The name that a return statement gives it."""
        return self._name


def _by_slot(items: Sequence[Reached], taken: Taken) -> dict[str, list[Candidate]]:
    found: dict[str, list[Candidate]] = {slot.path: [] for slot in taken.slots}
    batch, steps = taken.asked.case.batch, taken.asked.case.steps
    for item in items:
        array = numeric(item.value)
        stacked = None if array is not None else _stack(item.value, steps)
        for slot in taken.slots:
            shape = taken.before[slot.path].shape
            for expression, values, how in _shaped(item.path, array, stacked, shape, batch, steps):
                raw = _rows(item.path, ".sum(1)" in expression, shape) if how == "per example" else ""
                found[slot.path].append(
                    Candidate(expression=expression, name=item.name, values=values, how=how, raw=raw)
                )
    return found


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
            expression = f"({slot.fill} - {slot.path})"
            found[slot.path] = [Candidate(expression=expression, name=slot.path, values=before - now)]
    return found


def _same_rounded(now: Array, before: Array) -> bool:
    """Tell whether a weight is as it was set, but for the precision in which the code keeps it."""
    return np.array_equal(now, before.astype(now.dtype))


def _replaced(items: Sequence[Reached], taken: Taken) -> dict[str, list[Candidate]]:
    """Return how far new weights that were returned lie from the old ones, against the gradient."""
    found: dict[str, list[Candidate]] = {slot.path: [] for slot in taken.slots}
    for item in items:
        array = numeric(item.value)
        for slot in taken.slots:
            before = taken.before[slot.path]
            if array is not None and array.shape == before.shape:
                expression = f"({slot.fill} - {item.path})"
                found[slot.path].append(
                    Candidate(expression=expression, name=item.name, values=before - array)
                )
    return found


def _harvest(place: str, candidates: dict[str, list[Candidate]], taken: Taken) -> Harvest:
    fits: dict[str, list[tuple[Candidate, float | None]]] = {}
    for slot in taken.slots:
        true = taken.truth[slot.path]
        fits[slot.path] = [(c, _constant(c.values, true)) for c in candidates.get(slot.path, [])]
    constant = _common([[k for _, k in row if k is not None] for row in fits.values()])
    chosen, right, named, notes = {}, set(), 0, []
    rows: dict[str, str] = {}
    for slot in taken.slots:
        row = fits[slot.path]
        if not row:
            continue
        own = Reached(slot.path, None).name
        true_ones = [c for c, k in row if k is not None and abs(k - constant) <= SAME * abs(constant)]
        by_name = [c for c, _ in row if gradient_of(c.name, own)]
        if not by_name and place in ("returned", "kept"):
            by_name = [c for c, _ in row if c.name == own]  # grads["Wxh"], the weights themselves left out
        whole = [c for c, _ in row if not c.how]
        best = next(
            iter(true_ones or by_name or (whole if place != "locals" else []) or [c for c, _ in row][:1])
        )
        chosen[slot.path] = best.expression
        named += best in by_name
        if true_ones:
            right.add(slot.path)
        if best.raw and len(taken.before[slot.path].shape) <= 2 and "W" not in "".join(slot.roles):
            rows[slot.path] = best.raw
        if best.how:
            notes.append(f"The gradient of {own} is kept {best.how}; the sum is judged.")
    by_row = [path for path, text in chosen.items() if ".sum(" in text]
    if rows and len(by_row) == len(rows):  # matrices are summed over the batch, biases forgotten
        chosen |= rows
        right -= set(rows)
        notes = []
    else:
        rows = {}
    return Harvest(
        place=place,
        expressions=chosen,
        right=frozenset(right),
        constant=constant,
        rows=bool(rows),
        named=len(chosen) if place == "applied" else named,
        notes=tuple(notes),
    )


def _constant(got: Array, true: Array) -> float | None:
    """Return the one constant between a gradient and the true one, None where there is none."""
    square = float(np.vdot(true, true))
    if square == 0.0 or not np.isfinite(got).all():
        return None
    factor = float(np.vdot(got, true)) / square
    error = np.abs(got - factor * true).max()
    return factor if abs(factor) > SAME and error <= SAME * abs(factor) * np.abs(true).max() else None


def _common(rows: Sequence[Sequence[float]]) -> float:
    """Return the constant on which most slots agree, 1 where there are none."""
    every = [k for row in rows for k in row]
    if not every:
        return 1.0
    return max(
        every, key=lambda k: (sum(any(abs(k - o) <= SAME * abs(k) for o in row) for row in rows), k == 1.0)
    )
