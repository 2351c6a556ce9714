"""The learning rate of an update in place, found by what it does: twice the rate, twice the step.

Names say it often, and not always: a number that isn't understood is doubled, and if every parameter then moves twice
as far, it is the rate. It is set to 1. A rate that is written into the code can't be; the update is divided by it, as
far as what is right of the update tells it.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from conformance.hand_written.calling.backwards.rules import SAME
from conformance.hand_written.calling.backwards.search import Backward, again
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import given, parameters_of
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import Ran, values
from conformance.hand_written.calling.running.reach import reach
from conformance.hand_written.calling.scope import spoken_of

MOST_TRIED = 12
"""Numbers that are doubled."""

PLACES = ("applied", "replaced")

LIMITS = re.compile(r"max_?(\w+_)?norm|(\w+_)?clip(ping|_\w+|at|to)?|grad\w*_limit", re.IGNORECASE)
"""What numbers are called that limit gradients."""

FAR_BELOW = 1e-6
"""How many times as large a limit is where it must show."""


class Number(Struct, frozen=True, kw_only=True):
    """A number of the code: its name, its value, and the lines that set it to another one."""

    name: str
    value: float
    build: str = ""
    argument: str = ""

    def set_to(self, backward: Backward, text: str) -> tuple[Backward, tuple[str, ...]]:
        """Return a backward pass and its lines with the number set to what an expression says."""
        if self.argument:
            *before, call = backward.lines
            return backward, (
                *before,
                f"{call[:-1]}{'' if call.endswith('()') else ', '}{self.argument}={text})",
            )
        setup = backward.forward.built.setup
        built = replace(
            backward.forward.built, setup=replace(setup, lines=(*setup.lines, f"{self.build} = {text}"))
        )
        return replace(backward, forward=replace(backward.forward, built=built)), backward.lines


def with_its_rate(loaded: Loaded, backward: Backward) -> Backward:
    """Return `backward` with its learning rate set to 1, or with its update divided by the rate that it must have."""
    if backward.harvest.place not in PLACES or backward.forward.loop or backward.forward.trains:
        return backward
    moved = values(backward.ran, backward.harvest.expressions)
    if _is_set(loaded, backward, moved):
        return backward
    for number in list(_numbers(backward))[:MOST_TRIED]:
        doubled = _at(loaded, backward, number, repr(2 * number.value))
        if doubled is not None and _is_twice(values(doubled.ran, doubled.harvest.expressions), moved):
            found = _at(loaded, backward, number, "1.0")
            return backward if found is None else found
    return _divided(backward)


def idle_limit(loaded: Loaded, backward: Backward) -> str:
    """Return the name of a number that should limit an update, and makes no difference to it however small it is."""
    if backward.harvest.place not in PLACES:
        return ""
    spoken = spoken_of(backward.forward.function(backward.call))
    moved = values(backward.ran, backward.harvest.expressions)
    for number in _all_numbers(backward):
        name = number.name.rpartition(".")[2]
        if not LIMITS.fullmatch(name) or (not number.argument and name not in spoken):
            continue
        lower = _at(loaded, replace(backward, lifted=False), number, repr(FAR_BELOW * number.value))
        again = {} if lower is None else values(lower.ran, lower.harvest.expressions)
        if again.keys() == moved.keys() and all(np.array_equal(g, moved[path]) for path, g in again.items()):
            return name
    return ""


def _is_set(loaded: Loaded, backward: Backward, moved: dict[str, np.ndarray]) -> bool:
    """Tell whether a rate is set to 1 already, by its name: with 2 in its place the update is twice as large."""
    forward = backward.forward
    setup = forward.built.setup
    build, lines = (
        tuple(re.sub(r"\b1\.0\b", "2.0", line) for line in each) for each in (setup.lines, backward.lines)
    )
    if build == setup.lines and lines == backward.lines:
        return False
    built = replace(forward.built, setup=replace(setup, lines=build))
    doubled = again(loaded, replace(backward, forward=replace(forward, built=built)), lines)
    return doubled is not None and _is_twice(values(doubled.ran, doubled.harvest.expressions), moved)


def _at(loaded: Loaded, backward: Backward, number: Number, text: str) -> Backward | None:
    changed, lines = number.set_to(backward, text)
    found = again(loaded, changed, lines)
    return found if found is not None and found.harvest.place == backward.harvest.place else None


def _is_twice(twice: dict[str, np.ndarray], once: dict[str, np.ndarray]) -> bool:
    """Tell whether every parameter has moved twice as far."""
    return twice.keys() == once.keys() and all(
        np.abs(twice[path] - 2 * moved).max() <= SAME * np.abs(moved).max() for path, moved in once.items()
    )


def _numbers(backward: Backward) -> Iterator[Number]:
    """Yield the numbers that may be a rate, those called so first: arguments left out, attributes, globals."""
    yield from sorted(_all_numbers(backward), key=lambda number: "rate" not in number.name.lower())


def _all_numbers(backward: Backward) -> Sequence[Number]:
    parameters = parameters_of(backward.forward.function(backward.call)) or []
    handed = given(parameters, backward.lines[-1].partition("(")[2].removesuffix(")"))
    found = [
        Number(name=q.name, value=float(q.default), argument=q.name)
        for q in parameters
        if type(q.default) in (int, float) and q.default and q.name not in handed
    ]
    setup = backward.forward.built.setup
    start = Ran(names=backward.forward.built.ran.names)
    for root in setup.roots:
        if root == "code":
            own = vars(start.names["code"])
            found += [
                Number(name=name, value=float(value), build=f"code.{name}")
                for name, value in own.items()
                if type(value) in (int, float) and value and names.size_hint(name) is None
            ]
        elif root in start.names:
            found += [
                Number(name=item.name, value=float(item.value), build=item.path)
                for item in reach(root, start.names[root], depth=3)
                if type(item.value) in (int, float) and item.value and "." in item.path
            ]
    return found


def _divided(backward: Backward) -> Backward:
    """Return an update divided by its own rate, as far as what is right of it tells that."""
    rate, sign = abs(backward.harvest.constant), np.sign(backward.harvest.constant)
    if not backward.harvest.right or abs(rate - 1) <= SAME:
        return backward
    expressions = {path: f"({text} / {rate!r})" for path, text in backward.harvest.expressions.items()}
    note = f"Its update has a learning rate of its own, {rate:.6g}, which is divided out."
    harvest = replace(
        backward.harvest,
        expressions=expressions,
        constant=float(sign),
        own_rate=rate,
        notes=(*backward.harvest.notes, note),
    )
    return replace(backward, harvest=harvest)
