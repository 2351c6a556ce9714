"""A run of foreign code watched event by event: where a training step begins, and where it has ended.

An event is a call, a return or a jump back in a loop of foreign code. The arrays that can be reached where a step
begins are looked at after each: those that change together, as the last ones of all, are what the step updates.
"""

from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

import numpy as np
from msgspec import Struct, field

from conformance.hand_written.by_example.arrays import Found, Reach, fingerprint, frames_from

MOST_EVENTS = 6_000
"""Events of one step: a text of 25 letters has some hundreds."""

MOST_BEFORE = 2_000_000
"""Events before the first call of a target, after which nothing is waited for any more."""

TOGETHER = 40
"""Events between two changes of arrays that belong to one update: an optimizer's functions lie between."""


class Enough(BaseException):
    """All that was to be seen of a run was seen; it is ended here."""


class Events(Struct):
    """Turns what Python tells of each line into calls, returns and jumps of foreign code."""

    is_foreign: Callable[[FrameType], bool]
    seen: Callable[[FrameType, str, Any], None]
    _lines: dict[int, int] = field(default_factory=dict)

    def trace(self, frame: FrameType, event: str, _: object) -> Any:
        """Take the call of a function, as sys.settrace hands it on; look inside foreign ones alone."""
        if event != "call" or not self.is_foreign(frame):
            return None
        self._lines[id(frame)] = 0
        if frame.f_code.co_name[0] != "<":
            self.seen(frame, "call", None)
        return self._inside

    def _inside(self, frame: FrameType, event: str, value: Any) -> Any:
        if event == "line":
            last = self._lines.get(id(frame), 0)
            self._lines[id(frame)] = frame.f_lineno
            if frame.f_lineno <= last:
                self.seen(frame, "jump", None)
        elif event == "return":
            self._lines.pop(id(frame), None)
            if frame.f_code.co_name[0] != "<":
                self.seen(frame, "return", value)
        return self._inside


class Begin(Struct, frozen=True):
    """Where a step may begin: what can be reached there, by the frames that are running and the modules there are."""

    frames: Sequence[FrameType]
    modules: Mapping[str, Mapping[str, Any]]
    reach: Reach

    @classmethod
    def at(
        cls,
        frame: FrameType,
        modules: Mapping[str, Mapping[str, Any]],
        reach: Reach,
        is_foreign: Callable[[FrameType], bool],
        *,
        inside: bool,
    ) -> "Begin":
        """Return what a step can reach that begins with the call of this frame, or `inside` it."""
        return cls(frames_from(frame if inside else frame.f_back, is_foreign), modules, reach)

    def arrays(self) -> Found:
        """Return the arrays that can be reached now, by their paths."""
        return self.reach.arrays(self.names())

    def names(self) -> dict[str, Any]:
        """Return the names that can be reached now: those of modules, and the variables of the functions that run."""
        names = dict(self.modules.get("__main__", {}))
        for module, own in self.modules.items():
            if module != "__main__":
                names |= {f"{module}.{name}": value for name, value in own.items() if name[:2] != "__"}
        for frame in self.frames:
            if frame.f_code.co_name != "<module>":
                names |= {f"{frame.f_code.co_name}: {n}": value for n, value in frame.f_locals.items()}
        return names


class History(Struct):
    """When each array changed first, by the number of the event after which it was seen."""

    begin: Begin | None  # None in what a copy has handed over
    before: dict[str, int]
    changed: dict[str, int] = field(default_factory=dict)
    events: int = 0

    @classmethod
    def of(cls, begin: Begin) -> "History":
        """Return the history of a step that begins now."""
        return cls(begin, {path: fingerprint(array) for path, array in begin.arrays().items()})

    def take(self) -> None:
        """Look at all arrays after an event."""
        self.events += 1
        now = {} if self.begin is None else self.begin.arrays()
        for path, mark in self.before.items():
            if path not in self.changed and path in now and fingerprint(now[path]) != mark:
                self.changed[path] = self.events

    def update(self, matrices: Sequence[str]) -> "Update | None":
        """Return the last of the times at which most matrices changed together; None where none did."""
        times = sorted(set(self.changed.values()))
        groups: list[list[int]] = []
        for time in times:
            if groups and time - groups[-1][-1] <= TOGETHER:
                groups[-1].append(time)
            else:
                groups.append([time])
        best: Update | None = None
        most = 0
        for group in groups:
            paths = tuple(path for path, time in self.changed.items() if time in group)
            count = sum(path in matrices for path in paths)
            if count >= max(most, 1):
                most, best = count, Update(begins=group[0], ends=group[-1], paths=paths)
        return best


class Update(Struct, frozen=True, kw_only=True):
    """The change of a step's arrays: the events between which it happens, and what changes."""

    begins: int
    ends: int
    paths: tuple[str, ...]


MOMENTS = ("before the update", "after the update")
"""What is said in the place of a function of all that can be reached where a step began."""

Key = tuple[str, int, str]
"""A function, which of its calls it was, and the path to a value there."""


class Recording(Struct):
    """What was computed in a step: arrays and numbers that functions held and returned, in their order.

    Attributes
    ----------
    numbers, arrays
        By the function, which of its calls it was, and the path.
    when
        After how many events each was seen.
    final
        The arrays of the beginning as they are at the end.
    limits
        The ±c at which values would have been cut off, which was lifted.
    complete
        Whether the step came to its end.
    """

    numbers: dict[Key, float] = field(default_factory=dict)
    arrays: dict[Key, np.ndarray] = field(default_factory=dict)
    when: dict[Key, int] = field(default_factory=dict)
    final: dict[str, np.ndarray] = field(default_factory=dict)
    limits: list[float] = field(default_factory=list)
    complete: bool = False
    _calls: dict[str, int] = field(default_factory=dict)
    _size: int = 0

    def take(self, frame: FrameType, value: Any, event: int, reach: Reach) -> None:
        """Keep what a function that returns holds, and what it returns; what its object keeps is there at the end."""
        name = frame.f_code.co_qualname
        number = self._calls[name] = self._calls.get(name, -1) + 1
        own = {n: each for n, each in frame.f_locals.items() if n not in ("self", "cls")}
        self.keep(name, min(number, MOST_CALLS), {**own, "result": value}, event, reach)

    def repeated_in(self, other: "Recording") -> "Recording":
        """Return what came out the same when it was computed again."""
        numbers = {k: n for k, n in self.numbers.items() if other.numbers.get(k) == n and np.isfinite(n)}
        arrays = {
            k: a for k, a in self.arrays.items() if k in other.arrays and np.array_equal(a, other.arrays[k])
        }
        return Recording(numbers=numbers, arrays=arrays)

    def keep_state(self, name: str, begin: Begin, event: int) -> None:
        """Keep all that can be reached where the step began, as it is now."""
        self.keep(name, 0, begin.names(), event, begin.reach)

    def keep(self, name: str, number: int, names: dict[str, Any], event: int, reach: Reach) -> None:
        """Keep the numbers and arrays below some names."""
        for path, each in reach.numbers(names).items():
            self.numbers[name, number, path] = each
            self.when[name, number, path] = event
        for path, array in reach.arrays(names).items():
            if array.size > 1 and self._size < MOST_KEPT:
                self._size += array.nbytes
                self.arrays[name, number, path] = array.copy()
                self.when[name, number, path] = event


MOST_CALLS, MOST_KEPT = 40, 20_000_000
"""Calls of one function that are kept apart, and bytes of arrays that are kept of a step."""
