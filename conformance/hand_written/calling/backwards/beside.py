"""Backward passes beside one that is right: a network whose other one is wrong isn't right, whichever is called.

A class may give right gradients by one method and update its weights by another that mistakes them, or have a plain
backward pass beside a fast one. Which of them its author calls isn't known, so neither is believed alone.
"""

import itertools
import re
from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

from conformance.hand_written.calling.backwards.calls import callables
from conformance.hand_written.calling.backwards.companions import companions
from conformance.hand_written.calling.backwards.entries import Entry, entries
from conformance.hand_written.calling.backwards.search import (
    Backward,
    Truth,
    by_the_reference,
    is_numerical,
    tried,
    with_entry,
)
from conformance.hand_written.calling.backwards.uncalled import SAYS
from conformance.hand_written.calling.backwards.updating import UPDATES, is_an_update, misapplied
from conformance.hand_written.calling.building.construct import own_callables
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.forwards.returning import starts_in
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import parameters_of
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import more, run, values
from conformance.hand_written.calling.scope import spoken_of, takes_a_step

PREDICTS = re.compile(r"(predict|infer|run|eval|output|score)\w*|__call__", re.IGNORECASE)
"""Methods that give outputs beside a forward pass, as their names say."""

ONE_OF_SEVERAL = re.compile(r"\bresult\[[^\]]*\]")
"""One of several things that a call returned."""

AWAY_FROM_ZERO = "{} += 0.25"
"""A line that moves an initial state."""

MOST_CALLS = 40
"""Ways in which each of the others is called."""


class Beside(Struct, frozen=True, kw_only=True):
    """The other passes of a network: in words what is wrong with one, and which are right, methods and backward passes.

    The backward passes are known with the lines that call them; they may return what is to be judged further.
    """

    wrong: str = ""
    right: tuple[str, ...] = ()
    passes: tuple[Backward, ...] = ()


def beside(
    loaded: Loaded, forward: Forward, backward: Backward, truth_of: Truth = by_the_reference
) -> Beside:
    """Judge the other passes of a network whose `backward` is right."""
    if whole := _whole_of_parts(loaded, forward, backward):
        return Beside(wrong=f"{whole}, whose parts give right gradients, could not be judged")
    right, passes = [], []
    given, own = (each.call.rpartition(".")[2] for each in (forward, backward))
    for call in _predicting(loaded, forward):
        name = call.rpartition(".")[2]
        wrong = _other_outputs(loaded, forward, call)
        if wrong:
            return Beside(wrong=f"{given} gives right outputs, and {name} others")
        right += [name] if wrong is not None else []
    for call in callables(loaded, forward):
        name = call.rpartition(".")[2]
        if call in (backward.call, forward.call) or not _is_an_entry(loaded, name):
            continue
        other = _judged(loaded, forward, call, backward.entry, truth_of)
        if other is None:
            continue
        if wrong := _wrong_in(loaded, other):
            return Beside(wrong=f"{own} gives right gradients, and {name} {wrong}")
        passes.append(other)
    others = companions(loaded, forward, backward)
    right += [*(each.call.rpartition(".")[2] for each in passes), *others.right]
    wrong = f"its gradients are right, and {others.wrong}" if others.wrong else ""
    return Beside(wrong=wrong, right=tuple(right), passes=tuple(passes))


def unrun(loaded: Loaded, forward: Forward, backward: Backward, right: Sequence[str] = ()) -> tuple[str, ...]:
    """Return in a sentence which public methods of a network ran in none of the calls, nor are known to be `right`.

    What is told of updates is left to that.
    """
    if forward.built.setup.owner != "model" or _named(loaded):
        return ()
    ran = {*forward.built.ran.seen, *forward.ran.seen, *backward.ran.seen, *right}
    every = [call.rpartition(".")[2] for call in own_callables(loaded, forward.built)]
    rest = [n for n in every if not n.startswith("_") and n not in ran and not is_an_update(forward, n)]
    return (f"Not run, so not judged: {', '.join(rest)}.",) if rest else ()


def _predicting(loaded: Loaded, forward: Forward) -> Iterator[str]:
    """Yield the methods beside a forward pass that give outputs as well, as their names say, and walk over time."""
    if forward.built.setup.owner != "model" or forward.loop or forward.outputs is None or _named(loaded):
        return
    for call in own_callables(loaded, forward.built):
        name = call.rpartition(".")[2]
        if call == forward.call or not PREDICTS.fullmatch(name) or names.CHECKS.fullmatch(name):
            continue
        if not takes_a_step(loaded, forward.built, call):
            yield call


def _other_outputs(loaded: Loaded, forward: Forward, call: str) -> bool | None:
    """Tell whether a method puts out something else than the forward pass; None where that can't be compared.

    Probabilities in the place of outputs, or anything else that grows with them, are the same in another form.
    """
    build = (*forward.build, *map(AWAY_FROM_ZERO.format, _learned_starts(loaded, forward)))
    source = forward.outputs.expression
    expected = values(run(loaded, forward.asked.p, (*build, *forward.lines)), {"outputs": source}).get(
        "outputs"
    )
    lines = [line.replace(f"{forward.call}(", f"{call}(") for line in forward.lines]
    ran = run(loaded, forward.asked.p, (*build, *lines))
    for text in dict.fromkeys((source, ONE_OF_SEVERAL.sub("result", source))) if ran.ok else ():
        got = values(ran, {"outputs": text}).get("outputs")
        if expected is None or got is None or np.shape(got) != np.shape(expected):
            continue
        if np.array_equal(got, expected):
            return False
        axes = (None, -1) if np.shape(got)[-1] > 1 else (None,)
        alike = any(np.array_equal(np.argsort(got, axis), np.argsort(expected, axis)) for axis in axes)
        return None if alike else True
    return None


def _learned_starts(loaded: Loaded, forward: Forward) -> list[str]:
    """Return where a network keeps an initial state that its forward pass leaves alone, so that it may be learned."""
    starts = {place: place for place in starts_in(forward.build)}
    moved = run(loaded, forward.asked.p, (*forward.build, *map(AWAY_FROM_ZERO.format, starts)))
    before = {place: np.array(start) for place, start in values(moved, starts).items()}
    after = values(more(loaded, moved, forward.lines), starts)
    return [place for place in starts if np.array_equal(before.get(place), after.get(place))]


def _whole_of_parts(loaded: Loaded, forward: Forward, backward: Backward) -> str:
    """Return which backward pass calls the one that is right, and has a forward pass that calls the one judged.

    Of a single step nothing is returned: a loop of ours goes around it, and that is told.
    """
    if forward.loop or _named(loaded):
        return ""

    def wholes(part: str, says: re.Pattern[str]) -> list[str]:
        own = part.rpartition(".")[2]
        others = (each for each in own_callables(loaded, forward.built) if each.rpartition(".")[2] != own)
        return [
            each
            for each in others
            if says.search(each.rpartition(".")[2]) and own in spoken_of(forward.function(each))
        ]

    whole = wholes(backward.call, SAYS)
    return whole[0].rpartition(".")[2] if whole and wholes(forward.call, names.FORWARD) else ""


def _named(loaded: Loaded) -> list[str]:
    """Return the functions and methods that were asked about by name."""
    return [
        n.rpartition(".")[2] for n in loaded.wanted if not isinstance(getattr(loaded.code, n, None), type)
    ]


def _is_an_entry(loaded: Loaded, name: str) -> bool:
    """Tell whether a callable is there for others to train by: by its name, or since it was asked for."""
    if named := _named(loaded):
        return name in named
    trains = (
        names.BACKWARD.fullmatch(name)
        or UPDATES.fullmatch(name)
        or (names.TRAINS.fullmatch(name) and not names.LOSS.fullmatch(name))
    )
    return bool(trains) and not name.startswith("_") and not names.CHECKS.fullmatch(name)


def _judged(loaded: Loaded, forward: Forward, call: str, own: Entry, truth_of: Truth) -> Backward | None:
    """Return a callable with the gradients it gives, all or some of them right; None where nothing tells.

    Some must be right: it may do something else altogether. The loss may well enter as into its `own` other backward
    pass.
    """
    parameters = parameters_of(forward.function(call))
    if parameters is None:
        return None
    found = (
        other
        for entry in sorted(entries(loaded, forward), key=lambda entry: entry.kind != own.kind)
        if entry.last == own.last and (put := with_entry(forward, entry)) is not None
        for other in tried(loaded, put, call, parameters, entry, truth_of)
    )
    for other in itertools.islice(found, MOST_CALLS):
        if not isinstance(other, Backward) or other.harvest.withheld:
            continue
        if is_numerical(other):
            return None
        if other.wrong == 0 or (other.harvest.right and len(other.harvest.expressions) == len(other.slots)):
            return other
    return None


def _wrong_in(loaded: Loaded, other: Backward) -> str:
    """Return in words what is wrong in the gradients of another pass, or in what it makes of them."""
    if other.wrong == 0:
        return misapplied(loaded, other)
    wrong = [slot for slot in other.slots if slot.path not in other.harvest.right]
    return f"others of {', '.join(role for slot in wrong for role in slot.roles)}"
