"""Which of the arrays that an update changes are parameters, and values of our own for them.

A parameter makes a difference to what is computed before the update, as no memory of an optimizer does and no gradient
that is kept; and it stays where it is put, as no state does. The values that it has could hide a mistake.
"""

import itertools
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from conformance.hand_written.by_example.training import Step
from conformance.hand_written.by_example.watching import SHORTLY, History, Recording
from refrnn import Array

SMALL = 0.3
"""The size of biases and states that are set."""

MOST = 40
"""Arrays that a step changes which are looked at."""


STAYING = 0.5
"""How much of a move is still there after an update; a state forgets it, and data are others in the next step."""

AS_IT_IS = 1e-9
"""The share of a move that rounding may take away."""

STAYING_STRAIGHT, STRAIGHT = 0.2, 0.95
"""The same where nothing else is there, as of a bias whose rate is large: the cosine between that and the move."""


class Parameters(Struct, frozen=True):
    """The parameters of a step.

    Attributes
    ----------
    values
        Values of our own for them.
    others
        Values for states that the step begins with at 0, and 0 for what an optimizer remembers of earlier ones; and
        for settings that are to be others.
    begins, ends
        After how many events the first of them is updated, and the last.
    doubtful
        Values for what may be further ones, or states: nothing of a move is left after the update.
    memories
        Which of the others are what an optimizer remembers.
    late
        After how many events the update before is over, where parameters still change as the step begins; else 0.
    """

    values: Mapping[str, Array]
    others: Mapping[str, Array | float]
    begins: int
    ends: int
    doubtful: Mapping[str, Array]
    memories: tuple[str, ...]
    late: int

    def with_the_doubtful(self) -> "Parameters":
        """Return the parameters with all that may be further ones among them."""
        return replace(self, values={**self.values, **self.doubtful}, doubtful={})


def parameters_of(step: Step) -> Parameters | None:
    """Return the parameters of a step, None where there are none or it doesn't come to an end.

    Nor are there any where others come to be within the step, before its update changes them: it began too early.
    """
    times = step.history.changed
    end = step.end
    changed = [path for path in step.arrays if path in times and times[path] <= end]
    seen = step.history.last  # to change in their places, as what is kept of the steps isn't
    changed.sort(
        key=lambda path: (path not in seen, -step.arrays[path].ndim, -times[path])
    )  # parameters change last
    plain = {path: step.arrays[path].copy() for path in changed[:MOST]}
    base = step.run({}, end)
    if base is None or not base.complete:
        return None
    rng = np.random.default_rng(5)
    kinds: dict[str, Kind] = {}
    values: dict[str, Array] = {}
    for path, value in plain.items():
        move = drawn(rng, value)
        other = step.run({path: value + move}, end)
        if other is None:
            continue
        kinds[path] = _kind(step.history, base, other, path, (value, value + move))
        if kinds[path] == "parameter":
            values[path] = drawn(rng, value)
        elif kinds[path] in ("state", "doubtful") and not value.any():
            values[path] = SMALL * rng.standard_normal(value.shape)  # where the step starts from
    found = [path for path in step.arrays if kinds.get(path) == "parameter"]
    if not found:
        return None
    last = step.history.last
    begins, ends = min(times[path] for path in found), max(last.get(path, times[path]) for path in found)
    if any(came < begins <= time <= ends for came, time in step.history.late.values()):
        return None
    memories = [path for path, kind in kinds.items() if kind in ("memory", "late")]
    others = {path: value for path, value in values.items() if path not in found}
    memories = [path for path in memories if begins <= times[path] <= ends]
    others |= {path: np.zeros_like(plain[path]) for path in memories}
    doubtful = [p for p, kind in kinds.items() if kind == "doubtful" and begins <= times[p] <= ends + SHORTLY]
    late = max((times[path] for path, kind in kinds.items() if kind == "late"), default=0)
    return Parameters(
        values={path: values[path] for path in found},
        others=others,
        begins=begins,
        ends=max([ends, *(times[path] for path in doubtful)]),
        doubtful={path: drawn(rng, plain[path]) for path in doubtful},
        memories=tuple(memories),
        late=late if late < begins else 0,
    )


Kind = Literal["memory", "late", "parameter", "doubtful", "state"]
"""What an array is that a step changes.

A memory makes no difference before it changes; what stays where it is put, and changes as the step begins, is updated
late in the step before. What doesn't stay is a state; as the same object still, it may be a parameter of whose move
nothing is left.
"""


def _kind(history: History, base: Recording, other: Recording, path: str, moved: tuple[Array, Array]) -> Kind:
    time, (plain, there) = history.changed[path], moved
    if not matters(base, other, path, time, moved):
        return "late" if time <= SHORTLY and _stays_as_it_is(base, other, path, there - plain) else "memory"
    if _stays(base, other, path, there - plain, in_place=path in history.last):
        return "parameter"
    return "doubtful" if path in history.in_place else "state"


def drawn(rng: np.random.Generator, value: Array) -> Array:
    """Return random values of an array's shape, of a size at which its units neither saturate nor idle."""
    drawn = rng.standard_normal(value.shape)
    wide = value.ndim > 1 and min(value.shape) > 1
    return drawn / np.sqrt(max(value.shape)) if wide else SMALL * drawn


def matters(base: Recording, other: Recording, path: str, time: int, moved: tuple[Array, Array]) -> bool:
    """Tell whether anything but an array itself, plain and moved, was computed differently before it changed."""
    itself = [(moved[0], base.final.get(path)), (moved[1], other.final.get(path))]

    def differs(one: Array | float, two: Array | float | None) -> bool:
        if two is None or np.shape(one) != np.shape(two) or np.array_equal(one, two, equal_nan=True):
            return False
        return not all(_is_any_of(each, its) for each, its in zip((one, two), itself, strict=True))

    numbers = (
        k for k, n in base.numbers.items() if k[2] not in base.final and differs(n, other.numbers.get(k))
    )
    arrays = (k for k, a in base.arrays.items() if differs(a, other.arrays.get(k)))
    return any(base.when[key] < time for key in itertools.chain(numbers, arrays))


def _is_any_of(value: Array | float, arrays: Iterable[Array | None]) -> bool:
    """Tell whether a value is that of an array; a number is that of an array of one element."""
    if np.ndim(value) == 0:
        return any(a is not None and a.size == 1 and a.item() == value for a in arrays)
    return any(a is not None and np.array_equal(value, a, equal_nan=True) for a in arrays)


def _stays_as_it_is(base: Recording, other: Recording, path: str, move: Array) -> bool:
    """Tell whether all that an array was moved by is still there: its update was known before the step began."""
    before, after = base.final.get(path), other.final.get(path)
    if before is None or after is None or not before.shape == after.shape == move.shape:
        return False
    return bool(np.allclose(after - before, move, rtol=0, atol=AS_IT_IS * np.abs(move).max()))


def _stays(base: Recording, other: Recording, path: str, move: Array, *, in_place: bool) -> bool:
    """Tell whether what an array was moved by is still there after the update.

    What wasn't seen to change in its place, and is another one by now, may well lie along the move by chance.
    """
    before, after = base.final.get(path), other.final.get(path)
    if before is None or after is None or not before.shape == after.shape == move.shape:
        return False
    kept, size = after - before, float(np.linalg.norm(move))
    along = float(np.vdot(kept, move)) / size**2
    straight = abs(along) * size >= STRAIGHT * float(np.linalg.norm(kept))
    return along > STAYING or (in_place and straight and abs(along) > STAYING_STRAIGHT)
