"""`Binding`: a network with the lines that call it; running them is all that it does, nothing is searched any more."""

import copy
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from conformance.cases import Case, Problem, materialise
from conformance.errors import Unsupported
from conformance.hand_written.calling.asking import Asked, Traits
from conformance.hand_written.calling.bound import Bound, Call, Loss, OwnForward
from conformance.hand_written.calling.forwards.returning import starts_in
from conformance.hand_written.calling.interface import Attempt, Interface
from conformance.hand_written.calling.left_arrays import (
    RETURNED,
    arrays_in,
    copies_of,
    overwritten,
    pairs_of,
    returned_by,
)
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.other_options import Option
from conformance.hand_written.calling.running.clipping import Clips
from conformance.hand_written.calling.running.handing import handed
from conformance.hand_written.calling.running.limits import sandbox
from conformance.hand_written.calling.running.program import Ran, begun, more, run, value, values
from conformance.hand_written.calling.showing import GATES, observed
from conformance.subjects.observation import Observation
from refrnn import Array

OF_THEIRS = re.compile(r"\b(code|model|params)\b")
"""What speaks of foreign code in a line of ours."""

BOTH = "result = grads"
"""The line that says that one call does both passes."""


OF_FORWARD = ("y", "h", "c", *GATES)
"""What a forward pass shows."""


class Own(Struct, frozen=True, kw_only=True):
    """A network by its own parameters: their expressions, the outputs that the loss sees, the cotangent of those."""

    parameters: Mapping[str, str]
    outputs: str
    cotangent: str
    gradients: Mapping[str, str]


class Binding(Struct, frozen=True, kw_only=True):
    """A hand-written network and how it is called; its fields are those of `Bound`.

    `build`, `forward` and `backward` are lines of Python over the names p, code and np; `shown` says by which
    expression each quantity is read off afterwards; `between` are the lines that begin a further sequence.

    from_h_0
        The lines in the place of `forward` that hand over an initial state, where those of `forward` leave it out.
    options
        The other values that arguments may have which were left at their defaults.
    uncalled
        What may be a backward pass and could not be called, where none could.
    stated
        Whether someone said how it is called, so that nothing was inferred.
    cut_short
        Whether the budget was spent before every other way was tried.
    stepwise, once, unrun
        Whether single steps are judged, in a loop of ours; whether that is around the forward pass alone, so that the
        backward pass takes the last step; and the loops over time of its own that did not run then.
    beside
        The same network by its other backward passes, whose gradients are right as well.
    with_others
        What returns it with these, where its gradients aren't the reference's and may be right by a loss of its own.
    contradicted, denied
        What speaks against it though it agrees, in words; and what no step that trains rightly makes up for: another
        backward pass of it that is wrong, an earlier state that it goes on from.
    entangled
        Which parameter that the reference lacks enters its gradients, in words.
    anchored
        Whether local variables of its backward pass show that the loss enters as it was asked to.
    own_rate
        The learning rate by which its update was divided, since the code has it written down; 0 where there is none.
    withheld
        Whether its gradients were found in local variables alone.
    left_out
        The arguments for lengths or a mask that weren't handed over, and by which names the results of the passes
        that take them are known.
    guessed
        Whether its backward pass was handed something that no name of an argument speaks for.
    lifted
        Whether nothing is clipped to ±c in its backward pass.
    """

    name: str
    description: str
    problem_case: Case
    interface: Interface
    loss: Loss | None
    notes: Sequence[str]
    rate: float | None
    mistake: str
    loaded: Loaded
    traits: Traits
    build: tuple[str, ...]
    forward: tuple[str, ...]
    backward: tuple[str, ...]
    shown: Mapping[str, str] = field(default_factory=dict)
    between: tuple[str, ...] = ()
    from_h_0: tuple[str, ...] = ()
    own: Own | None = None
    options: tuple[Option, ...] = ()
    uncalled: tuple[Attempt, ...] = ()
    stated: bool = False
    cut_short: bool = False
    anchored: bool = False
    own_rate: float = 0.0
    withheld: bool = False
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    guessed: bool = False
    beside: tuple["Binding", ...] = ()
    with_others: "Callable[[], Binding] | None" = None
    contradicted: str = ""
    denied: str = ""
    entangled: str = ""
    lifted: bool = False
    stepwise: bool = False
    once: bool = False
    unrun: tuple[Attempt, ...] = ()

    def admit(self, problem: Problem) -> Problem:
        """Return `problem` as this network can be asked it."""
        return self.traits.admit(problem)

    @property
    def takes_h_0(self) -> bool:
        """Whether an initial state can be handed to it."""
        both = self.backward if BOTH in self.backward else ()
        lines = (*self.build, *self.forward, *both)
        return bool(self.from_h_0) or any(
            "p.states" in line or "p.h_0" in line.replace("np.zeros_like(p.h_0", "") for line in lines
        )

    @property
    def forward_is_ours(self) -> bool:
        """Whether it is a backward pass alone: no code of its own runs in the lines that give it states and outputs."""
        gives = any(line.startswith("result = ") for line in self.forward)
        return gives and not any(OF_THEIRS.search(line) for line in self.forward)

    def _forward_on(self, problem: Problem) -> tuple[str, ...]:
        return self.from_h_0 if problem.case.h_0 and self.from_h_0 else self.forward

    def backward_sees_h_0(self, problem: Problem) -> bool:
        """Tell whether its gradients depend on the initial state, while what its targets are made of is held still."""
        if any("p.h_0" in line for line in self.backward) or self.forward_is_ours:
            return True
        held = tuple("y = p.y" if line.startswith("y = ") else line for line in self.backward)
        found = []
        for h_0 in ("p.h_0", "np.zeros_like(p.h_0)"):
            forward = self._forward_on(problem)
            before = tuple(line.replace("p.h_0", h_0) for line in (*self.build, *forward))
            with sandbox():
                ran = _checked(run(self.loaded, Asked(problem), before))
                ran = _checked(more(self.loaded, ran, held, lifted=self.lifted))
                found.append(copy.deepcopy(observed(problem, **values(ran, self.shown)).parameters))
        with_h_0, without = found
        return any(not np.array_equal(g, without[name], equal_nan=True) for name, g in with_h_0.items())

    def starts_over(self, problem: Problem) -> bool:
        """Tell whether attributes that h_0 is put in are 0 after a backward pass: it has every sequence start there."""
        lines = (*self.build, *self._forward_on(problem))
        places = starts_in(lines)
        if not places or not self.backward:
            return False
        with sandbox():
            ran = _checked(run(self.loaded, Asked(problem), lines))
            ran = _checked(more(self.loaded, ran, self.backward, lifted=self.lifted))
            left = values(ran, {place: place for place in places})
            return len(left) == len(places) and not any(np.any(value) for value in left.values())

    def run(self, problem: Problem) -> Observation:
        """Run forward and backward on an admitted problem and show what came out.

        Raises
        ------
        Unsupported
            If the network can't be asked such a problem; the message says why.
        """
        self._refuse(problem)
        with sandbox():
            ran = _checked(run(self.loaded, Asked(problem), (*self.build, *self._forward_on(problem))))
            returned = self._of_forward(ran)
            ran = _checked(more(self.loaded, ran, self.backward, lifted=self.lifted))
            return observed(problem, **values(ran, self.shown) | returned)

    def _of_forward(self, ran: Ran) -> dict[str, Any]:
        """Return what a forward pass that just ran shows: a backward pass may overwrite it."""
        if BOTH in self.backward:
            return {}
        shown = {name: text for name, text in self.shown.items() if name in OF_FORWARD}
        return copy.deepcopy(values(ran, shown))

    def clips(self, problem: Problem) -> Counter[float]:
        """Return the limits at which its backward pass cuts off values as it is written, and how often."""
        with sandbox():
            ran = _checked(run(self.loaded, Asked(problem), (*self.build, *self._forward_on(problem))))
            forward = Counter(ran.clips.limits)
            return _checked(more(self.loaded, ran, self.backward)).clips.limits - forward

    def limits_of_forward(self, problem: Problem) -> Clips:
        """Return the limits at which its forward pass cuts off values on an admitted problem, and which are reached."""
        with sandbox():
            return _checked(run(self.loaded, Asked(problem), (*self.build, *self._forward_on(problem)))).clips

    def calls(self, problems: Sequence[Problem]) -> list[Call]:
        """Build one network, call it on one problem after the other, and return what each call did."""
        for problem in problems:
            self._refuse(problem)
        found: list[Call] = []
        copies: dict[str, str] = {}
        returned: dict[str, tuple[Array, Array]] = {}
        lost: dict[str, None] = {}
        with sandbox():
            ran = _checked(run(self.loaded, Asked(problems[0]), self.build))
            for problem in problems:
                ran.names["p"] = begun(self.loaded, Asked(problem)).names["p"]
                ran = _checked(more(self.loaded, ran, (*self._of_data, *self.between)))
                ran, call = self._call(problem, ran)
                copies = copies if found else copies_of(ran, self._gradients(ran))
                returned = returned if found else returned_by(ran, self._parameters(ran))
                lost |= dict.fromkeys(overwritten(returned))
                found.append(replace(call, copies=pairs_of(ran, copies)))
        return [replace(found[0], overwritten=tuple(lost)), *found[1:]]

    @property
    def _of_data(self) -> tuple[str, ...]:
        """The lines of ours that make something of a problem alone, as the state that a loop starts from."""
        return tuple(line for line in self.build if re.search(r"\bp\.", line) and not OF_THEIRS.search(line))

    def _parameters(self, ran: Ran) -> list[Array]:
        """Return the parameters of a network that ran, as far as they are known."""
        return list(values(ran, {} if self.own is None else self.own.parameters).values())

    def _gradients(self, ran: Ran) -> dict[str, Array]:
        """Return the gradients that it hands out, by their expressions."""
        return values(ran, {} if self.own is None else {text: text for text in self.own.gradients.values()})

    def own_forward(self, problem: Problem | None = None) -> OwnForward:
        """Return the network by its own parameters, run once forward and backward, on its own case where none is given.

        Raises
        ------
        Unsupported
            If nothing was found out about its own parameters.
        """
        if self.own is None:
            message = "which of its arrays are parameters, and which its outputs, was not found out"
            raise Unsupported(message)
        own, problem = self.own, self.admit(problem or materialise(self.problem_case))
        with sandbox():
            p = Asked(problem)
            ran = _checked(run(self.loaded, p, (*self.build, *self.forward)))
            parameters = {name: np.array(value(ran, text)) for name, text in own.parameters.items()}
            shown = np.array(value(ran, own.outputs))
            ran = _checked(more(self.loaded, ran, self.backward, lifted=self.lifted))
            gradients = {name: np.array(g) for name, g in values(ran, own.gradients).items()}
            cotangent = np.asarray(value(ran, own.cotangent))
            held = (
                {"y": ran.names["y"]} if "y" in ran.names else {}
            )  # targets are made of the outputs as they were
            again = {} if self.rate is not None else self._own_gradients_again(own, shown, ran)

        def with_parameters(changed: Mapping[str, Array]) -> Ran:
            texts = [f"{own.parameters[name]}[...] = given[{name!r}]" for name in own.parameters]
            trial = _checked(run(self.loaded, p, self.build))
            trial.names["given"] = changed
            return _checked(more(self.loaded, trial, (*texts, *self.forward)))

        def outputs(changed: Mapping[str, Array]) -> Array:
            with sandbox():
                return np.array(value(with_parameters(changed), own.outputs))

        def moved(changed: Mapping[str, Array]) -> dict[str, Array]:
            with sandbox():
                trial = with_parameters(changed)
                trial.names |= held
                lines = [line for line in self.backward if not line.startswith("y = ")]
                trial = _checked(more(self.loaded, trial, lines, lifted=self.lifted))
                return {name: np.array(g) for name, g in values(trial, own.gradients).items()}

        return OwnForward(
            parameters=parameters,
            outputs=outputs,
            cotangent=cotangent,
            gradients=gradients,
            again=again,
            moved=None if self.stated else moved,
        )

    def _own_gradients_again(self, own: Own, shown: Array, ran: Ran) -> dict[str, Array]:
        """Return the gradients of a second call, where its outputs are those of the first to the last bit."""
        ran = more(self.loaded, ran, (*self.between, *self.forward))
        now = values(ran, {"outputs": own.outputs}) if ran.ok else {}
        if not now or not np.array_equal(now["outputs"], shown):
            return {}
        ran = more(self.loaded, ran, self.backward, lifted=self.lifted)
        found = values(ran, own.gradients) if ran.ok else {}
        return {name: np.array(g) for name, g in found.items()}

    def _call(self, problem: Problem, ran: Ran) -> tuple[Ran, Call]:
        """Run forward and backward once more, with the arguments kept as they were before."""
        before: dict[str, Array] = {}
        held: dict[str, str] = {}
        forward = self._forward_on(problem)
        returned: dict[str, Any] = {}
        for n, line in enumerate((*forward, *self.backward)):
            returned = self._of_forward(ran) if n == len(forward) else returned
            parts = handed(line, f"argument_{n}_")
            ran = _checked(more(self.loaded, ran, parts.before))
            for variable, name in parts.held.items():
                before = arrays_in(name, ran.names[variable]) | before
            held |= parts.held
            lifted = self.lifted and n >= len(forward)
            ran = _checked(more(self.loaded, ran, (parts.call,), lifted=lifted))
            if parts.call.startswith("result = ") and line != BOTH:
                before |= arrays_in(RETURNED, ran.names["result"])
                held["result"] = RETURNED
        after: dict[str, Array] = {}
        for variable, name in held.items():
            after |= arrays_in(name, ran.names[variable])
        observation = copy.deepcopy(observed(problem, **values(ran, self.shown) | returned))
        return ran, Call(observation=observation, before=before, after=after)

    def _refuse(self, problem: Problem) -> None:
        case, own = problem.case, self.problem_case
        for name, got, want in (
            ("cell", case.cell, own.cell),
            ("layers", case.layers, own.layers),
            ("directions", case.directions, own.directions),
            ("nonlinearity", case.nonlinearity, own.nonlinearity),
            ("an output head", bool(case.output_size), bool(own.output_size)),
            ("layout", case.layout, own.layout),
            ("cotangents", case.cotangents, own.cotangents),
        ):
            if got != want:
                message = f"{self.name} has {name} = {want}; asked for {got}."
                raise Unsupported(message)
        if case.lengths:
            message = f"{self.name} takes no lengths."
            raise Unsupported(message)
        if case.h_0 and not self.takes_h_0:
            message = f"no way was found to hand {self.name} an initial state."
            raise Unsupported(message)


def is_stated(bound: Bound) -> bool:
    """Tell whether someone said how a network is called, by an adapter, a statement, or as a torch module."""
    return not isinstance(bound, Binding) or bound.stated


def unlimited(bound: Bound) -> Bound:
    """Return a network without what cuts off large gradients: in another setting it may be reached, though not here.

    What one call does in both passes may cut off its own outputs, so that is left as it is.
    """
    if not isinstance(bound, Binding) or BOTH in bound.backward:
        return bound
    return replace(bound, lifted=True)


def _checked(ran: Ran) -> Ran:
    """Return a run that went well; raise what ended any other."""
    if ran.error is not None:
        raise ran.error
    return ran
