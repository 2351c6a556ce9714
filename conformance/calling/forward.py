"""The forward pass found by trying: which callable, which layout of x, which array is which parameter."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product

from conformance.calling import names
from conformance.calling.arguments import Arguments, Option, Parameter, best_first, parameters_of
from conformance.calling.asking import Question, Traits, question
from conformance.calling.cells import cells, is_stepwise
from conformance.calling.construct import Built, callable_of, own_callables
from conformance.calling.forward_arguments import offered
from conformance.calling.inputs import (
    INPUTS,
    ONE_FEATURE,
    STYLES,
    Inputs,
    meanings_of,
    weight,
)
from conformance.calling.interface import Attempt
from conformance.calling.load import Loaded
from conformance.calling.matching import everything, recognised
from conformance.calling.passes import ASKED, Forward, case_of
from conformance.calling.program import Ran, run
from conformance.calling.reach import Reached
from conformance.calling.relabelling import relabelled
from conformance.calling.sensitivity import used
from conformance.calling.slots import Sizes, Slot, assignments, guesses, looks_like_a_gradient, options
from conformance.calling.wrong import wrong_truths

MOST_ARGUMENTS, MOST_ASSIGNMENTS, MOST_SIZES = 8, 24, 4
"""Of one callable and layout that are tried."""

MOST_ASSIGNMENTS_OF_WRONG = 8
MOST_WRONG = 16
"""Forward passes in which mistakes are looked for."""


@dataclass(slots=True)
class Searching:
    """One search: what is searched, and what came of it so far."""

    loaded: Loaded
    attempts: list[Attempt] = field(default_factory=list)
    ran: list[Forward] = field(default_factory=list)  # that ran, and were not recognised
    raised: list[Forward] = field(default_factory=list)  # that failed by a mistake of their own
    sensitive: dict[tuple[object, ...], list[Reached]] = field(default_factory=dict)

    def forwards(self, built: Built, *, stepwise: bool) -> Iterator[Forward]:
        """Yield every forward pass whose outputs are recognised, likely ones first.

        They are called on whole sequences, or step by step in a loop of ours.
        """
        for call in _ordered(own_callables(self.loaded, built)):
            parameters = parameters_of(callable_of(built, call))
            if not parameters:
                continue
            yield from self._of_callable(built, call, parameters, stepwise=stepwise)

    def _of_callable(
        self, built: Built, call: str, parameters: list[Parameter], *, stepwise: bool
    ) -> Iterator[Forward]:
        complaint, certain, ran_at_all, raised = "", False, False, None
        for network, sizes in self._sized(built):
            inputs = (*INPUTS, *ONE_FEATURE) if sizes.I == 1 else INPUTS
            for way in (way for way in inputs if not stepwise or is_stepwise(way)):
                for forward in self._tried(network, call, parameters, way, sizes, stepwise=stepwise):
                    if not forward.ran.ok:
                        if not complaint or (forward.ran.misses_a_name and not certain):
                            complaint, certain = forward.ran.complaint(), forward.ran.misses_a_name
                            raised = forward
                        if forward.ran.hung:
                            self.attempts.append(
                                Attempt(what=call, reached="called", problem=forward.ran.complaint())
                            )
                            return
                        continue
                    ran_at_all = True
                    found = self._recognised(forward)
                    if not found:
                        self.ran.append(forward)
                    yield from found
        if (
            raised is not None
            and certain
            and not ran_at_all
            and names.FORWARD.fullmatch(call.rpartition(".")[2])
        ):
            self.raised.append(raised)
        reached = "ran" if ran_at_all else "called"
        why = "its outputs are not recognised" if ran_at_all else complaint
        self.attempts.append(Attempt(what=call, reached=reached, problem=why))

    def _sized(self, built: Built) -> Iterator[tuple[Built, Sizes]]:
        """Yield the sizes that a network may have, with the network as it is built to have them."""
        found = guesses(built.arrays, ASKED)[:MOST_SIZES]
        p = question(case_of(ASKED, batched=False), Traits()).p
        for sizes in found + [s for s in (ASKED, Sizes(ASKED.I, ASKED.H, 0)) if s not in found]:
            other = relabelled(self.loaded, built, sizes, p) if sizes != ASKED else None
            yield (
                (built, sizes) if other is None else (other, ASKED if sizes.O else Sizes(ASKED.I, ASKED.H, 0))
            )

    def _tried(
        self,
        built: Built,
        call: str,
        parameters: list[Parameter],
        way: Inputs,
        sizes: Sizes,
        *,
        stepwise: bool,
    ) -> Iterator[Forward]:
        """Yield runs with the network's own weights, one for each choice of arguments."""
        case = case_of(sizes, batched=way.batched)
        asked = question(case, Traits(one_hot=way.ids))
        meanings = meanings_of(parameters) if built.setup.owner == "code" else [{}]
        for roles, style in product(meanings, STYLES):
            if not roles and style != STYLES[0]:
                continue
            if stepwise:
                yield from self._stepwise(built, call, parameters, way, sizes, asked, roles, style)
                continue
            options = partial(offered, built=built, way=way, roles=roles, style=style)
            for arguments in best_first(parameters, options, MOST_ARGUMENTS):
                if arguments.kinds.count("x") != 1 or not built.reads_its_weights(arguments.text, "p.W_"):
                    continue
                forward = Forward(
                    built=built,
                    call=call,
                    inputs=way,
                    arguments=arguments,
                    slots=(),
                    sizes=sizes,
                    asked=asked,
                    ran=Ran(names={}),
                    fills={role: weight(role, style) for role in roles.values()},
                    meaning=roles,
                )
                yield replace(forward, ran=run(self.loaded, asked.p, (*built.setup.lines, *forward.lines)))

    def _stepwise(
        self,
        built: Built,
        call: str,
        parameters: list[Parameter],
        way: Inputs,
        sizes: Sizes,
        asked: Question,
        roles: dict[str, str],
        style: tuple[str, str],
    ) -> Iterator[Forward]:
        """Yield runs of our own loop around a callable that takes one step."""
        plain = Forward(
            built=built,
            call=call,
            inputs=way,
            arguments=Arguments(text="", kinds=(), cost=0.0),
            slots=(),
            sizes=sizes,
            asked=asked,
            ran=Ran(names={}),
            fills={role: weight(role, style) for role in roles.values()},
            meaning=roles,
        )

        def weights(parameter: Parameter) -> list[Option]:
            if parameter.name in roles:
                return [(weight(roles[parameter.name], style), 0.0, "weight")]
            if "params" in built.setup.roots:
                return [("params", 0.0 if names.PARAMS.fullmatch(parameter.name) else 1.5, "params")]
            return []

        for forward in cells(self.loaded, plain, parameters, weights):
            ran = run(self.loaded, asked.p, (*built.setup.lines, *forward.lines))
            if ran.ok:
                yield replace(forward, ran=ran)

    def _recognised(self, forward: Forward) -> list[Forward]:
        """Return `forward` with weights of ours, as often as something of it is recognised."""
        built = forward.built
        setup = built.setup
        arrays = list(built.arrays)
        if not arrays and setup.owner == "model":
            return self._lazy(forward)
        sensitive = self._used(forward) if arrays else []
        if not sensitive:
            return self._matched(forward, ()) if forward.fills else []
        for slots in _assignments(sensitive, forward.sizes):
            found = self._matched(forward, slots)
            if found:
                wrong = self._with_idle_bias(found[0], sensitive)
                return found if wrong is None else [wrong]
        return []

    def _with_idle_bias(self, forward: Forward, sensitive: Sequence[Reached]) -> Forward | None:
        """Return a network that has a bias of its states which forward never reads; None for any other."""
        read = {item.path for item in sensitive}
        idle = [
            slot
            for item in forward.built.arrays
            if item.path not in read and names.BIAS.fullmatch(item.name)
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

    def wrong_forwards(self) -> Iterator[Forward]:
        """Yield the forward passes that are recognised as those of a network with one mistake."""
        known = set()
        for forward in self.ran:
            kind = (forward.call, forward.inputs.text, forward.sizes)
            if kind in known or len(known) >= MOST_WRONG:
                continue
            known.add(kind)
            arrays, sensitive = forward.built.arrays, self._used(forward)
            idle = [a for a in arrays if a not in sensitive and not looks_like_a_gradient(a)]
            idle = [a for a in idle if options(a, forward.sizes)]
            ways = _assignments(sensitive, forward.sizes) or _assignments([*sensitive, *idle], forward.sizes)
            for slots in ways[:MOST_ASSIGNMENTS_OF_WRONG] if arrays else [()]:
                found = self._matched_wrong(forward, slots)
                if found is not None:
                    yield found
                    break

    def _used(self, forward: Forward) -> list[Reached]:
        """Return the arrays that a forward pass reads and that may be parameters by their shape."""
        lines = (*forward.built.setup.lines, *forward.lines)
        key = (lines, forward.asked.case)
        if key not in self.sensitive:
            built = forward.built
            self.sensitive[key] = used(
                self.loaded, forward.asked.p, built.setup.lines, forward.lines, built.arrays, None
            )
        return [item for item in self.sensitive[key] if options(item, forward.sizes, layers=2)]

    def _matched_wrong(
        self, forward: Forward, slots: tuple[Slot, ...], *, returned: bool = False
    ) -> Forward | None:
        """Return a forward pass as that of a network with one mistake, by what it left or by what it returned alone."""
        traits = _traits(forward, slots)
        case = case_of(forward.sizes, batched=forward.inputs.batched)
        trial = replace(forward, slots=slots, asked=question(case, traits))
        if not slots and not forward.fills:
            return None
        ran = run(self.loaded, trial.asked.p, (*trial.build, *trial.lines))
        if not ran.ok:
            return None
        roots = [] if returned else forward.built.setup.roots
        items = everything(Ran(names=ran.names) if returned else ran, ["result", *roots])
        for fault, truths in wrong_truths(case, traits).items():
            wrong = replace(trial, ran=ran, matches=tuple(recognised(items, truths)), fault=fault)
            if wrong.complete and self._starts_anywhere(wrong):
                return wrong
        return None

    def _lazy(self, forward: Forward) -> list[Forward]:
        """Try again with the arrays that only came to be when forward ran."""
        from conformance.calling.construct import candidates

        setup = forward.built.setup
        if len(setup.lines) > 4:
            return []
        arrays = tuple(candidates(forward.ran, setup.roots))
        if not arrays:
            return []
        lazy = replace(
            setup,
            lines=(*setup.lines, *forward.lines),
            says=f"{setup.says}; its weights come to be at the first forward",
        )
        return self._recognised(replace(forward, built=replace(forward.built, setup=lazy, arrays=arrays)))

    def _matched(self, forward: Forward, slots: tuple[Slot, ...]) -> list[Forward]:
        roles = {role for slot in slots for role in slot.roles}
        layers = 2 if "W_hh1" in roles else 1
        traits = _traits(forward, slots)
        for nonlinearity in ("tanh", "relu"):
            case = case_of(
                forward.sizes, batched=forward.inputs.batched, nonlinearity=nonlinearity, layers=layers
            )
            asked = question(case, traits)
            trial = replace(forward, slots=slots, asked=asked)
            ran = run(self.loaded, asked.p, (*trial.build, *trial.lines))
            if not ran.ok:
                return []
            items = everything(ran, ["result", *forward.built.setup.roots])
            matches = tuple(recognised(items, asked.forward))
            trial = replace(trial, ran=ran, matches=matches)
            if trial.complete and self._starts_anywhere(trial):
                return [self._as_returned(trial)]
        return []

    def _as_returned(self, forward: Forward) -> Forward:
        """Return a forward pass by what it returns; where locals alone are right, by the mistake of what it returns."""
        if not _is_local(forward):
            return forward
        wrong = self._matched_wrong(forward, forward.slots, returned=True)
        return forward if wrong is None else wrong

    def _starts_anywhere(self, forward: Forward) -> bool:
        """Tell whether an array taken for h_0 is one: zeros fit in the place of a bias as well."""
        if all("h_0" not in slot.roles for slot in forward.slots):
            return True
        asked = question(replace(forward.asked.case, h_0=True), forward.asked.traits)
        truths = asked.forward
        if forward.fault:
            truths = wrong_truths(asked.case, asked.traits)[forward.fault]
        ran = run(self.loaded, asked.p, (*forward.build, *forward.lines))
        items = everything(ran, ["result", *forward.built.setup.roots]) if ran.ok else []
        return replace(forward, asked=asked, matches=tuple(recognised(items, truths))).complete


def _is_local(forward: Forward) -> bool:
    """Tell whether what the loss sees was found in local variables alone."""
    return forward.outputs is not None and "seen[" in forward.outputs.source


def _as_role(slot: Slot, role: str) -> Slot:
    """Return the slot of a bias as that of another one."""
    (old,) = slot.roles
    return replace(
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


def _ordered(calls: list[str]) -> list[str]:
    """Return callables with names of forward passes first, helpers for checking last."""

    def rank(call: str) -> tuple[int, int]:
        name = call.rpartition(".")[2]
        if names.CHECKS.fullmatch(name) and not names.FORWARD.fullmatch(name):
            return 4, 0
        if name in ("forward", "__call__"):
            return 0, 0
        if names.FORWARD.fullmatch(name):
            return 1, 0 if "forward" in name.lower() else 1
        return (3, 0) if names.BACKWARD.fullmatch(name) else (2, 0)

    return sorted(calls, key=rank)
