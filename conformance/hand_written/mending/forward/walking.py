"""A forward pass noted on a tape and walked back: the adjoints of its values, and of its parameters."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from msgspec import Struct

from conformance.hand_written.calling.running.program import value
from conformance.hand_written.mending.forward.noting import Listing, Noting
from conformance.hand_written.mending.forward.rules import is_tracked
from conformance.hand_written.mending.forward.sites import Sited
from conformance.hand_written.mending.forward.tape import Tape
from conformance.hand_written.mending.hooks import hooked
from conformance.hand_written.mending.program import Program
from refrnn import Array

SAME = 1e-12
"""Within this, a pass whose reads give copies has the loss that it has without them."""

Found = dict[tuple[int, int], Array]
"""The adjoints (parts of the loss, *shape) of values, by the numbers of their sites and the times there."""


class Walked(Struct, frozen=True):
    """What was noted, the adjoints of it, and of the program's own parameters those that were read as they are."""

    noted: Listing
    found: Found
    parameters: dict[str, Array]


def walked(program: Program, sited: Sited, base: Array, parts: int) -> Walked:
    """Return the adjoints of a loss whose steps add `base` to it: of the whole first, then of the last steps.

    Where the pass doesn't bear that each read gives a copy, none is known: they are 0.
    """
    with suppress(Exception):  # foreign code may fail on copies in any way it likes
        noted = _noted(program, sited, base, parts)
        if noted is not None:
            return noted
    listing = Listing()
    with hooked(**listing.hooks):
        program.forward(program.start())
    return Walked(listing, {use.key: np.zeros((parts, *use.value.shape)) for use in listing.uses}, {})


def _noted(program: Program, sited: Sited, base: Array, parts: int) -> Walked | None:
    noting = Noting()
    with hooked(**noting.hooks):
        ran = program.start()
        program.run_forward(ran, sited.lines)
        seen = [
            (np.asarray(eval(sited.expression(f"np.asarray({text})"), ran.names)), cotangent)
            for text, cotangent in program.cotangents.items()
        ]
    loss = sum(float((cotangent[-len(got) :] * got).sum()) for got, cotangent in seen)
    if abs(loss - base.sum()) > SAME * max(1.0, abs(loss)):
        return None
    tape = noting.tape
    adjoints = _walked_back(tape, seen, parts)
    own = {} if program.binding.own is None else program.binding.own.parameters
    arrays = {name: value(ran, text) for name, text in own.items()}
    return Walked(
        noted=noting,
        found={use.key: adjoints[:, use.elements] for use in noting.uses},
        parameters={
            name: adjoints[0][tape.elements(array)]
            for name, array in arrays.items()
            if is_tracked(array) and tape.is_known(array)
        },
    )


def _walked_back(tape: Tape, seen: Sequence[tuple[Array, Array]], parts: int) -> Array:
    seeds = [(tape.elements(got), cotangent[-len(got) :]) for got, cotangent in seen]
    of_steps = [
        [(numbers[-t][np.newaxis], c[-t][np.newaxis]) for numbers, c in seeds if t <= len(numbers)]
        for t in range(parts - 1, 0, -1)
    ]
    return np.array([tape.walked_back(part) for part in (seeds, *of_steps)])
