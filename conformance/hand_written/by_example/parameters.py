"""Which of the arrays that an update changes are parameters, and values of our own for them.

A parameter makes a difference to what is computed before the update, as no memory of an optimizer does and no gradient
that is kept; and it stays where it is put, as no state does. The values that it has could hide a mistake.
"""

import itertools
from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from conformance.hand_written.by_example.training import Step
from conformance.hand_written.by_example.watching import Recording
from refrnn import Array

SMALL = 0.3
"""The size of biases and states that are set."""

MOST = 24
"""Arrays of an update that are looked at."""


class Parameters(Struct, frozen=True):
    """Values of our own for the parameters of a step, and for states that it begins with at 0."""

    values: Mapping[str, Array]
    states: Mapping[str, Array]


def parameters_of(step: Step) -> Parameters | None:
    """Return the parameters of a step, None where there are none or it doesn't come to an end."""
    changed = sorted(step.update.paths, key=lambda path: -step.arrays[path].ndim)[:MOST]
    plain = {path: array.copy() for path, array in step.arrays.items()}
    times = step.history.changed
    states = [
        p for p, time in times.items() if time < step.update.begins and p in plain and not plain[p].any()
    ]
    base = step.run({})
    if base is None or not base.complete:
        return None
    rng = np.random.default_rng(5)
    found, begun = {}, {}
    for path in dict.fromkeys((*changed, *states[:MOST])):
        move = 0.1 * _drawn(rng, plain[path])
        other = step.run({path: plain[path] + move})
        if other is None or not _matters(base, other, path, step.update.begins):
            continue
        if path in changed and _stays(base, other, path, move):
            found[path] = _drawn(rng, plain[path])
        elif path in states or not plain[path].any():
            begun[path] = SMALL * rng.standard_normal(plain[path].shape)
    return Parameters(found, begun) if found else None


def _drawn(rng: np.random.Generator, value: Array) -> Array:
    """Return random values of an array's shape, of a size at which its units neither saturate nor idle."""
    drawn = rng.standard_normal(value.shape)
    wide = value.ndim > 1 and min(value.shape) > 1
    return drawn / np.sqrt(max(value.shape)) if wide else SMALL * drawn


def _matters(base: Recording, other: Recording, path: str, begins: int) -> bool:
    """Tell whether anything but an array itself was computed differently before an update began."""
    last = path.rpartition(".")[2].rpartition(": ")[2]
    numbers = (k for k, n in base.numbers.items() if base.when[k] < begins and other.numbers.get(k, n) != n)
    arrays = (
        key
        for key, array in base.arrays.items()
        if base.when[key] < begins
        and not key[2].endswith(last)
        and (now := other.arrays.get(key)) is not None
        and now.shape == array.shape
        and not np.array_equal(now, array, equal_nan=True)
    )
    return any(True for _ in itertools.chain(numbers, arrays))


def _stays(base: Recording, other: Recording, path: str, move: Array) -> bool:
    """Tell whether what an array was moved by is still there after the update."""
    before, after = base.final.get(path), other.final.get(path)
    if before is None or after is None or not before.shape == after.shape == move.shape:
        return False
    return float(np.vdot(after - before, move)) > 0.5 * float(np.vdot(move, move))
