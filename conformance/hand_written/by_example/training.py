"""One training step of foreign code, found while it runs, and run again in copies of the process.

A copy goes on from the very place at which the step begins, with whatever values its parameters are given there; it
records what is computed, hands that over and ends. So nothing has to be known of how the step came to be.
"""

import os
import pickle
import random
from collections.abc import Callable, Mapping
from types import CodeType, FrameType
from typing import Any

import numpy as np
from msgspec import Struct, field

from conformance.hand_written.by_example.arrays import Found, Reach
from conformance.hand_written.by_example.watching import (
    MOMENTS,
    MOST_BEFORE,
    MOST_EVENTS,
    Begin,
    Enough,
    Events,
    History,
    Recording,
    Update,
)
from conformance.hand_written.calling.running.guard import copying

MOST_BEGINNINGS, MOST_COPIES = 5, 400
"""Calls of different functions at which a step is looked for, and runs of steps in all."""

PATIENCE = 20
"""Seconds by the clock after which a copy ends that hangs where the run itself did not."""


class _GoesOn(Exception):
    """No error: this process is the copy, which goes on with the run."""


class Step(Struct, frozen=True):
    """A training step: the arrays at its beginning, the update at its end, and the way to run it again.

    `run` takes values for some of the arrays and returns what was computed; None where the run came to no end.
    """

    arrays: Found
    history: History
    update: Update
    run: Callable[[Mapping[str, np.ndarray]], Recording | None]


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
        Is handed each step; returns whether that was enough.
    in_loops
        Whether a step may begin at a jump back in a loop, as in scripts without functions.
    limits
        Returns the ±c at which values would have been cut off so far, which was lifted.
    """

    is_foreign: Callable[[FrameType], bool]
    is_target: Callable[[FrameType], bool]
    modules: dict[str, dict[str, Any]]
    reach: Reach
    judge: Callable[[Step], bool]
    in_loops: bool
    limits: Callable[[], list[float]] = list
    steps: int = 0  # that were found
    called: bool = False  # whether the target was called at all
    _events: int = 0
    _copies: int = 0
    _tried: set[Any] = field(default_factory=set)
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
            self._copy.seen(frame, event, value)
            return
        self._events += 1
        if self._events > MOST_BEFORE:
            raise Enough
        here = self.is_target(frame) and (event == "call" or (event == "jump" and self.in_loops))
        if not here:
            return
        self.called = True
        place = (frame.f_code, frame.f_lineno if event == "jump" else 0)
        if place in self._tried or len(self._tried) >= MOST_BEGINNINGS:
            return
        try:
            enough = self._begins(frame, place, inside=event == "jump")
        except _GoesOn:
            return
        if enough or len(self._tried) >= MOST_BEGINNINGS:
            raise Enough

    def _begins(self, frame: FrameType, place: Any, *, inside: bool) -> bool:
        """Look for a step that begins here; tell whether it is enough."""
        begin = Begin.at(frame, self.modules, self.reach, self.is_foreign, inside=inside)
        arrays = {path: array for path, array in begin.arrays().items() if array.flags.writeable}
        matrices = [path for path, array in arrays.items() if array.ndim > 1 and min(array.shape[-2:]) > 1]
        if not matrices:
            return False
        self._tried.add(place)
        history = self._in_a_copy(lambda: _Scout(History.of(begin), matrices))
        update = None if history is None else history.update(matrices)
        if history is None or update is None:
            return False
        self.steps += 1

        def run(values: Mapping[str, np.ndarray]) -> Recording | None:
            def prepared() -> _Prober:
                for path, value in values.items():
                    arrays[path][...] = value
                return _Prober(begin, update, self.limits)

            return self._in_a_copy(prepared)

        return self.judge(Step(arrays, history, update, run))

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
            _end_after(PATIENCE)
            raise _GoesOn
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            data = pipe.read()
        os.waitpid(process, 0)
        return pickle.loads(data) if data else None  # noqa: S301 - our own copy wrote it


def _end_after(seconds: float) -> None:
    import signal

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, seconds)


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
    """Looks when which arrays change, until what was done before the update is done again, or for too long."""

    def __init__(self, history: History, matrices: list[str]) -> None:
        self.history, self.matrices = history, matrices
        self.first: dict[
            tuple[CodeType, int], int
        ] = {}  # when each function was called, each loop began again

    def seen(self, frame: FrameType, event: str, value: Any) -> None:
        if event != "return":
            place = (frame.f_code, frame.f_lineno if event == "jump" else 0)
            first = self.first.setdefault(place, self.history.events + 1)
            if first <= self.history.events and self._updated_since(first):
                self.hand_over()
        self.history.take()
        if self.history.events >= MOST_EVENTS:
            self.hand_over()

    def _updated_since(self, event: int) -> bool:
        update = self.history.update(self.matrices)
        if update is None or event >= update.begins:
            return False
        return 2 * sum(path in update.paths for path in self.matrices) >= len(self.matrices)

    def result(self) -> History:
        """Return when what changed, without what can't be handed over."""
        return History(None, self.history.before, self.history.changed, self.history.events)


class _Prober(_Copy):
    """Records what is computed until the update is over."""

    def __init__(self, begin: Begin, update: Update, limits: Callable[[], list[float]]) -> None:
        self.begin, self.update, self.limits = begin, update, limits
        self.events = 0
        self.recording = Recording()

    def seen(self, frame: FrameType, event: str, value: Any) -> None:
        self.events += 1
        if event == "return":
            self.recording.take(frame, value, self.events, self.begin.reach)
        if self.events == self.update.begins - 1:
            self.recording.keep_state(MOMENTS[0], self.begin, self.events)
        if self.events >= self.update.ends:
            self.recording.complete = True
            self.hand_over()

    def result(self) -> Recording:
        """Return the recording, with all arrays as they are now."""
        self.recording.final = {path: array.copy() for path, array in self.begin.arrays().items()}
        self.recording.keep_state(MOMENTS[1], self.begin, self.events)
        self.recording.limits = self.limits()
        return self.recording
