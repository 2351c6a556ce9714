"""Running a few lines of Python that call foreign code, under a time limit, and telling how they ended."""

import traceback
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np
from msgspec import Struct, field

from conformance.errors import ConformanceError, in_words, well_formed
from conformance.hand_written.calling.asking import Asked
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.loading.tensors import Tensor
from conformance.hand_written.calling.running.clipping import Clips, clipping
from conformance.hand_written.calling.running.guard import LIBRARIES, Refused
from conformance.hand_written.calling.running.keeping import kept
from conformance.hand_written.calling.running.limits import CALLS, AskedForInput, TookTooLong, seeded
from conformance.hand_written.calling.running.lists import lists
from conformance.hand_written.calling.running.structures import structure
from conformance.hand_written.calling.running.watch import ADAPTER, Seen, Watch, watched
from conformance.hand_written.locations import from_here, place_of

EVENTS = 2000
"""Events of foreign code (see `Watch`) in one run that count as a further call; a small network has hundreds."""

EXHAUSTING = 300
"""Calls that one which takes all the time or all the memory counts as, however far it came in that."""


class SearchIsOver(ConformanceError):
    """The calls for finding out how a network is called are spent."""


class Ran(Struct, kw_only=True):
    """What a run left behind: the names it bound, what functions held, and what ended it early, if anything did."""

    names: dict[str, Any]
    seen: Seen = field(default_factory=dict)
    error: BaseException | None = None
    last: tuple[str, ...] = ()  # the lines that were run last
    clips: Clips = field(default_factory=Clips)
    handed: list[Any] = field(
        default_factory=list
    )  # the arguments of foreign functions that our lines called

    @property
    def ok(self) -> bool:
        """Whether it ran to its end."""
        return self.error is None

    @property
    def hung(self) -> bool:
        """Whether it ran into its time limit."""
        return isinstance(self.error, TookTooLong)

    @property
    def exhausts(self) -> bool:
        """Whether it took all the time or all the memory that there was."""
        return isinstance(self.error, (TookTooLong, MemoryError))

    @property
    def fails_by_itself(self) -> bool:
        """Whether no argument mends what ended it: no variable or attribute, a hang, a question, a refusal."""
        error = self.error
        if isinstance(error, (TookTooLong, AskedForInput, Refused, SystemExit, MemoryError)):
            return True
        if isinstance(error, AttributeError):
            return error.obj is not None and error.obj is self.names.get("model")
        return isinstance(error, NameError)

    def complaint(self) -> str:
        """Return what ended it in one sentence, with the innermost line of foreign code."""
        return "" if self.error is None else describe_error(self.error)


def describe_error(error: BaseException) -> str:
    """Return an exception in one sentence: what it is, and the innermost line of foreign code on the way to it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(LIBRARIES)] or frames
    at = (
        f", in {own[-1].name} at {place_of(from_here(own[-1].filename), own[-1].lineno or 0)}: {own[-1].line}"
        if own and own[-1].line
        else ""
    )
    return in_words(error) + well_formed(at)


@lru_cache(maxsize=20_000)
def compiled(lines: tuple[str, ...]) -> CodeType:
    """Return the code of some lines."""
    return compile("\n".join(lines), ADAPTER, "exec")


@lru_cache(maxsize=20_000)
def _compiled_expression(text: str) -> CodeType:
    return compile(text, ADAPTER, "eval")


def run(loaded: Loaded, p: Asked, lines: Iterable[str], *, reset: bool = True) -> Ran:
    """Run `lines` with the names np, p (the problem) and code (the definitions), from one random state."""
    if reset:
        loaded.reset()
        seeded()
    return more(loaded, begun(loaded, p), lines)


def begun(loaded: Loaded, p: Asked) -> Ran:
    """Return a run of nothing yet: the names that lines of ours may use."""
    p = p.of_kind(Tensor) if loaded.tensors else p
    return Ran(
        names={"np": np, "p": p, "code": loaded.code, "lists": lists, "kept": kept, "structure": structure}
    )


def more(loaded: Loaded, ran: Ran, lines: Iterable[str], *, lifted: bool = False) -> Ran:
    """Run further lines after those of `ran`; with `lifted` nothing is clipped to ±c by them."""
    if loaded.calls.over:
        message = f"the search for ways of calling {loaded.target} ended after {loaded.calls.spent:,} calls"
        raise SearchIsOver(message)
    if not ran.ok:
        return ran
    ran.last = tuple(lines)
    code = compiled(ran.last)
    ran.names["seen"] = ran.seen
    watch = Watch(seen=ran.seen, handed=ran.handed)
    with watched(loaded.files, watch), clipping(lifted=lifted) as clips:
        try:
            with CALLS.one_call():
                exec(code, ran.names)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            ran.error = error
    loaded.calls.spend(EXHAUSTING if ran.exhausts else 1 + watch.events // EVENTS)
    ran.clips.add(clips)
    return ran


def value(ran: Ran, expression: str, **names: Any) -> Any:
    """Return the value of an expression after a run."""
    return eval(_compiled_expression(expression), {**ran.names, **names})


def values(ran: Ran, expressions: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of several expressions, those that can't be had left out."""
    found = {}
    for name, expression in expressions.items():
        try:
            found[name] = value(ran, expression)
        except Exception:
            continue
    return found
