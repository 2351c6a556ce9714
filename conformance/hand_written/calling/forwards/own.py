"""Networks whose forward pass is no recurrence known here, by their own parameters, outputs and numerical gradients.

What goes in and comes out is recognised by how one depends on the other: no output sees a later input, and no sample
sees another one.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from conformance.hand_written.calling.asking import Asked, Traits, question
from conformance.hand_written.calling.backwards.entries import LOGISTIC, OWN_LOSS, Entry
from conformance.hand_written.calling.forwards.passes import LOSS, Forward, case_of, parameter_slots
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import Ran, run, value, values
from conformance.hand_written.calling.running.reach import Reached
from conformance.hand_written.calling.running.suppressing import suppressing_errors
from conformance.hand_written.calling.values.forms import axes_of
from conformance.hand_written.calling.values.matching import Match, everything, match_of, series_in
from conformance.hand_written.calling.values.sensitivity import used
from conformance.hand_written.calling.values.slots import Sizes, Slot
from refrnn import Array

MOST_NUMBERS = 2500
"""Parameters that are moved one by one; beyond, a network is too large to differentiate numerically here."""

MOST_OUTPUTS = 2
"""Things of every step that a forward pass shows, each of which the loss may see."""

HANDED = re.compile(r"\bp\.(\w+)")
"""What a line of ours takes from a problem."""

STEP = 1e-5
"""Of central differences: the cube root of float64's unit roundoff, rounded up; their error is then of order STEP²."""


def own_forwards(loaded: Loaded, ran: list[Forward]) -> Iterator[Forward]:
    """Yield forward passes that nothing recognised, with their parameters as slots and their outputs as found.

    What is shown of every step comes first; a pass that shows several such things comes once with each.
    """
    known: set[tuple[str, bool, bool]] = set()
    for forward in ran:
        kind = (forward.call, forward.inputs.batched, forward.inputs.ids)
        if kind in known:
            continue
        shown = suppressing_errors(loaded, forward.call, _with_outputs(loaded, forward))
        for found in itertools.islice(shown, MOST_OUTPUTS):
            known.add(kind)
            yield found


def _with_outputs(loaded: Loaded, forward: Forward) -> Iterator[Forward]:
    p = forward.asked.p
    sensitive = used(loaded, p, forward.opening, forward.lines, forward.built.arrays, None)
    if all(item.value.ndim < 2 for item in sensitive):
        return
    slots = tuple(
        Slot(
            path=item.path,
            roles=(item.path,),
            fill=f"np.random.default_rng({n}).normal(0, 0.4, {item.value.shape})",
            read={},
            turned=False,
            cost=0.0,
        )
        for n, item in enumerate(_without_wholes(sensitive))
    )
    trial = replace(forward, slots=slots)
    ran = run(loaded, p, (*trial.build, *trial.lines))
    for match, width in _outputs(ran, trial) if ran.ok else ():
        candidate = _asked(trial, match, width)
        again = run(loaded, candidate.asked.p, (*candidate.build, *candidate.lines))
        if again.ok and _behaves(loaded, candidate, match):
            soft = _is_softmax(np.asarray(value(again, match.expression)))
            plain = match.quantity if match.quantity == LOSS else "y"
            named = replace(match, quantity="softmax(y)" if soft else plain)
            yield _read(loaded, replace(candidate, ran=again, matches=(named,)))


def _without_wholes(items: Sequence[Reached]) -> list[Reached]:
    """Leave out arrays of which others are views, such as the vector of all parameters: each number is set once."""
    return [
        item
        for item in items
        if not any(
            other.value.size < item.value.size and np.shares_memory(other.value, item.value)
            for other in items
        )
    ]


def _asked(forward: Forward, match: Match, width: int) -> Forward:
    """Return a forward pass asked for so many outputs, built of as many as it was."""
    if match.quantity == LOSS:
        return replace(forward, matches=(match,))
    sizes = Sizes(forward.sizes.I, forward.sizes.H, width)
    asked = question(case_of(sizes, batched=forward.inputs.batched), Traits(one_hot=forward.inputs.ids))
    setup = forward.built.setup
    lines = tuple(re.sub(r"\bp\.O\b", str(forward.asked.p.O), line) for line in setup.lines)
    built = replace(
        forward.built, setup=replace(setup, lines=lines if width != forward.asked.p.O else setup.lines)
    )
    return replace(forward, built=built, sizes=sizes, asked=asked, matches=(match,))


def _read(loaded: Loaded, forward: Forward) -> Forward:
    """Return a forward pass with those of its parameters alone that its outputs depend on."""
    shown = forward.outputs
    if shown is None:
        return forward
    base = np.asarray(value(forward.ran, shown.expression))
    read = []
    for slot in forward.slots:
        moved = f"{slot.path}[...] = {slot.fill} + 1"
        ran = run(loaded, forward.asked.p, (*forward.build, moved, *forward.lines))
        if not ran.ok or not np.array_equal(base, value(ran, shown.expression)):
            read.append(slot)
    return replace(forward, slots=tuple(read))


def _outputs(ran: Ran, forward: Forward) -> Iterator[tuple[Match, int]]:
    """Yield what may be the outputs, of every step first."""
    steps, batch = forward.asked.case.steps, forward.asked.case.batch
    found: list[tuple[bool, Match, int]] = []
    for series in series_in(everything(Ran(names=ran.names), ["result"]), steps):
        for width in dict.fromkeys(n for n in (*series.stacked.shape, 1) if n not in (steps, steps + 1)):
            for axes, n in axes_of(series.stacked.shape, steps, batch, width):
                if n == 0 and series.source.count("[") > 1:
                    continue  # an intermediate of some step
                if n in (0, steps) and (series.container in ("array", "nested") or axes[:1] == "T"):
                    found.append((n == 0, match_of(series, axes, quantity="y", last=n == 0), width))
    handed = {"targets"} & set(forward.arguments.kinds)
    for last, match, width in sorted(found, key=lambda entry: entry[0]):
        if handed and last and width == 1:
            yield replace(match, quantity=LOSS), width  # one number made of outputs and targets
        else:
            yield match, width


def _behaves(loaded: Loaded, forward: Forward, match: Match) -> bool:
    """Tell whether outputs depend on inputs as those of a recurrent network do."""
    p = forward.asked.p
    base = _shown(loaded, forward, match, p)
    middle, first_row = p.x, p.x
    middle[3] = np.roll(middle[3], 1, axis=-1)
    first_row[:, 0] = np.roll(first_row[:, 0], 1, axis=-1)
    late, row = (_shown(loaded, forward, match, p.with_x(x)) for x in (middle, first_row))
    if base is None or late is None or row is None or base.shape != late.shape:
        return False
    if match.last:
        ends = (p.x, p.x)
        ends[0][0], ends[1][-1] = np.roll(ends[0][0], 1, axis=-1), np.roll(ends[1][-1], 1, axis=-1)
        seen = [_shown(loaded, forward, match, p.with_x(x)) for x in ends]
        if any(other is None or np.array_equal(base, other) for other in seen):
            return False
    if not match.last and not (np.array_equal(base[:3], late[:3]) and not np.array_equal(base[3], late[3])):
        return False
    remembered = slice(-1, None) if match.last else slice(4, None)
    if np.array_equal(base[remembered], late[remembered]) or np.array_equal(base[:, 0], row[:, 0]):
        return False
    return bool(np.allclose(base[:, 1:], row[:, 1:], rtol=0, atol=np.finfo(base.dtype).eps))


def _shown(loaded: Loaded, forward: Forward, match: Match, p: Asked) -> Array | None:
    ran = run(loaded, p, (*forward.build, *forward.lines))
    shown = values(ran, {"it": match.expression}).get("it") if ran.ok else None
    return None if shown is None else np.array(shown, dtype=float)


def _is_softmax(outputs: Array) -> bool:
    sums = outputs.sum(-1)
    return bool(outputs.shape[-1] > 1 and (outputs > 0).all() and np.abs(sums - 1).max() < 1e-6)


Moved = Mapping[str, tuple[tuple[int, ...], Sequence[tuple[Array, Array]]]]
"""By the path of a parameter its shape, and what the network shows with each element of it moved to either side."""


def moved_outputs(loaded: Loaded, forward: Forward) -> Moved:
    """Return what a network shows with each of its parameters' elements moved to either side."""
    p, shown = forward.asked.p, forward.outputs
    moved = "moved = np.array({path})\nmoved.reshape(-1)[index] += step\n{path}[...] = moved"

    def outputs(index: int, step: float, line: str) -> Array:
        ran = run(loaded, p, (f"index, step = {index}, {step}", *forward.build, line, *forward.lines))
        return np.array(value(ran, shown.expression) if ran.ok and shown else np.nan)

    found = {}
    for slot in parameter_slots(forward):
        shape = np.shape(value(Ran(names={"np": np, "p": p}), slot.fill))
        line = moved.format(path=slot.path)
        found[slot.path] = (
            shape,
            [(outputs(n, STEP, line), outputs(n, -STEP, line)) for n in range(int(np.prod(shape)))],
        )
    return found


def numerical(moved: Moved, entry: Entry, p: Asked) -> Mapping[str, Array]:
    """Return the gradients of a network's own outputs, by central differences."""
    return {
        path: np.array(
            [(_loss(there, entry, p) - _loss(back, entry, p)) / (2 * STEP) for there, back in sides]
        ).reshape(shape)
        for path, (shape, sides) in moved.items()
    }


def by_differences(loaded: Loaded, forward: Forward, entry: Entry, name: str, lines: Sequence[str]) -> Array:
    """Return the gradient of what lines of a forward pass are handed as `p.name`, by central differences."""
    p, shown = forward.asked.p, forward.outputs
    start = np.asarray(getattr(p, name))

    def loss(index: int, step: float) -> float:
        there = start.copy()
        there.reshape(-1)[index] += step
        ran = run(loaded, p.holding(name, there), (*forward.build, *lines))
        return _loss(np.array(value(ran, shown.expression) if ran.ok and shown else np.nan), entry, p)

    slopes = [(loss(n, STEP) - loss(n, -STEP)) / (2 * STEP) for n in range(start.size)]
    return np.array(slopes).reshape(start.shape)


def _loss(outputs: Array, entry: Entry, p: Asked) -> float:
    """Return the loss whose cotangent a backward pass is given; no number where there are no outputs."""
    if np.ndim(outputs) == 0 and np.isnan(outputs):
        return np.nan
    part = slice(-1, None) if entry.last else slice(None)
    seen = np.asarray(outputs)[part]
    if entry.kind == OWN_LOSS:
        return float(np.asarray(outputs).sum())
    if entry.kind in LOGISTIC:
        seen = np.log(seen / (1 - seen))  # dL/dy is dL/d log(p/(1 − p))
    if entry.crossed:
        return -float(np.log(np.take_along_axis(seen, p.targets[part][..., np.newaxis], -1)).sum())
    cotangent = p.d_y if p.O else p.d_h
    return float(np.vdot(cotangent[part], seen))


def numbers_in(forward: Forward) -> int:
    """Return how many parameters a network has."""
    return sum(
        np.size(value(Ran(names={"np": np, "p": forward.asked.p}), slot.fill))
        for slot in parameter_slots(forward)
    )


class OwnTruth(Struct):
    """The numerical gradients of one forward pass, each computed once; the network is moved once for all of them."""

    loaded: Loaded
    known: dict[tuple[bool, bool, bool], Mapping[str, Array]] = field(default_factory=dict)
    moved: dict[object, Moved] = field(default_factory=dict)

    def __call__(self, forward: Forward, entry: Entry) -> Mapping[str, Array]:
        """Return the gradients for one way in which the loss enters."""
        kind = (entry.last, entry.crossed, entry.kind in LOGISTIC)
        if kind not in self.known:
            self.known[kind] = numerical(self._moved(forward), entry, forward.asked.p)
        return self.known[kind]

    def _moved(self, forward: Forward) -> Moved:
        key = _all_that_outputs_depend_on(forward)
        if key not in self.moved:
            self.moved[key] = moved_outputs(self.loaded, forward)
        return self.moved[key]


def _all_that_outputs_depend_on(forward: Forward) -> object:
    """Return the lines of a forward pass, and all that they are handed."""
    lines = (*forward.build, *forward.lines)
    handed = (getattr(forward.asked.p, name, None) for name in sorted(set(HANDED.findall("\n".join(lines)))))
    shown = forward.outputs
    return (
        lines,
        shown and shown.expression,
        *(np.asarray(each).tobytes() if isinstance(each, int | np.ndarray) else id(each) for each in handed),
    )
