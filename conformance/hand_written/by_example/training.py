"""One training step of foreign code, found while it runs, and run again in copies of the process.

A copy goes on from the very place at which the step begins, with whatever values its parameters are given there; it
records what is computed, hands that over and ends. So nothing has to be known of how the step came to be.
"""

import os
import pickle
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any, Protocol

import numpy as np
from msgspec import Struct, field

from conformance.hand_written.by_example.arrays import Found, Reach, frames_from
from conformance.hand_written.by_example.watching import (
    MOST_BEFORE,
    MOST_EVENTS,
    SHORTLY,
    Begin,
    Enough,
    Events,
    History,
    Key,
    Recording,
    is_variable_of,
)
from conformance.hand_written.by_example.written import Written, numbers_of
from conformance.hand_written.calling.running.guard import copying
from conformance.hand_written.calling.running.limits import waiting_for_a_copy

MOST_BEGINNINGS, MOST_WHOLE, MOST_COPIES = 8, 2, 400
"""Calls of different functions at which a step is looked for, whole steps that are judged, and runs of steps in all."""

PATIENCE, HANGS = 20, 120
"""Seconds of computing after which a copy ends, and seconds by the clock in which one computes nothing."""


WIDE = 12
"""Elements of a vector in which all parameters of a network may lie."""


class _GoesOn(Exception):
    """No error: this process is the copy, which goes on with the run."""


class Step(Struct, frozen=True):
    """A training step: the arrays at its beginning, when each changes, when all have, and the way to run it again.

    `settings` are the numbers that it finds kept in objects and dicts, and `words` arrays of whole numbers. `run` takes
    values for some of the arrays, settings and words, after how many events to end, of which arrays that are computed
    to keep what they hold, all without that, and before which event to look at what the source has written elsewhere;
    it returns what was computed, None where the run came to no end. A step is `whole` where it begins as an update is
    over: another may have begun before.
    """

    arrays: Found
    history: History
    end: int
    run: "Run"
    whole: bool
    settings: Mapping[str, float] = field(default_factory=dict)
    words: Found = field(default_factory=dict)


class Run(Protocol):
    """What runs a step again."""

    def __call__(
        self,
        values: Mapping[str, np.ndarray | float],
        end: int,
        wanted: Collection[Key] | None = None,
        before: int = 0,
    ) -> Recording | None:
        """Return what was computed, None where the run came to no end."""
        ...


class Training(Struct):
    """Watches a run for training steps, and hands each to `judge` until that says enough.

    Attributes
    ----------
    is_foreign, is_target
        Tell whether a frame is of foreign code, and whether it is of what was asked about.
    modules
        The names in every foreign module.
    reach
        What may be looked into.
    judge
        Is handed each step; returns whether that was enough, and after how many events a whole one begins, as its
        update is over or the one before is; 0 if that isn't known.
    in_loops
        Whether a step may begin at a jump back in a loop, as in scripts without functions.
    written
        The expressions of the sources that may be losses, by file and function.
    limits
        Returns the ±c at which values would have been cut off so far, which was lifted.
    """

    is_foreign: Callable[[FrameType], bool]
    is_target: Callable[[FrameType], bool]
    modules: dict[str, dict[str, Any]]
    reach: Reach
    judge: Callable[[Step], tuple[bool, int]]
    in_loops: bool
    written: Mapping[tuple[str, str], Sequence[Written]] = field(default_factory=dict)
    limits: Callable[[], list[float]] = list
    _events: int = 0
    _whole: int = 0
    _copies: int = 0
    _tried: set[Any] = field(default_factory=set)
    _again_at: int = 0  # the event after which an update is over, and a whole step begins
    _copy: "_Copy | None" = None

    @property
    def trace(self) -> Any:
        """What sys.settrace is given."""
        return Events(self.is_foreign, self._seen).trace

    def ended(self) -> None:
        """End a copy whose run has come to its end."""
        if self._copy is not None:
            self._copy.hand_over()

    def _seen(self, frame: FrameType, event: str, value: Any) -> None:
        if self._copy is not None:
            try:
                self._copy.seen(frame, event, value)
            except BaseException:
                os._exit(1)  # a mistake of ours is none of the code that is watched
            return
        self._events += 1
        if self._events > MOST_BEFORE:
            raise Enough
        whole = self._events == self._again_at
        here = (event == "call" or (event == "jump" and self.in_loops)) and self.is_target(frame)
        place = (frame.f_code, frame.f_lineno if event == "jump" else 0)
        if not whole and (not here or place in self._tried or self._events < self._again_at):
            return
        try:
            enough = self._begins(frame, event, place, whole=whole)
        except _GoesOn:
            return
        if enough or len(self._tried) >= MOST_BEGINNINGS or self._whole == MOST_WHOLE:
            raise Enough

    def _begins(self, frame: FrameType, event: str, place: object, *, whole: bool) -> bool:
        """Look for a step that begins here; tell whether it is enough."""
        inside = event != "call" or whole
        begin = Begin.at(frame, self.modules, self.reach, self.is_foreign, inside=inside)
        arrays = {path: array for path, array in begin.arrays().items() if array.flags.writeable}
        matrices = [path for path, array in arrays.items() if array.ndim > 1 and min(array.shape[-2:]) > 1]
        vectors = [path for path, array in arrays.items() if array.ndim == 1 and array.size >= WIDE]
        if not matrices and not vectors:
            return False
        self._tried.add(place)
        left = [frame] if event == "return" else []
        history = self._in_a_copy(lambda: _Scout(History.of(begin), matrices, left))
        if history is None:
            raise Enough  # too slow for steps of it to be run again and again
        if not history.changed.keys() & set(matrices):
            matrices = [path for path in vectors if path in history.changed]  # all parameters in one
        if not matrices:
            return False

        settings, words = begin.settings(), begin.words()

        def run(
            values: Mapping[str, np.ndarray | float],
            end: int,
            wanted: Collection[Key] | None = None,
            before: int = 0,
        ) -> Recording | None:
            def prepared() -> _Prober:
                for path, value in values.items():
                    if path in settings:
                        holder, key = settings[path]
                        holder[key] = value
                    else:
                        (words if path in words else arrays)[path][...] = value
                recording = Recording(wanted=wanted)
                return _Prober(begin, end, before, recording, self)

            return self._in_a_copy(prepared)

        numbers = {path: holder[key] for path, (holder, key) in settings.items()}
        enough, over = self.judge(Step(arrays, history, history.end(matrices), run, whole, numbers, words))
        self._whole += whole and not over
        if over:
            self._again_at = self._events + over
        return enough

    def _in_a_copy(self, made: "Callable[[], _Copy]") -> Any:
        """Return what a copy of this process hands over that goes on with the run; None where it does not.

        Raises
        ------
        _GoesOn
            In the copy.
        """
        self._copies += 1
        if self._copies > MOST_COPIES:
            return None
        reader, writer = os.pipe()
        state = random.getstate()
        with copying():
            process = os.fork()
        if process == 0:
            os.close(reader)
            random.setstate(state)  # a copy would begin anew
            self._copy = made()
            self._copy.writer = writer
            _end_after(PATIENCE, HANGS)
            raise _GoesOn
        os.close(writer)
        with waiting_for_a_copy(), os.fdopen(reader, "rb") as pipe:
            data = pipe.read()
            os.waitpid(process, 0)
        return pickle.loads(data) if data else None  # noqa: S301 - our own copy wrote it


def _end_after(computing: float, waiting: float) -> None:
    import signal

    for timer, ends, seconds in (
        (signal.ITIMER_PROF, signal.SIGPROF, computing),
        (signal.ITIMER_REAL, signal.SIGALRM, waiting),
    ):
        signal.signal(ends, signal.SIG_DFL)
        signal.setitimer(timer, seconds)


class _Copy:
    """A copy of the process that goes on with the run, and in the end hands something over."""

    writer: int = -1

    def seen(self, frame: FrameType, event: str, value: Any) -> None:
        raise NotImplementedError

    def result(self) -> Any:
        raise NotImplementedError

    def hand_over(self) -> None:
        """Write the result and end the process."""
        with os.fdopen(self.writer, "wb") as pipe:
            pickle.dump(self.result(), pipe, protocol=pickle.HIGHEST_PROTOCOL)
        os._exit(0)


class _Scout(_Copy):
    """Looks when which arrays change, until what was done before matrices changed is done again, or for too long."""

    def __init__(self, history: History, matrices: list[str], left: Sequence[FrameType]) -> None:
        self.history, self.matrices = history, matrices
        self.first: dict[tuple[CodeType, int], int] = {}  # when functions were called, and loops began again
        self.over: set[str] = set()  # matrices that were variables of functions which have returned
        for frame in left:
            self.leave(frame)

    def seen(self, frame: FrameType, event: str, value: Any) -> None:
        if event != "return":
            place = (frame.f_code, frame.f_lineno if event == "jump" else 0)
            first = self.first.setdefault(place, self.history.events + 1)
            now, last = self.history.events, max(self.history.changed.values(), default=0)
            if first <= now and now - last > SHORTLY and self._changed_since(first):
                self.hand_over()
        else:
            self.leave(frame)
        self.history.take()
        if self.history.events >= MOST_EVENTS:
            self.hand_over()

    def leave(self, frame: FrameType) -> None:
        """Note that a function has returned, one that was running where the step began perhaps."""
        if self.history.begin is not None and frame in self.history.begin.frames:
            self.over |= {path for path in self.matrices if is_variable_of(frame, path)}

    def _changed_since(self, event: int) -> bool:
        """Tell whether matrices changed one shortly after the other, all of them after an event.

        That is half of all, or the last of those that can: a cache of states changes as the next forward pass begins,
        and variables of a function that has returned don't.
        """
        changed = self.history.changed
        times = sorted(changed[path] for path in self.matrices if path in changed)
        burst: list[int] = []
        for time in reversed(times):
            if burst and burst[-1] - time > SHORTLY:
                break
            burst.append(time)
        all_that_can = bool(times) and self.over.issuperset(set(self.matrices) - changed.keys())
        return (all_that_can or 2 * len(burst) > len(self.matrices)) and event < burst[-1]

    def result(self) -> History:
        """Return when what changed, without what can't be handed over."""
        seen = self.history
        return History(None, {}, seen.changed, seen.events, seen.late, seen.last, seen.in_place)


class _Prober(_Copy):
    """Records what is computed in so many events."""

    def __init__(self, begin: Begin, end: int, before: int, recording: Recording, training: Training) -> None:
        self.begin, self.end, self.before = begin, end, before
        self.events, self.recording, self.training = 0, recording, training

    def seen(self, frame: FrameType, event: str, value: Any) -> None:
        self.events += 1
        self.recording.of_the_target = self.recording.of_the_target or self.training.is_target(frame)
        if self.events == self.before - 1:
            self.recording.keep_written(
                numbers_of(frames_from(frame, self.training.is_foreign), self.training.written), self.events
            )
        if event == "return":
            self.recording.take(frame, value, self.events, self.begin.reach)
        elif event == "jump":
            self.recording.keep_numbers(frame, self.events)
        if self.events >= self.end:
            self.recording.complete = True
            for each in frames_from(frame if event == "jump" else frame.f_back, self.training.is_foreign):
                if each not in self.begin.frames and each.f_code.co_name != "<module>":
                    self.recording.take(each, None, self.events, self.begin.reach)
            self.hand_over()

    def result(self) -> Recording:
        """Return the recording, with all arrays as they are now."""
        self.recording.final = {path: array.copy() for path, array in self.begin.arrays().items()}
        self.recording.keep_state(self.begin, self.events)
        self.recording.limits = self.training.limits()
        return self.recording
