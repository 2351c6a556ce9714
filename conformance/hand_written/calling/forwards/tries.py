"""What came of calling one callable again and again: how its calls failed, and what is left to be tried."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from conformance.hand_written.budget import Budget
from conformance.hand_written.calling.backwards.raising import how_far, own_mistake
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints.arguments import Arguments, Parameter, given
from conformance.hand_written.calling.hints.inputs import Inputs
from conformance.hand_written.calling.interface import Attempt
from conformance.hand_written.calling.running.blame import Ending

NOT_TRIED = "no arguments were found to try"

MOST_FAILING = 16
"""Calls that all failed by what no argument mends, after which a callable is given up."""

Handed = tuple[str, str, str]
"""A parameter, the expression that it was handed, and for x of what that is made."""


class Endings(Struct):
    """How the calls of a callable failed that were handed one x; its other arguments may be `free` to vary."""

    free: set[str]
    blamed: set[Handed]  # what none of further calls is handed
    blames_x: bool = False
    alike: dict[Ending, list[set[Handed]]] = field(default_factory=dict)

    def note(self, how: Ending, handed: set[Handed]) -> None:
        """Keep how a call failed; x is blamed if that is the same whatever else was handed, in a line that reads x."""
        calls = self.alike.setdefault(how, [])
        calls.append(handed)
        same = set.intersection(*calls)
        xs = {each for each in same if each[1] == "x" and each[0] in how.read}
        stuck = {name for name, text, _ in same if name in self.free and text != "x"}
        if len(calls) > 1 and xs and not stuck:
            self.blamed |= xs
            self.blames_x = True


class Tries(Struct):
    """What came of calling one callable so far; `raised` is how the call that got furthest ended."""

    function: Any
    calls: Budget
    raised: Forward | None = None
    exhausts: bool = False
    ran: bool = False
    found: bool = False
    failing: int = 0  # calls that failed by what no argument mends, the last ones in a row
    blamed: set[Handed] = field(default_factory=set)  # what it was handed and can't do with
    wants_integers: bool = False  # of x, which are ids then
    matrices: dict[str, str] | None = None  # weights among its arguments, as it was recognised with them

    def note(self, forward: Forward) -> None:
        """Keep how one call went."""
        self.ran = self.ran or forward.ran.ok
        self.failing = self.failing + 1 if forward.ran.fails_by_itself else 0
        if not forward.ran.ok and (self.raised is None or self._gets(forward) > self._gets(self.raised)):
            self.raised = forward
        if forward.ran.exhausts:
            self.raised = forward
            self.exhausts = True

    def _gets(self, forward: Forward) -> tuple[bool, int, int]:
        """Return how far a call got, one that no argument mends being the end of it."""
        return forward.ran.fails_by_itself, *how_far(forward.ran.error, self.function)

    def learn(self, found: Sequence[Forward], calls: int) -> None:
        """Keep what was recognised of one call, and how many calls that took."""
        self.found = self.found or bool(found)
        self.matrices = matrices_of(found[0].meaning, found[0].fills) if found else self.matrices
        self.calls.spend(calls)

    @property
    def over(self) -> bool:
        """Whether it is given up: it hung, or it was called often and nothing of it was recognised."""
        fails = not self.ran and self.failing >= MOST_FAILING
        return not self.found and (self.exhausts or fails or self.calls.over)

    @property
    def fails(self) -> bool:
        """Whether it never ran, for a reason that no argument mends."""
        if self.ran or self.raised is None:
            return False
        return self.raised.ran.fails_by_itself or own_mistake(self.raised.ran.error, self.function)

    def as_attempt(self, call: str) -> Attempt:
        """Return how far the callable got."""
        if self.ran:
            return Attempt(what=call, reached="ran", problem="its outputs are not recognised")
        why = NOT_TRIED if self.raised is None else self.raised.ran.complaint()
        return Attempt(what=call, reached="called", problem=why)


def what_is_handed(parameters: Sequence[Parameter], arguments: Arguments, way: Inputs) -> "set[Handed]":
    """Return what each parameter is handed: its name, the expression, and for x of what it is made as well."""
    made = way.text if way.form is None else way.form.container
    pairs = given(parameters, arguments.text).items()
    return {(name, text, made if text == "x" else "") for name, text in pairs}


def matrices_of(meaning: dict[str, str], fills: dict[str, str]) -> dict[str, str]:
    """Return what each argument that is a matrix is given; how biases are laid out depends on x."""
    return {name: fills[role] for name, role in meaning.items() if role[0] == "W"}
