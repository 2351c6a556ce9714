"""`State`: sources as a search has them, what a run of them gave, and how much of that is right.

Values of the backward pass are matched with the adjoints of the forward pass. What depends on the cotangents and is the
adjoint of nothing is wrong. A state is better if it makes more adjoints known in the first step of the walk back, then
in the second, and so on, and no gradient less right.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from msgspec import Struct

from conformance.hand_written.budget import Budget
from conformance.hand_written.mending.forward.adjoints import Adjoint
from conformance.hand_written.mending.functions import Live, codes_of
from conformance.hand_written.mending.known import Id, Known, as_array, is_zero
from conformance.hand_written.mending.program import Program
from conformance.hand_written.mending.recording import Event, Instrumented, Recorded, recorded
from conformance.hand_written.mending.units import Unit

Files = Mapping[str, str]
"""Sources by the names under which they were compiled."""

RUN = 60
"""What a run of both passes costs, in units of an evaluated variant."""

STEPS, LATER = 9, 99
"""Steps of the walk that a score tells apart; and what comes after the walk."""

CLOSE = 1e-7
"""Within this, relative to its greatest element, a gradient is right: expected ones are known to 1e-9."""


class Score(Struct, frozen=True, order=True):
    """How good a state is, the most telling first."""

    complete: bool
    adjoints: tuple[int, ...]  # different ones by steps of the walk
    gradients: int
    matched: int

    def better_than(self, other: "Score") -> bool:
        """Return whether more is right, and no gradient less: what an edit spoils is no part of a mend."""
        one, two = ((each.complete, each.adjoints, each.gradients) for each in (self, other))
        return self.gradients >= other.gradients and one > two


class Question(Struct, frozen=True, kw_only=True):
    """What is searched: the program, what is known of it, and what is asked of it.

    Attributes
    ----------
    effective
        Units that the forward pass depends on, by what they are: they may not be edited.
    given
        Adjoints that the backward pass is handed.
    expected
        The gradients that it should give.
    other
        The same program with other cotangents, where there are any.
    forward
        The values of the forward pass that have an effect.
    """

    program: Program
    live: Live
    known: Known
    effective: frozenset[object]
    given: frozenset[Id]
    expected: Mapping[str, np.ndarray]
    other: Program | None
    forward: Sequence[Adjoint]
    budget: Budget

    def right(self, gradients: Mapping[str, np.ndarray]) -> int:
        """Return how many gradients are right."""
        return sum(name in gradients and near(gradients[name], g) for name, g in self.expected.items())

    def may_edit(self, unit: Unit) -> bool:
        """Return whether a unit is none that the forward pass depends on."""
        return unit.signature not in self.effective


def near(got: np.ndarray, expected: np.ndarray) -> bool:
    """Return whether a gradient is the expected one."""
    if got.shape != expected.shape:
        return False
    return bool(np.abs(got - expected).max(initial=0.0) <= CLOSE * np.abs(expected).max(initial=0.0))


class State:
    """Sources as a search has them, and what a run of them came to."""

    def __init__(self, question: Question, files: Files) -> None:
        self.files = files
        self.question = question
        self.instrumented = Instrumented(files, question.may_edit)
        self.units = self.instrumented.units
        question.budget.spend(RUN)
        self.recorded: Recorded | None = recorded(
            question.program, question.live, self.instrumented.codes, frames=True
        )
        if self.recorded is None:
            return
        self.events = self.recorded.events
        self.at: dict[int, list[int]] = {}
        for n, event in enumerate(self.events):
            self.at.setdefault(event.unit, []).append(n)
        self.score, self.matches = judged(question, self.units, self.recorded)
        self.clean = self._clean()
        self._clean_signatures = {self.units[k].signature for k in self.clean}
        wrong = list(wrongs(question, self.units, self.recorded, self.matches, self.is_clean))
        self.first_wrong = wrong[0] if wrong else len(self.events)
        self.wrong_values = frozenset(np.asarray(self.events[n].value).tobytes() for n in wrong)
        self._last_sound = self._handed_on(self.first_wrong)

    @property
    def live(self) -> AbstractContextManager[bool]:
        """The functions of the network as these sources have them, for a block."""
        return self.question.live.running(codes_of(self.files))

    def carries_zero(self, unit: int) -> bool:
        """Return whether a unit in a loop is 0 whenever it is computed, as a carry is that nothing is put into."""
        return bool(self.units[unit].loops) and all(is_zero(self.events[n].value) for n in self.at[unit])

    @property
    def is_right_in_the_walk(self) -> bool:
        """Whether nothing goes wrong before the loop over the steps is over, which may leave some out."""
        n = self.first_wrong
        return n >= len(self.events) or steps_of(self.units, self.events)[n] == LATER

    def _clean(self) -> frozenset[int]:
        """Return the units whose values don't depend on the cotangents; a carry that stays zero isn't one of them."""
        question = self.question
        if question.other is None:
            return frozenset()
        question.budget.spend(RUN)
        other = recorded(question.other, question.live, self.instrumented.codes)
        if other is None or [e.unit for e in other.events] != [e.unit for e in self.events]:
            return frozenset()
        changed = {
            one.unit
            for one, two in zip(self.events, other.events, strict=True)
            if not _equal(one.value, two.value)
        }
        return frozenset(k for k in self.at if k not in changed and not self.carries_zero(k))

    def is_clean(self, unit: Unit) -> bool:
        """Return whether the values of a unit don't depend on the cotangents."""
        return unit.signature in self._clean_signatures

    def sound(self, unit: int) -> list[int]:
        """Return the events of a unit up to the first wrong one, before which all is right; its first in any case."""
        at = self.at[unit]
        return [n for n in at if n <= self._last_sound] or at[:1]

    def _handed_on(self, first: int) -> int:
        """Return the last of the events to which a wrong value is handed as it is, as by the call that returns it."""
        last = first
        while last + 1 < len(self.events) and _is_same(self.events[first].value, self.events[last + 1].value):
            last += 1
        return last


def judged(question: Question, units: Sequence[Unit], run: Recorded) -> tuple[Score, list[Id | None]]:
    """Return how good a run is, and which adjoints its values are."""
    known = question.known
    editable = [question.may_edit(unit) for unit in units]
    matches = [known.one(e.value) if editable[e.unit] else None for e in run.events]
    often = Counter(event.unit for event in run.events)
    seen: set[Id] = set()
    by_step: Counter[int] = Counter()
    for event, match, step in zip(run.events, matches, steps_of(units, run.events), strict=True):
        unit = units[event.unit]
        if match is None or match in seen or match in question.given:
            continue
        if known.entries[match].over_steps or (unit.returns and often[event.unit] == 1):
            continue
        seen.add(match)
        by_step[step] += 1
    right = question.right(run.gradients)
    score = Score(
        complete=right == len(question.expected),
        adjoints=tuple(by_step[step] for step in (*range(STEPS), LATER)),
        gradients=right,
        matched=sum(match is not None for match in matches),
    )
    return score, matches


def wrongs(
    question: Question,
    units: Sequence[Unit],
    run: Recorded,
    matches: Sequence[Id | None],
    clean: Callable[[Unit], bool],
) -> Iterator[int]:
    """Yield the events of a run whose values depend on the cotangents and are no adjoints."""
    often = Counter(event.unit for event in run.events)
    passed = {k: clean(units[k]) or not question.may_edit(units[k]) for k in often}
    for n, event in enumerate(run.events):
        if passed[event.unit] or matches[n] is not None:
            continue
        array = as_array(event.value)
        if array is None or is_zero(array) or (units[event.unit].returns and often[event.unit] == 1):
            continue
        if not question.known.match(array):
            yield n


def first_wrong(
    question: Question,
    units: Sequence[Unit],
    run: Recorded,
    matches: Sequence[Id | None],
    clean: Callable[[Unit], bool],
) -> int:
    """Return the first of those events, or how many there are in all."""
    return next(wrongs(question, units, run, matches, clean), len(run.events))


def steps_of(units: Sequence[Unit], events: Sequence[Event]) -> list[int]:
    """Return the step of the walk, from 1, in which each value came; 0 before it, `LATER` after it."""
    often = Counter(event.unit for event in events)
    met: Counter[int] = Counter()
    found: list[int] = []
    for event in events:
        walks = bool(units[event.unit].loops) or often[event.unit] > 1
        met[event.unit] += walks
        found.append(met[event.unit] if walks else LATER if met.total() else 0)
    return found


def _is_same(one: Any, other: Any) -> bool:
    one, other = as_array(one), as_array(other)
    return one is not None and other is not None and np.array_equal(one, other)


def _equal(one: Any, other: Any) -> bool:
    one, other = as_array(one), as_array(other)
    return one is None or other is None or np.array_equal(one, other)
