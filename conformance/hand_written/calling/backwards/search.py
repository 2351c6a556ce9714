"""The backward pass found by trying: which callable, what its argument means, where it leaves the gradients."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from msgspec import Struct, field, structs

from conformance.hand_written.calling.asking import question
from conformance.hand_written.calling.backwards.calls import callables, ways
from conformance.hand_written.calling.backwards.cells import BackwardLoop
from conformance.hand_written.calling.backwards.entries import Entry, entries
from conformance.hand_written.calling.backwards.harvest import Harvest, harvest, true_gradients
from conformance.hand_written.calling.backwards.places import Taken, is_matrix
from conformance.hand_written.calling.backwards.raising import own_mistake
from conformance.hand_written.calling.backwards.rules import SAME
from conformance.hand_written.calling.forwards.passes import Forward, parameter_slots
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import Arguments, Parameter, parameters_of
from conformance.hand_written.calling.hints.returns import returned_names
from conformance.hand_written.calling.interface import HUNG, NUMERICAL, Attempt
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import Ran, more, run, value, values
from conformance.hand_written.calling.running.suppressing import suppressing_errors
from conformance.hand_written.calling.values.slots import Slot
from refrnn import Array

MOST_HANGS = 2
"""Calls that may run into their time limit before a backward pass is said to hang."""


class Backward(Struct, frozen=True, kw_only=True):
    """A backward pass that ran, and the gradients that it gave."""

    forward: Forward
    call: str
    entry: Entry
    lines: tuple[str, ...]
    slots: tuple[Slot, ...]
    harvest: Harvest
    arguments: Arguments = Arguments()
    lifted: bool = False  # whether nothing was clipped to ±c in the backward pass
    ran: Ran = field(default_factory=lambda: Ran(names={}))
    loop: BackwardLoop | None = None  # the loop over time around it, where that is ours

    @property
    def wrong(self) -> int:
        """How many parameters have no gradient, or another one than the true one times the common constant."""
        return len(self.slots) - len(self.harvest.right)

    @property
    def parameters(self) -> list[Array]:
        """The parameters as they were set."""
        names = Ran(names={"np": np, "p": self.forward.asked.p})
        return [np.asarray(value(names, slot.fill)) for slot in self.slots]

    @property
    def of_a_single_number(self) -> bool:
        """Whether the loss sees one number alone: any other number in its place is a constant on all gradients."""
        return self.entry.last and self.forward.asked.width == 1 and not self.forward.inputs.batched

    @property
    def certain(self) -> bool:
        """Whether all is right, and not just by a constant that any other reading would have as well."""
        odd = self.of_a_single_number and self._constant_is_odd
        return self.wrong == 0 and not self.harvest.withheld and not odd

    @property
    def _constant_is_odd(self) -> bool:
        return abs(abs(self.harvest.constant) - 1) > SAME

    @property
    def rank(self) -> tuple[float, ...]:
        """Smaller is better: the loss known to enter so, handed out, fewest wrong, most found, a batch."""
        head = [s.path for s in self.slots if "W_hy" in s.roles]
        head_wrong = bool(head) and head[0] not in self.harvest.right
        one_sample = not self.forward.inputs.batched
        odd = self.of_a_single_number and self._constant_is_odd
        read = self.wrong == 0 or self.harvest.anchored
        found = -len(self.harvest.expressions)
        withheld, cost = self.harvest.withheld, self.arguments.cost
        return (not read, self.glimpsed, self.wrong, withheld, found, head_wrong, one_sample, odd, cost)

    @property
    def glimpsed(self) -> bool:
        """Whether nothing but some local variables are right, of what may be no backward pass at all."""
        return self.harvest.withheld and self.wrong > 0


Truth = Callable[[Forward, Entry], Mapping[str, Array]]
"""What the right gradients of a forward pass's slots are, when the loss enters in a certain way."""


def by_the_reference(forward: Forward, entry: Entry) -> Mapping[str, Array]:  # noqa: ARG001 - the problem has it already
    """Return the right gradients of a network that is the reference's."""
    return true_gradients(forward.asked, parameter_slots(forward))


def backwards(
    loaded: Loaded, forward: Forward, attempts: list[Attempt], truth_of: Truth = by_the_reference
) -> Iterator[Backward]:
    """Yield every backward pass that gave gradients, and those that fail by themselves, in the order of trying."""
    settled = {attempt.what for attempt in attempts if attempt.reached in (NUMERICAL, HUNG)}
    for call in callables(loaded, forward):
        parameters = parameters_of(forward.function(call))
        if parameters is None or call in settled:
            continue
        tries = _Tries()
        of_callable = _of_callable(loaded, forward, call, parameters, truth_of, tries)
        for backward in suppressing_errors(loaded, call, of_callable):
            tries.found = tries.found or backward.ran.ok
            yield backward
        if not tries.found:
            attempts.append(tries.as_attempt(call))


class _Tries(Struct):
    """What came of calling one callable so far."""

    found: bool = False
    ran: bool = False
    numerical: bool = False
    hung: int = 0
    complaint: str = ""

    def note(self, ran: Ran) -> None:
        """Keep what a run without gradients says."""
        self.complaint = self.complaint or ran.complaint()
        self.ran = self.ran or ran.ok
        self.hung += ran.hung

    def as_attempt(self, call: str) -> Attempt:
        """Return how far the callable got that gave no gradients."""
        if self.numerical:
            return Attempt(
                what=call, reached=NUMERICAL, problem="it calls the forward pass for every parameter"
            )
        if self.ran:
            why = "no gradients were found in what it returned, kept, changed or held"
            return Attempt(what=call, reached="backward ran", problem=why)
        if self.hung >= MOST_HANGS:
            return Attempt(what=call, reached=HUNG, problem=self.complaint)
        return Attempt(what=call, reached="backward called", problem=self.complaint)


def _of_callable(
    loaded: Loaded,
    forward: Forward,
    call: str,
    parameters: list[Parameter],
    truth_of: Truth,
    tries: _Tries,
) -> Iterator[Backward]:
    """Yield what one callable gave for every way in which the loss may enter."""
    named = names.BACKWARD.fullmatch(call.rpartition(".")[2]) is not None
    for entry in entries(loaded, forward):
        put = with_entry(forward, entry)
        for backward in () if put is None else tried(loaded, put, call, parameters, entry, truth_of):
            if isinstance(backward, Backward):
                if is_numerical(backward):
                    tries.numerical = True
                    return
                yield backward
                continue
            tries.note(backward)
            hangs = backward.hung and tries.hung >= MOST_HANGS
            if named and put is not None and (hangs or own_mistake(backward.error, forward.function(call))):
                yield _raising(put, call, entry, backward)
            if tries.hung >= MOST_HANGS:
                return
            if backward.hung:
                break


def is_numerical(backward: Backward) -> bool:
    """Tell whether gradients come from differences: the forward pass was called for every parameter."""
    name, seen = backward.forward.call.rpartition(".")[2], backward.ran.seen
    return len(seen.get(name, ())) > sum(array.size for array in backward.parameters)


def _raising(forward: Forward, call: str, entry: Entry, ran: Ran) -> Backward:
    """Return a backward pass that fails by itself."""
    nothing = Harvest(place="returned", expressions={}, right=frozenset(), constant=1.0, named=0)
    return Backward(
        forward=forward,
        call=call,
        entry=entry,
        lines=ran.last,
        slots=parameter_slots(forward),
        harvest=nothing,
        ran=ran,
    )


def again(
    loaded: Loaded, backward: Backward, lines: tuple[str, ...], truth_of: Truth = by_the_reference
) -> Backward | None:
    """Return the same backward pass called by other lines, None where they give no gradients."""
    forward = backward.forward
    p = forward.asked.p
    before = {s.path: np.asarray(value(Ran(names={"np": np, "p": p}), s.fill)) for s in backward.slots}
    same = backward.call == forward.call and not forward.loop
    y = () if forward.outputs is None or same else (f"y = {forward.outputs.expression}",)
    called = forward.lines[:1] if same else forward.lines
    ran = more(loaded, run(loaded, p, (*forward.build, *called, *y)), lines, lifted=backward.lifted)
    known = returned_names(forward.function(backward.call), "grads")
    taken = _taken(forward, ran, backward.slots, before, truth_of(forward, backward.entry), known)
    found = _harvested(forward, backward.call, backward.entry, lines, taken)
    return (
        None
        if found is None
        else structs.replace(found, arguments=backward.arguments, lifted=backward.lifted)
    )


def _unclipped(loaded: Loaded, backward: Backward, truth_of: Truth) -> Backward:
    """Return a backward pass without its clipping, where that is reached and the forward pass has no part in it."""
    if not backward.ran.clips.reached or backward.certain or backward.forward.loop:
        return backward
    lifted = again(loaded, structs.replace(backward, lifted=True), backward.lines, truth_of)
    if lifted is None or lifted.wrong > backward.wrong or not _outputs_stay(backward, lifted):
        return backward
    return lifted


def _outputs_stay(backward: Backward, lifted: Backward) -> bool:
    """Tell whether the outputs are the same without clipping: they may come from the call of the backward pass."""
    shown = backward.forward.outputs
    if shown is None:
        return False
    before, after = (
        values(each.ran, {"y": shown.expression.replace("result", "grads", 1)}) for each in (backward, lifted)
    )
    return backward.call != backward.forward.call or (
        before.keys() == after.keys() and all(np.array_equal(before[k], after[k]) for k in before)
    )


def with_entry(forward: Forward, entry: Entry) -> Forward | None:
    """Return the forward pass as it is asked when the loss enters in one way, None where it can't."""
    if not entry.texts:
        return None
    case = replace(forward.asked.case, cotangents="last" if entry.last else "output")
    arguments = structs.replace(forward.arguments, text=entry.with_its_targets(forward.arguments.text))
    asked = question(case, structs.replace(forward.asked.traits, crossed=entry.crossed))
    return structs.replace(forward, arguments=arguments, asked=asked)


def tried(
    loaded: Loaded,
    forward: Forward,
    call: str,
    parameters: list[Parameter],
    entry: Entry,
    truth_of: Truth = by_the_reference,
) -> Iterator[Backward | Ran]:
    """Yield what one callable gave for every way to call it where the loss enters in one way; how others failed."""
    slots = [slot for slot in parameter_slots(forward) if not (entry.spares_the_head and slot.is_of_the_head)]
    nothing = Ran(names={"np": np, "p": forward.asked.p})
    before = {slot.path: np.asarray(value(nothing, slot.fill)) for slot in slots}
    for way in ways(loaded, forward, call, parameters, entry):
        found = None
        if way.ran.ok and way.lines:
            known = returned_names(forward.function(call), "back" if way.loop else "grads")
            taken = _taken(forward, way.ran, slots, before, truth_of(forward, entry), known)
            taken.stepwise = way.loop is not None
            found = _harvested(forward, call, entry, way.lines, taken)
        if found is not None:
            found = _unclipped(
                loaded, structs.replace(found, arguments=way.arguments, loop=way.loop), truth_of
            )
        yield way.ran if found is None else found
        if way.ran.hung or (found is not None and (found.certain or found.harvest.anchored)):
            return


def _taken(
    forward: Forward,
    ran: Ran,
    slots: Sequence[Slot],
    before: Mapping[str, Array],
    truth: Mapping[str, Array],
    known: Mapping[str, str],
) -> Taken:
    """Return what is known about a run for harvesting."""
    return Taken(
        ran=ran,
        earlier=forward.ran,
        slots=slots,
        asked=forward.asked,
        roots=forward.built.setup.roots,
        before=before,
        truth=truth,
        names=known,
    )


def _has_a_matrix(taken: Taken, found: Harvest) -> bool:
    """Tell whether gradients are those of a backward pass: one of a matrix is there, or one is right.

    A helper's value may have the shape of a bias.
    """
    return bool(found.right) or any(is_matrix(taken.before[path].shape) for path in found.expressions)


def _harvested(
    forward: Forward, call: str, entry: Entry, lines: tuple[str, ...], taken: Taken
) -> Backward | None:
    """Return the backward pass with the gradients that a run has left, None where it left none."""
    if not taken.ran.ok:
        return None
    found = harvest(taken)
    if found is None or not _has_a_matrix(taken, found):
        return None
    return Backward(
        forward=forward,
        call=call,
        entry=structs.replace(entry, kind=entry.kind.replace("soft targets", "targets")),
        lines=lines,
        slots=tuple(taken.slots),
        harvest=found,
        ran=taken.ran,
    )
