"""From loops that explain one gradient to sets of faults that explain all: one gradient after the other."""

from collections.abc import Iterator, Mapping
from itertools import islice, product

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from conformance.faults import Choices
from conformance.hand_written.diagnosis.axes import Change, Plans
from conformance.hand_written.diagnosis.constants import merged, name_of, resolved
from conformance.hand_written.diagnosis.cover import FaultSet, at_least, covers
from conformance.hand_written.diagnosis.fit import SCREEN, Fit
from conformance.hand_written.diagnosis.heads import HeadReading
from conformance.hand_written.diagnosis.loops import Found
from conformance.hand_written.diagnosis.setting import Setting

SPARE = 1
"""How many more choices than needed a reading of one gradient may have: one catalogue entry may make several."""

MOST_READINGS = 256
"""How many ways of reading all gradients are put together for one loop: of gradients of 0 there are very many."""

Pairs = frozenset[tuple[str, str]]


class Hypothesis(Struct, frozen=True, kw_only=True):
    """Choices whose gradients, times `scale`, come near everything that was shown."""

    choices: Choices
    scale: float
    faults: FaultSet
    cost: int  # how many faults, and one more for a constant that no sizes make


class Partial(Struct, frozen=True, kw_only=True):
    """A loop that explains some gradients, with the other choices that each of them takes."""

    choices: Choices
    readings: Mapping[str, Change]

    def with_reading(self, name: str) -> Choices:
        """Return all choices that explain one of the gradients."""
        return replace(self.choices, **self.readings[name])


class _Row(Struct):
    """One loop, and what is known of the gradients looked at so far."""

    choices: Choices
    pairs: Pairs
    readings: dict[str, list[tuple[Change, float]]] = field(default_factory=dict)
    missing: bool = False  # whether it doesn't explain one of them


def assembled(
    setting: Setting, plans: Plans, loops: Found, first: str, bound: int
) -> tuple[list[Hypothesis], list[Partial]]:
    """Return what explains all gradients with at most `bound` faults, and what explains some of them.

    `first` is the gradient that all of these loops are known to explain.
    """
    rows = {n: _row(setting, plan) for n, plan in enumerate(plans)}
    for name in sorted(setting.names, key=lambda name: name != first):
        left = np.array([n for n, row in rows.items() if not row.missing or len(rows) < BROAD])
        if not len(left):
            break
        fitted = setting.fits(name, plans[left], _taken(loops, left))
        for at, n in enumerate(left):
            _read(rows[n], name, fitted, at, dropped=setting.dropped(name), single=setting.material.single)
        rows = {n: row for n, row in rows.items() if at_least(row.pairs) <= bound}
    whole = [row for row in rows.values() if not row.missing]
    partial = [_partial(row) for row in rows.values() if row.missing or not setting.head_explained]
    if not setting.head_explained:
        return [], partial
    found: list[Hypothesis] = []
    for row in sorted(whole, key=lambda row: at_least(row.pairs)):
        found += [h for h in _hypotheses(setting, row, bound) if h.cost <= bound]
        bound = min((h.cost for h in found), default=bound)
    return found, partial


BROAD = 64
"""As long as there are fewer loops than this, those that explain only some gradients are followed as well."""


def _partial(row: _Row) -> Partial:
    readings = {
        name: min(near, key=lambda reading: len(reading[0]))[0] for name, near in row.readings.items()
    }
    return Partial(choices=row.choices, readings=readings)


def _row(setting: Setting, plan: Plans) -> _Row:
    choices = setting.axes.choices(plan, setting.base)
    return _Row(choices=choices, pairs=_pairs(choices))


def _pairs(choices: Choices) -> Pairs:
    return frozenset(choices.departures().items())


def _taken(loops: Found, rows: np.ndarray) -> Found:
    return Found(d_h=loops.d_h[rows], d_a=loops.d_a[rows], d_h_0=loops.d_h_0[rows])


def _read(
    row: _Row, name: str, fitted: list[tuple[Change, Fit]], at: int, *, dropped: bool, single: bool
) -> None:
    """Note in which ways one loop explains one gradient."""
    near = [(change, float(f.factor[at])) for change, f in fitted if f.residual[at] <= SCREEN[single]]
    if dropped:
        near.append(({}, 0.0))
    if not near:
        row.missing = True
        return
    least = min(len(change) for change, _ in near)
    row.readings[name] = [(change, factor) for change, factor in near if len(change) <= least + SPARE]
    row.pairs |= frozenset.intersection(*(frozenset(change.items()) for change, _ in near))


def _hypotheses(setting: Setting, row: _Row, most: int) -> Iterator[Hypothesis]:
    """Yield the ways to put together one reading of each gradient that at most so many faults may make."""
    material = setting.material
    shown = material.parameters.get("weight_ih_l0")
    norm = None if shown is None else float(np.linalg.norm(shown))
    for head in setting.heads or (HeadReading(change={}, factors={}),):
        if not head.goes_with(row.choices):
            continue
        for ways in islice(product(*row.readings.values()), MOST_READINGS):
            change = merged(head.change, *(change for change, _ in ways))
            if change is None or at_least(_pairs(replace(row.choices, **change))) > most:
                continue
            factors = {
                name: factor * setting.factor for name, (_, factor) in zip(row.readings, ways, strict=True)
            }
            for constants in resolved(factors | head.factors, material, norm):
                whole = merged(change, constants.change)
                if whole is not None:
                    yield from hypotheses_of(setting, replace(row.choices, **whole), constants.scale)


def hypotheses_of(setting: Setting, choices: Choices, scale: float) -> Iterator[Hypothesis]:
    """Yield one hypothesis for each set of faults that makes these choices."""
    unnamed = not name_of(scale, setting.material.problem.case, single=setting.material.single)
    for faults in covers(choices, setting.blind):
        yield Hypothesis(choices=choices, scale=scale, faults=faults, cost=len(faults) + unnamed)
