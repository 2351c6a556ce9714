"""What a forward pass is whose outputs are known: which array is which parameter, and which mistake it may have."""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from msgspec import Struct, field, structs

from conformance.cases import Case
from conformance.hand_written.calling.asking import Traits, question
from conformance.hand_written.calling.building.construct import candidates
from conformance.hand_written.calling.forwards.passes import QUANTITIES, Forward, case_of
from conformance.hand_written.calling.forwards.wrong import (
    alike_at_every_step,
    unused_by,
    without_a_state,
    wrong_truths,
)
from conformance.hand_written.calling.gates.deriving import Meaning, meaning_of
from conformance.hand_written.calling.gates.memory import MEMORY, with_memory
from conformance.hand_written.calling.gates.parts import may_have_gates
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import Ran, run, value
from conformance.hand_written.calling.running.reach import Reached
from conformance.hand_written.calling.values.flat import unfolded
from conformance.hand_written.calling.values.forms import axes_of
from conformance.hand_written.calling.values.matching import SAME, everything, fits, recognised, series_in
from conformance.hand_written.calling.values.sensitivity import used
from conformance.hand_written.calling.values.slots import (
    Sizes,
    Slot,
    assignments,
    looks_like_a_gradient,
    options,
)
from refrnn import Array

MOST_ASSIGNMENTS, MOST_ASSIGNMENTS_OF_WRONG = 24, 8
"""Meanings of a network's arrays that are tried."""

LIKELY = 2
"""Meanings that are tried at first; the others are where none of these fits any layout of the arguments."""

MOST_WRONG = 16
"""Forward passes in which mistakes are looked for."""


class Recognising(Struct):
    """What runs of one code show, by value; and which arrays each reads, found out once."""

    loaded: Loaded
    sensitive: dict[tuple[object, ...], list[str]] = field(default_factory=dict)

    def recognised(self, forward: Forward, *, unlikely: bool = False) -> list[Forward]:
        """Return `forward` with weights of ours, as often as something of it is recognised.

        Its arrays have their likely meanings, or else all the others.
        """
        built = forward.built
        setup = built.setup
        arrays = list(built.arrays)
        if not arrays and setup.owner == "model":
            return self._lazy(forward, unlikely=unlikely)
        if not fits(everything(forward.ran, ["result", *setup.roots]), forward.asked.forward):
            return []
        if (parts := unfolded(arrays, forward.ran, ["result", *setup.roots])) is not None:
            forward = structs.replace(forward, built=structs.replace(built, arrays=tuple(parts)))
            arrays = parts
        if not unlikely and (gated := self._gated(forward)) is not None:
            return gated
        sensitive = self._used(forward) if arrays else []
        if not sensitive:
            return self._matched(forward, ()) if forward.fills and not unlikely else []
        if found := self._with_parameters(forward, sensitive, unlikely=unlikely):
            return found
        wider = self._used(forward, kept=True)  # a head may make outputs that are kept and not returned
        more = len(wider) > len(sensitive)
        return self._with_parameters(forward, wider, unlikely=unlikely) if more else []

    def _with_parameters(
        self, forward: Forward, sensitive: Sequence[Reached], *, unlikely: bool
    ) -> list[Forward]:
        """Return `forward` with the meaning of its parameters under which something of it is recognised."""
        meanings = _assignments(sensitive, forward.sizes)
        for slots in meanings[LIKELY:] if unlikely else meanings[:LIKELY]:
            found = self._matched(forward, slots)
            if found:
                wrong = self._with_idle_bias(found[0], sensitive)
                return found if wrong is None else [wrong]
        return []

    def _with_idle_bias(self, forward: Forward, sensitive: Sequence[Reached]) -> Forward | None:
        """Return a network that has a bias of its states which forward never reads; None for any other.

        What goes by the name of an array that is read, grads['bh'] beside bh, is a gradient or a memory of that.
        """
        read = {item.path for item in sensitive}
        known = {item.name for item in sensitive}
        idle = [
            slot
            for item in forward.built.arrays
            if item.path not in read and item.name not in known and names.BIAS.fullmatch(item.name)
            for slot in options(item, forward.sizes)
            if slot.roles == ("b",)
        ]
        if len(idle) != 1:
            return None
        own = [slot for slot in forward.slots if slot.roles == ("b",)]
        rest = [slot for slot in forward.slots if slot not in own]
        if own:
            rest.append(_as_role(own[0], "b_ih"))
        slots = (*rest, _as_role(idle[0], "b_hh") if own else idle[0])
        return self._matched_wrong(forward, slots)

    def with_one_mistake(self, ran: Sequence[Forward]) -> Iterator[Forward]:
        """Yield those of some forward passes that are recognised as those of a network with one mistake.

        One that reads arrays which are no parameter of such a network is another network, whatever its states are; so
        is one of which it isn't known what it reads.
        """
        known = set()
        for forward in ran:
            weights = tuple(forward.fills.items())
            kind = (forward.call, forward.inputs.text, forward.sizes, weights)
            if kind in known or len(known) >= MOST_WRONG:
                continue
            known.add(kind)
            arrays, sensitive = forward.built.arrays, self._used(forward)
            if len(sensitive) < len(self._read(forward)) or (arrays and not sensitive):
                continue
            idle = [a for a in arrays if a not in sensitive and not looks_like_a_gradient(a)]
            idle = [a for a in idle if options(a, forward.sizes)]
            ways = _assignments(sensitive, forward.sizes) or _assignments([*sensitive, *idle], forward.sizes)
            read = {item.path for item in sensitive}
            for slots in ways[:MOST_ASSIGNMENTS_OF_WRONG] if arrays else [()]:
                found = self._matched_wrong(forward, slots, read=read)
                if found is not None:
                    yield found
                    break

    def _used(self, forward: Forward, *, kept: bool = False) -> list[Reached]:
        """Return the arrays that a forward pass reads and that may be parameters by their shape."""
        read = self._read(forward, kept=kept)
        return [item for item in read if options(item, forward.sizes, layers=2)]

    def _read(self, forward: Forward, *, kept: bool = False) -> list[Reached]:
        """Return the arrays that a forward pass reads; which they are doesn't depend on how x is laid out."""
        built, (_, *called) = forward.built, forward.lines
        arrays = {item.path: item for item in built.arrays}
        key = (forward.opening, *called, forward.sizes, kept, *arrays)
        if not self.sensitive.get(key):
            read = used(
                self.loaded, forward.asked.p, forward.opening, forward.lines, built.arrays, None, kept=kept
            )
            self.sensitive[key] = [item.path for item in read]
        return [arrays[path] for path in self.sensitive[key]]

    def _matched_wrong(
        self,
        forward: Forward,
        slots: tuple[Slot, ...],
        *,
        returned: bool = False,
        read: Container[str] = (),
    ) -> Forward | None:
        """Return a forward pass as that of a network with one mistake, by what it left or by what it returned alone.

        A mistake doesn't leave unused what the pass is known to `read`. Nor is the last step enough where a right one
        would show the same of an earlier step: it may have seen fewer than were handed to it.
        """
        traits = _traits(forward, slots)
        case = case_of(forward.sizes, batched=forward.inputs.batched)
        trial = structs.replace(forward, slots=slots, asked=question(case, traits))
        if not slots and not forward.fills:
            return None
        ran = run(self.loaded, trial.asked.p, (*trial.build, *trial.lines))
        if not ran.ok:
            return None
        roots = [] if returned else forward.built.setup.roots
        items = everything(Ran(names=ran.names) if returned else ran, ["result", *roots])
        for fault, truths in wrong_truths(case, traits).items():
            if forward.inputs.of_one_sample and without_a_state(fault):
                continue
            if alike_at_every_step(fault) and _sized_by_steps(forward):
                continue
            if any(slot.path in read and unused_by(fault) & set(slot.roles) for slot in slots):
                continue
            wrong = structs.replace(trial, ran=ran, matches=tuple(recognised(items, truths)), fault=fault)
            if not wrong.complete or (_is_kept(wrong) and _returns_others(wrong)):
                continue
            if _is_of_fewer_steps(wrong, truths):
                continue
            if self._starts_anywhere(wrong):
                return wrong
        return None

    def _lazy(self, forward: Forward, *, unlikely: bool) -> list[Forward]:
        """Try again with the arrays that only came to be when forward ran."""
        setup = forward.built.setup
        if len(setup.lines) > 4:
            return []
        arrays = tuple(candidates(forward.ran, setup.roots))
        if not arrays:
            return []
        lazy = structs.replace(
            setup,
            lines=(*forward.opening, *forward.lines),
            says=f"{setup.says}; its weights come to be at the first forward",
        )
        built = structs.replace(forward.built, setup=lazy, arrays=arrays)
        return self.recognised(structs.replace(forward, built=built), unlikely=unlikely)

    def _gated(self, forward: Forward) -> list[Forward] | None:
        """Return a forward pass as that of an LSTM or GRU; None where it is none."""
        if not may_have_gates(forward.built.arrays, forward.sizes):
            return None
        found = meaning_of(self.loaded, forward, self._read(forward))
        if found is None:
            return None
        remembering = with_memory(forward) if "c" in found.case.carried else [forward]
        ways = [way for each in remembering for way in self._with_gates(each, found)]
        if len(ways) > 1:
            ways = [way for way in ways if self._starts_elsewhere(way)] or ways
        return ways[:1] or None

    def _with_gates(self, forward: Forward, found: Meaning) -> list[Forward]:
        handed = (*forward.opening, *forward.lines, *(slot.fill for slot in found.slots))
        traits = structs.replace(
            _traits(forward, found.slots),
            cell_bias=found.biases,
            absent=found.absent,
            memory=any(MEMORY in line for line in handed),
        )
        return self._of_cases(forward, found.slots, traits, [found.case])

    def _matched(self, forward: Forward, slots: tuple[Slot, ...]) -> list[Forward]:
        roles = {role for slot in slots for role in slot.roles}
        layers = 2 if "W_hh1" in roles else 1
        batched = forward.inputs.batched
        cases = [
            case_of(forward.sizes, batched=batched, nonlinearity=nonlinearity, layers=layers)
            for nonlinearity in ("tanh", "relu")
        ]
        return self._of_cases(forward, slots, _traits(forward, slots), cases)

    def _of_cases(
        self, forward: Forward, slots: tuple[Slot, ...], traits: Traits, cases: Sequence[Case]
    ) -> list[Forward]:
        """Return a forward pass with weights of ours, of the first case of which something is recognised."""
        for case in cases:
            asked = question(case, traits)
            trial = structs.replace(forward, slots=slots, asked=asked)
            ran = run(self.loaded, asked.p, (*trial.build, *trial.lines))
            if not ran.ok:
                return []
            items = everything(ran, ["result", *forward.built.setup.roots])
            matches = tuple(recognised(items, asked.forward))
            trial = structs.replace(trial, ran=ran, matches=matches)
            if trial.complete and self._starts_anywhere(trial):
                return self._as_returned(trial)
        return []

    def _as_returned(self, forward: Forward) -> list[Forward]:
        """Return a forward pass by what it returns, which decides over what it keeps: by a mistake in it, if need be.

        Nothing is recognised where it returns outputs that are unknown beside states and outputs that are right.
        """
        if not _is_kept(forward):
            return [forward]
        wrong = self._matched_wrong(forward, forward.slots, returned=True)
        if wrong is not None:
            return [wrong]
        return [] if _returns_others(forward) else [forward]

    def _starts_anywhere(self, forward: Forward) -> bool:
        """Tell whether an array taken for h_0 is one: zeros fit in the place of a bias as well."""
        return all("h_0" not in slot.roles for slot in forward.slots) or self._starts_elsewhere(forward)

    def _starts_elsewhere(self, forward: Forward) -> bool:
        """Tell whether a forward pass is recognised from states that aren't 0 as well."""
        asked = question(replace(forward.asked.case, h_0=True), forward.asked.traits)
        truths = asked.forward
        if forward.fault:
            truths = wrong_truths(asked.case, asked.traits)[forward.fault]
        ran = run(self.loaded, asked.p, (*forward.build, *forward.lines))
        items = everything(ran, ["result", *forward.built.setup.roots]) if ran.ok else []
        return structs.replace(forward, asked=asked, matches=tuple(recognised(items, truths))).complete


def _sized_by_steps(forward: Forward) -> bool:
    """Tell whether a network was built for as many as there are steps, which may be meant as samples."""
    return any(re.search(r"\bT\b", line) for line in forward.built.setup.lines)


def _is_kept(forward: Forward) -> bool:
    """Tell whether outputs were found in what a forward pass keeps or holds, and it returns nothing made of them."""
    steps = forward.asked.case.steps
    seen = QUANTITIES[:-1] if forward.sizes.O else QUANTITIES
    returned = (m for m in forward.matches if "result" in m.source and m.quantity in seen)
    return forward.outputs is not None and not any(m.last or m.right == steps for m in returned)


def _is_of_fewer_steps(forward: Forward, truths: Mapping[str, Array]) -> bool:
    """Tell whether nothing but the last step was found, which is what a right network shows of an earlier one."""
    shown = forward.outputs
    all_steps = any(match.right == forward.asked.case.steps for match in forward.matches)
    if shown is None or not shown.last or all_steps:
        return False
    right, wrong = forward.asked.forward[shown.quantity], truths[shown.quantity][-1]
    return any(np.allclose(wrong, step, rtol=SAME, atol=0) for step in right[:-1])


def _returns_others(forward: Forward) -> bool:
    """Tell whether a forward pass that makes no loss returns outputs, of all steps or of the last, that are unknown."""
    if {"targets", "entry"} & set(forward.arguments.kinds) or forward.loop:
        return False
    steps, batch = forward.asked.case.steps, forward.asked.case.batch
    known = {match.source for match in forward.matches}
    for series in series_in(everything(Ran(names=forward.ran.names), ["result"]), steps):
        if series.source in known or _is_handed(series.stacked, forward):
            continue
        for width in {forward.sizes.O, forward.sizes.H} - {0, 1}:
            if next(axes_of(series.stacked.shape, steps, batch, width), None) is not None:
                return True
    return False


def _is_handed(values: Array, forward: Forward) -> bool:
    """Tell whether values are inputs or parameters that a forward pass was handed and returns again."""
    own = [np.asarray(value(forward.ran, slot.path)) for slot in forward.slots]
    return any(
        np.array_equal(values, other)
        for other in (*own, *forward.ran.handed)
        if isinstance(other, np.ndarray)
    )


def _as_role(slot: Slot, role: str) -> Slot:
    """Return the slot of a bias as that of another one."""
    (old,) = slot.roles
    return structs.replace(
        slot, roles=(role,), fill=slot.fill.replace(f"p.{old}", f"p.{role}"), read={role: slot.read[old]}
    )


def _traits(forward: Forward, slots: Sequence[Slot]) -> Traits:
    """Return what a network lacks, whose parameters are these."""
    roles = {role for slot in slots for role in slot.roles} or set(forward.fills)
    return Traits(one_hot=forward.inputs.ids, cell_bias=bool(roles & {"b", "b_ih"}), head_bias="b_y" in roles)


def _assignments(arrays: Sequence[Reached], sizes: Sizes) -> list[tuple[Slot, ...]]:
    found = assignments(arrays, sizes, MOST_ASSIGNMENTS)
    if not found:
        found = assignments(arrays, sizes, MOST_ASSIGNMENTS, layers=2)
    return found
