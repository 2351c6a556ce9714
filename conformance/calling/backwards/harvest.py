"""Gradients found after a backward pass: returned, kept in attributes, left in locals, or applied to the weights."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from conformance.calling.asking import Question, gradients_of, table_of
from conformance.calling.backwards.places import ORDER, Candidate, Taken, places
from conformance.calling.hints.names import gradient_of
from conformance.calling.running.program import Ran, value
from conformance.calling.running.reach import Reached
from conformance.calling.values.slots import Slot
from refrnn import Array

SAME = 1e-6
"""Relative difference up to which a gradient counts as the right one while searching; judging comes later."""


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
    apart: bool = False  # whether all are there, and some are right but for a constant that the others lack

    @property
    def score(self) -> tuple[float, ...]:
        """Larger is better: right ones, then found ones, then named ones, then the place that says most."""
        return (len(self.right), len(self.expressions), self.named, -ORDER.index(self.place))


def harvests(taken: Taken) -> list[Harvest]:
    """Return what each kind of place gives, the best first."""
    found = []
    for place, candidates in places(taken):
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
    if "x" in found:
        found["table"] = table_of(found["x"])
    found["h_0"] = np.zeros((asked.case.batch, asked.case.hidden_size))
    return found


def _harvest(place: str, candidates: dict[str, list[Candidate]], taken: Taken) -> Harvest:
    fits: dict[str, list[tuple[Candidate, float | None]]] = {}
    for slot in taken.slots:
        true = taken.truth[slot.path]
        fits[slot.path] = [(c, _constant(c.values, true)) for c in candidates.get(slot.path, [])]
    constant = _common([[k for _, k in row if k is not None] for row in fits.values()])
    chosen, right, named, notes = {}, set(), 0, []
    apart = False
    rows: dict[str, str] = {}
    names = {slot.path: Reached(slot.path, None).name for slot in taken.slots}
    for slot in taken.slots:
        row = fits[slot.path]
        if not row:
            continue
        own = names[slot.path]
        true_ones = [c for c, k in row if k is not None and abs(k - constant) <= SAME * abs(constant)]
        by_name = [c for c, _ in row if gradient_of(c.name, own)]
        if not by_name and place in ("returned", "kept"):
            by_name = [c for c, _ in row if c.name == own]  # grads["Wxh"], the weights themselves left out
        if (
            by_name
        ):  # what is called the gradient of another parameter isn't taken for this one's, however right
            others = [name for path, name in names.items() if path != slot.path]
            true_ones = [c for c in true_ones if _is_one_of(c, by_name) or not _says_any(c.name, others)]
        by_name.sort(key=lambda c: _places(c.expression) != _places(slot.path))  # of the same layer first
        whole = [c for c, _ in row if not c.how]
        best = next(
            iter(true_ones or by_name or (whole if place != "locals" else []) or [c for c, _ in row][:1])
        )
        chosen[slot.path] = best.expression
        named += _is_one_of(best, by_name)
        if true_ones:
            right.add(slot.path)
        apart |= not true_ones and not best.how and any(c is best and k is not None for c, k in row)
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
        apart=apart and len(chosen) == len(taken.slots),
        named=len(chosen) if place == "applied" else named,
        notes=tuple(notes),
    )


def _is_one_of(candidate: Candidate, candidates: Sequence[Candidate]) -> bool:
    return any(candidate is other for other in candidates)


def _says_any(name: str, parameters: Sequence[str]) -> bool:
    """Tell whether a gradient is called like that of one of some parameters."""
    return any(name == parameter or gradient_of(name, parameter) for parameter in parameters)


def _places(path: str) -> list[str]:
    """Return the numbers by which a path goes: those of layers, where there are several."""
    return re.findall(r"\[(\d+)\]", path)


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
