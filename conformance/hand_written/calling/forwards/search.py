"""The forward pass found by trying: which callable, which layout of x, which array is which parameter."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from conformance.hand_written.budget import Budget
from conformance.hand_written.calling.asking import Question, Traits, question
from conformance.hand_written.calling.building.construct import Built, callable_of, part_called
from conformance.hand_written.calling.building.relabelling import relabelled
from conformance.hand_written.calling.forwards.arguments import offered
from conformance.hand_written.calling.forwards.cells import cells, is_stepwise
from conformance.hand_written.calling.forwards.passes import ASKED, Forward, case_of
from conformance.hand_written.calling.forwards.recognising import Recognising
from conformance.hand_written.calling.forwards.tries import Endings, Tries, matrices_of, what_is_handed
from conformance.hand_written.calling.gates.parts import of_one_gate
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import (
    Arguments,
    Option,
    Parameter,
    best_first,
    parameters_of,
)
from conformance.hand_written.calling.hints.inputs import (
    IN_A_TABLE,
    INPUTS,
    ONE_FEATURE,
    STYLES,
    Inputs,
    meanings_of,
    weight,
)
from conformance.hand_written.calling.interface import Attempt
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.blame import blamed, ended_within, ending
from conformance.hand_written.calling.running.program import Ran, run
from conformance.hand_written.calling.running.suppressing import suppressing_errors
from conformance.hand_written.calling.scope import askable, takes_a_step
from conformance.hand_written.calling.values.slots import WORDS, Sizes, guesses

MOST_ARGUMENTS, MOST_SIZES = 8, 4
"""Of one callable and layout that are tried."""

MOST_EXHAUSTING = 2
"""Networks that a callable may be tried on after which it never ends, or takes all memory."""

MOST_CALLS_OF_ONE = 3_000
"""After which a callable is given up of which nothing was recognised."""


class Searching(Struct):
    """One search: what is searched, and what came of it so far."""

    loaded: Loaded
    recognising: Recognising
    attempts: list[Attempt] = field(default_factory=list)
    ran: list[Forward] = field(default_factory=list)  # that ran, and were not recognised
    raised: list[Forward] = field(default_factory=list)  # that failed by a mistake of their own
    exhausting: list[str] = field(default_factory=list)  # calls, once for each time that one took too much
    unbuilt: set[tuple[tuple[str, ...], Sizes]] = field(
        default_factory=set
    )  # what can't be built of some sizes

    @classmethod
    def of(cls, loaded: Loaded) -> "Searching":
        """Return a search that has found nothing yet."""
        return cls(loaded, Recognising(loaded))

    def forwards(
        self, built: Built, *, stepwise: bool, needless: Callable[[str, Any], bool] = lambda *_: False
    ) -> Iterator[Forward]:
        """Yield every forward pass whose outputs are recognised, likely ones first.

        They are called on whole sequences, or step by step in a loop of ours. What is `needless` by then, told its
        expression and the callable itself, is left out.
        """
        for call in _ordered(self.loaded, askable(self.loaded, built, stepwise=stepwise)):
            function = callable_of(built, call)
            parameters = parameters_of(function)
            if needless(call, function) or (not stepwise and takes_a_step(self.loaded, built, call)):
                continue
            if parameters and self.exhausting.count(call) < MOST_EXHAUSTING:
                ids = any(q.indexes and names.INPUT.fullmatch(q.name.strip("_")) for q in parameters)
                tries = Tries(function=function, calls=Budget(most=MOST_CALLS_OF_ONE), wants_integers=ids)
                found = self._of_callable(built, call, parameters, tries, stepwise=stepwise)
                yield from suppressing_errors(self.loaded, call, found)
                self.attempts.append(tries.as_attempt(call))
                self.exhausting += [call] * tries.exhausts
                if tries.fails and _is_meant(self.loaded, call):
                    self.raised.append(tries.raised)

    def runs(self, built: Built) -> bool:
        """Tell whether anything that goes by the name of a forward pass runs at all, given what its names say."""
        for call in _ordered(self.loaded, askable(self.loaded, built, stepwise=False)):
            parameters = parameters_of(callable_of(built, call))
            if not parameters or not names.FORWARD.fullmatch(call.rpartition(".")[2]):
                continue
            for way in INPUTS:
                asked = question(case_of(ASKED, batched=way.batched), Traits(one_hot=way.ids))
                options = partial(offered, built=built, way=way, asked=asked, roles={}, style=STYLES[0])
                for arguments in best_first(parameters, options, 1, _has_one_x):
                    called = (f"x = {way.text}", f"{call}({arguments.text})")
                    if run(self.loaded, asked.p, (*built.setup.lines, *called)).ok:
                        return True
        return False

    def _of_callable(
        self, built: Built, call: str, parameters: list[Parameter], tries: "Tries", *, stepwise: bool
    ) -> Iterator[Forward]:
        unlikely = len(self.ran)
        for network, sizes in self._sized(built):
            yield from self._of_network(network, sizes, call, parameters, tries, stepwise=stepwise)
            if tries.over:
                return
            if tries.found and sizes.O:
                return  # right at every step: of other sizes it is another network
        for forward in [] if tries.found else self.ran[unlikely:]:
            before = self.loaded.calls.spent
            found = self.recognising.recognised(forward, unlikely=True)
            tries.learn(found, self.loaded.calls.spent - before)
            yield from found
            if tries.over:
                return

    def _of_network(
        self,
        network: Built,
        sizes: Sizes,
        call: str,
        parameters: list[Parameter],
        tries: "Tries",
        *,
        stepwise: bool,
    ) -> Iterator[Forward]:
        """Yield what is recognised of a callable of a network of some sizes, its arrays having likely meanings."""
        inputs = (*INPUTS, *ONE_FEATURE) if sizes.I == 1 else INPUTS
        if any(WORDS in item.value.shape for item in network.arrays):
            inputs = (*IN_A_TABLE, *inputs)
        for way in (way for way in inputs if not stepwise or is_stepwise(way)):
            if tries.wants_integers and way.form is not None:
                continue
            before = self.loaded.calls.spent
            for forward in self._tried(network, call, parameters, way, sizes, tries, stepwise=stepwise):
                tries.note(forward)
                found = self.recognising.recognised(forward) if forward.ran.ok else []
                if forward.ran.ok and not found:
                    self.ran.append(forward)
                tries.learn(found, self.loaded.calls.spent - before)
                yield from found
                before = self.loaded.calls.spent
                if tries.over:
                    return

    def _sized(self, built: Built) -> Iterator[tuple[Built, Sizes]]:
        """Yield the sizes that a network may have, with the network as it is built to have them."""
        found = guesses(of_one_gate(built.arrays, ASKED.H), ASKED)[:MOST_SIZES]
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
        tries: "Tries",
        *,
        stepwise: bool,
    ) -> Iterator[Forward]:
        """Yield runs with the network's own weights, one for each choice of arguments."""
        case = case_of(sizes, batched=way.batched)
        asked = question(case, Traits(one_hot=way.ids))
        made = any(part_called(built, parameter.name) for parameter in parameters)
        meanings = meanings_of(parameters) if built.setup.owner == "code" and not made else [{}]
        for roles, style in product(meanings, STYLES):
            fills = {role: weight(role, style) for role in roles.values()}
            if (not roles and style != STYLES[0]) or tries.matrices not in (None, matrices_of(roles, fills)):
                continue
            if stepwise:
                yield from self._stepwise(built, call, parameters, way, sizes, asked, roles, style)
                continue
            options = partial(offered, built=built, way=way, asked=asked, roles=roles, style=style)
            varied = {q.name for q in parameters if len(options(q)) > 1 or not q.required}
            endings = Endings(free=varied | roles.keys(), blamed=set(tries.blamed))
            for arguments in best_first(parameters, options, MOST_ARGUMENTS, _has_one_x):
                if (built.setup.lines, sizes) in self.unbuilt:
                    return
                handed = what_is_handed(parameters, arguments, way)
                if not built.reads_its_weights(arguments.text, "p.W_") or handed & endings.blamed:
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
                    fills=fills,
                    meaning=roles,
                )
                ran = run(self.loaded, asked.p, (*built.setup.lines, *forward.lines))
                if ended_within(ran.error, built.setup.lines):
                    self.unbuilt.add((built.setup.lines, sizes))
                lacking = blamed(ran)
                tries.blamed |= (by_itself := {each for each in handed if each[0] == lacking})
                endings.blamed |= by_itself
                if (how := ending(ran.error)) is not None:
                    endings.note(how, handed)
                    tries.wants_integers = tries.wants_integers or (how.wants_integers and endings.blames_x)
                yield replace(forward, ran=ran)

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
            if (part := part_called(built, parameter.name)) is not None:
                return [(part, 0.0, "weight")]
            if "params" in built.setup.roots:
                return [("params", 0.0 if names.PARAMS.fullmatch(parameter.name) else 1.5, "params")]
            return []

        for forward in cells(self.loaded, plain, parameters, weights):
            if not forward.ran.ok:
                yield forward
                continue
            ran = run(self.loaded, asked.p, (*forward.opening, *forward.lines))
            if ran.ok:
                yield replace(forward, ran=ran)


def _has_one_x(kinds: tuple[str, ...]) -> bool:
    """Tell whether exactly one argument is x."""
    return kinds.count("x") == 1


def _is_meant(loaded: Loaded, call: str) -> bool:
    """Tell whether a callable was asked for by name, or is called like a forward pass."""
    name = call.rpartition(".")[2]
    return name in loaded.wanted or names.FORWARD.fullmatch(name) is not None


UNLIKELY = 3
"""The rank of what goes by the name of something else than a forward pass."""


def is_unlikely(loaded: Loaded, call: str) -> bool:
    """Tell whether a callable goes by the name of something else than a forward pass."""
    return _rank(loaded, call)[0] >= UNLIKELY


def _ordered(loaded: Loaded, calls: list[str]) -> list[str]:
    """Return callables in the order of trying."""
    return sorted(calls, key=partial(_rank, loaded))


def _rank(loaded: Loaded, call: str) -> tuple[int, int]:
    """Return when a callable is tried as a forward pass.

    What has the name of a forward pass comes first, then what was asked for by name, unless that is the backward pass
    beside a forward pass; then what has no such name; what trains, walks back or only checks something comes last.
    """
    name = call.rpartition(".")[2]
    beside = any(names.FORWARD.fullmatch(each) for each in loaded.wanted)
    if names.CHECKS.fullmatch(name) and not names.FORWARD.fullmatch(name):
        return 4, 0
    if name in ("forward", "__call__"):
        return 0, 0
    if names.FORWARD.fullmatch(name):
        return 1, 0 if "forward" in name.lower() else 1
    if name in loaded.wanted and not (beside and names.BACKWARD.fullmatch(name)):
        return 2, 0
    return (UNLIKELY, 0) if names.BACKWARD.fullmatch(name) or names.TRAINS.fullmatch(name) else (2, 1)
