"""Subjects that show anything: the answer is a record, and it agrees only where what was shown is right."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np

from conformance import Observation, Problem, Subject, Unsupported, examine, load_subject, parse_id
from fuzz.choices import Choices, Outcome

CASE = parse_id("rnn-tanh-T4-B3-I5-H6-f64-s0")
GROSS = 0.25
"""What is added where an array is to be wrong: a quarter of what tanh can give, beyond any rounding of four steps."""


@dataclass(slots=True)
class Shows:
    """A subject that shows what it is told to."""

    answer: Callable[[Problem], Any]
    name: str = "fuzzed"
    description: str = ""

    def run(self, problem: Problem) -> Any:
        return self.answer(problem)


@cache
def reference() -> Subject:
    return load_subject("reference")


def examined_adapter(data: bytes) -> Outcome:
    """Examine a subject that `data` makes."""
    harms: list[str] = []  # of every run: relations ask a subject twice

    def answer(problem: Problem) -> Any:
        return shown(Choices(data), problem, harms)

    record = examine(CASE, Shows(answer))
    harm = "; ".join(harms)
    assert record.verdict in ("agrees", "differs", "undecidable", "unsupported", "error", "vacuous")
    assert record.verdict != "agrees" or not harm, f"agrees in spite of: {harm}"
    assert record.verdict != "differs" or harm, f"differs although nothing is wrong: {record.reason}"
    return Outcome.RIGHT if record.verdict in ("agrees", "differs") else Outcome.REFUSED


def shown(choices: Choices, problem: Problem, harms: list[str]) -> Any:
    """Return what the reference shows, changed; what is wrong with that is told in `harms`."""
    if choices.now_and_then(8):
        harms.append("it misbehaves")
        return _misbehaving(choices, problem)
    observation = reference().run(problem)
    names = [field.name for field in fields(Observation)]
    for _ in range(choices.below(4)):
        name = names.pop(choices.below(len(names)))  # each once, so that no change undoes another
        part = getattr(observation, name)
        harm, value = ("", part) if not isinstance(part, Mapping) else _changed_within(choices, part)
        if isinstance(part, np.ndarray):
            harm, value = _changed(choices, part)
        observation = replace(observation, **{name: value})
        if harm:
            harms.append(f"{name}: {harm}")
    return observation


def _changed_within(choices: Choices, part: Mapping[Any, Any]) -> tuple[str, Mapping[Any, Any]]:
    """Return what is wrong with changed named arrays, and these."""
    if not part:
        return "", part
    key = choices.one_of(list(part))
    if choices.now_and_then(10):
        return "an unknown name", {**part, choices.one_of(("weight", "", 3, (9, 9), None)): part[key]}
    harm, array = _changed(choices, part[key])
    return harm, {k: a for k, a in part.items() if k != key} | ({} if array is None else {key: array})


def _changed(choices: Choices, array: np.ndarray) -> tuple[str, Any]:
    """Return what is wrong with a changed array, "" where nothing is, and the array."""
    wrong = array.copy()
    place = tuple(choices.below(size) for size in array.shape)
    changes: list[Callable[[], tuple[str, Any]]] = [
        lambda: ("", array.copy(order="F")),
        lambda: ("", None),
        lambda: ("an element is off", _with(wrong, place, wrong[place] + GROSS)),
        lambda: ("NaN", _with(wrong, place, np.nan)),
        lambda: ("inf", _with(wrong, place, np.inf)),
        lambda: ("all off", wrong + GROSS),
        lambda: ("a sign", -wrong),
        lambda: (
            "transposed",
            np.ascontiguousarray(wrong.swapaxes(0, -1)) if wrong.ndim > 1 else wrong[::-1],
        ),
        lambda: ("an axis more", wrong[np.newaxis]),
        lambda: ("a row short", wrong[:-1]),
        lambda: (
            ("a broadcast row", np.broadcast_to(wrong[:1], wrong.shape)) if len(wrong) > 1 else ("", wrong)
        ),
        lambda: ("a number", float(wrong[place])),
        lambda: ("empty", wrong[:0]),
        lambda: ("single precision", wrong.astype(np.float32)),
        lambda: ("whole numbers", wrong.astype(int)),
        lambda: ("objects", wrong.astype(object)),
        lambda: ("complex", wrong.astype(complex)),
        lambda: ("text", "array"),
        lambda: ("a list", wrong.tolist()),
    ]
    return choices.one_of(changes)()


def _with(array: np.ndarray, place: tuple[int, ...], value: float) -> np.ndarray:
    array[place] = value
    return array


def _misbehaving(choices: Choices, problem: Problem) -> Any:
    errors = (ValueError("\x00"), SystemExit(0), RecursionError(), MemoryError(), Unsupported("no"))
    errors += (GeneratorExit(), StopIteration(), AssertionError())
    what = choices.below(4)
    if what == 0:
        raise choices.one_of(errors)
    if what == 1:
        problem.x[0] = 0
    if what == 2:
        problem.x.flags.writeable = True
        problem.x[...] += GROSS
        return reference().run(problem)
    return choices.one_of((None, 5, "shown", {}, [], Observation, Observation()))
