"""A run of foreign code watched event by event: where a training step begins, and where it has ended.

An event is a call, a return or a jump back in a loop of foreign code. The arrays that can be reached where a step
begins are looked at after each: among those that change are the parameters, which are updated when all else is done.
"""

import inspect
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import FrameType
from typing import Any, TypeGuard

import numpy as np
from msgspec import Struct, field

from conformance.hand_written.by_example.arrays import (
    Found,
    Names,
    Reach,
    at,
    fingerprint,
    frames_from,
    number_in,
)

MOST_EVENTS = 6_000
"""Events of one step: a text of 25 letters has some hundreds."""

MOST_BEFORE = 500_000
"""Events before the first call of a target, after which nothing is waited for any more: seconds of loops in Python."""

SHORTEST = 30
"""Events of a step, at least."""

SELDOM, AT_A_TIME = 10, 5
"""Events between two looks at all that can be reached, at least; and arrays there for which one more event passes."""


SHORTLY = 12
"""Events between the updates of two parameters, or of one in a loop: an optimizer's functions lie between."""


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
    places: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    holders: list[tuple[Any, Any]] = field(default_factory=list)  # the places of what holds those

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
        begin = cls(frames_from(frame if inside else frame.f_back, is_foreign), modules, reach)
        names = begin.names()
        begin.places.update(reach.places(names))
        begin.holders.extend(reach.holders(names, begin.places.values()))
        return begin

    def arrays(self) -> Found:
        """Return the arrays that can be reached now, by their paths.

        One that has another name by now, as that of a loop, is still called as it was where the step began.
        """
        names = self.names()
        kept = {path: array for path, place in self.places.items() if _is_array(array := at(place, names))}
        return kept | self.reach.arrays(names)

    def words(self) -> Found:
        """Return the arrays of whole numbers that can be reached now: what is read may be made of them."""
        return self.reach.words(self.names())

    def settings(self) -> dict[str, tuple[dict[Any, Any], Any]]:
        """Return what holds each number that may be a setting, and by which key."""
        return self.reach.settings(self.names())

    def names(self) -> Names:
        """Return the names that can be reached now: those of modules, and the variables of the functions that run."""
        codes = {
            id(frame.f_globals): frame.f_code for frame in self.frames if frame.f_code.co_name == "<module>"
        }
        names = Names()
        for module in sorted(self.modules, key="__main__".__ne__):
            own = self.modules[module]
            names.add(own, codes.get(id(own)), "" if module == "__main__" else f"{module}.")
        for frame in self.frames:
            if frame.f_code.co_name != "<module>":
                names.add(frame.f_locals, frame.f_code, _before(frame))
        return names


def _before(frame: FrameType) -> str:
    """Return how the paths to the variables of a function begin."""
    return f"{frame.f_code.co_name}: "


def is_variable_of(frame: FrameType, path: str) -> bool:
    """Tell whether a path begins at a variable that only a call of a function has, and none after it.

    A generator goes on where it returned, and variables of closures go on in others.
    """
    code = frame.f_code
    if code.co_flags & inspect.CO_GENERATOR or not path.startswith(_before(frame)):
        return False
    name = re.match(r"\w+", path.removeprefix(_before(frame)))
    return name is not None and name[0] in set(code.co_varnames) - set(code.co_cellvars)


def _is_array(value: Any) -> TypeGuard[np.ndarray]:
    return isinstance(value, np.ndarray)


class History(Struct):
    """When each array changed first, by the number of the event after which it was seen.

    What is looked at after each event are the places in which the arrays were; where they may have gone is looked for
    after every few.
    """

    begin: Begin | None  # None in what a copy has handed over
    before: dict[str, int]
    changed: dict[str, int] = field(default_factory=dict)
    events: int = 0
    late: dict[str, tuple[int, int]] = field(default_factory=dict)  # when others came, and changed last
    last: dict[str, int] = field(
        default_factory=dict
    )  # when it changed last, of changes shortly one after the other
    in_place: set[str] = field(
        default_factory=set
    )  # those that were still the same objects when they changed
    _later: dict[str, tuple[int, int]] = field(
        default_factory=dict
    )  # when they came, and what they held last
    _look_at: int = SELDOM
    _held: list[int] = field(default_factory=list)  # which objects held the arrays last
    _changing: dict[str, int] = field(default_factory=dict)  # what they hold that changed shortly before
    _first: Found = field(default_factory=dict)  # the objects at the beginning

    @classmethod
    def of(cls, begin: Begin) -> "History":
        """Return the history of a step that begins now."""
        arrays = begin.arrays()
        return cls(begin, {path: fingerprint(array) for path, array in arrays.items()}, _first=arrays)

    def take(self) -> None:
        """Look at all arrays after an event."""
        self.events += 1
        if self.begin is None:
            return
        names = self.begin.names()
        known = len(self.changed)
        held = [id(at(place, names)) for place in self.begin.holders]
        replaced, self._held = held != self._held, held
        now = {
            path: at(place, names) for path, place in self.begin.places.items() if path not in self.changed
        }
        for path in list(self._changing):
            self._follow(path, at(self.begin.places[path], names))
        for path, array in now.items():
            if _is_array(array) and (mark := fingerprint(array)) != self.before[path]:
                self.changed[path] = self.last[path] = self.events
                self._changing[path] = mark
                if array is self._first.get(path):
                    self.in_place.add(path)
        if replaced or self.events >= self._look_at or len(self.changed) > known:
            around = self.begin.reach.arrays(names)
            self._look_around(around)
            self._look_at = self.events + max(SELDOM, len(around) // AT_A_TIME)

    def _follow(self, path: str, array: Any) -> None:
        """Look at an array that changed shortly before, as parameters do that are updated in a loop over time.

        Shortly means much sooner than it took to change at first: the next step would take as long again.
        """
        soon = min(SHORTLY, self.changed[path] // 2)
        if not _is_array(array) or self.events - self.last[path] > soon:
            del self._changing[path]
        elif (mark := fingerprint(array)) != self._changing[path]:
            self.last[path], self._changing[path] = self.events, mark

    def _look_around(self, now: Found) -> None:
        """Look at all that can be reached: at arrays of the beginning in other places, and at those that came later."""
        for path, array in now.items():
            if path in self.changed:
                continue
            mark = fingerprint(array)
            if path in self.before:
                if mark != self.before[path]:
                    self.changed[path] = self.events
                continue
            came, last = self._later.get(path, (self.events, mark))
            if mark != last:
                self.late[path] = came, self.events
            self._later[path] = came, mark

    def end(self, matrices: Sequence[str]) -> int:
        """After how many events all has changed that a step changes: then nothing new does for twice as long.

        Half of the matrices must have changed by then.
        """
        times = sorted(set(self.changed.values()))
        for time, following in itertools.pairwise(times):
            moved = sum(self.changed.get(path, time + 1) <= time for path in matrices)
            if following > 3 * max(time, SHORTEST) and 2 * moved > len(matrices):
                return time
        return times[-1] if times else 0


AT_THE_END = ""
"""What is said in the place of a function of all that can be reached where a step began."""

OF_NO_CALL = -1
"""What is said in the place of a call's number of what is seen within it, or written elsewhere."""

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
    complete, of_the_target
        Whether the step came to its end, and whether what was asked about had any part in it.
    wanted
        The arrays that are kept, of those computed; all without that.
    """

    numbers: dict[Key, float] = field(default_factory=dict)
    arrays: dict[Key, np.ndarray] = field(default_factory=dict)
    when: dict[Key, int] = field(default_factory=dict)
    final: dict[str, np.ndarray] = field(default_factory=dict)
    limits: list[float] = field(default_factory=list)
    complete: bool = False
    of_the_target: bool = False
    wanted: Collection[Key] | None = None
    _calls: dict[str, int] = field(default_factory=dict)
    _size: int = 0

    def take(self, frame: FrameType, value: Any, event: int, reach: Reach) -> None:
        """Keep what a function that returns holds, and what it returns; what its object keeps is there at the end."""
        name = frame.f_code.co_qualname
        number = self._calls[name] = self._calls.get(name, -1) + 1
        self.keep(name, min(number, MOST_CALLS), Names({**own_names(frame), "result": value}), event, reach)

    def repeated_in(self, other: "Recording") -> "Recording":
        """Return what came out the same when it was computed again."""
        numbers = {k: n for k, n in self.numbers.items() if other.numbers.get(k) == n and np.isfinite(n)}
        arrays = {
            k: a for k, a in self.arrays.items() if k in other.arrays and np.array_equal(a, other.arrays[k])
        }
        return Recording(numbers=numbers, arrays=arrays)

    def keep_state(self, begin: Begin, event: int) -> None:
        """Keep all that can be reached where the step began, as it is at the end."""
        self.keep(AT_THE_END, 0, begin.names(), event, begin.reach)

    def keep_numbers(self, frame: FrameType, event: int) -> None:
        """Keep the numbers among the variables of a loop that begins again, over those of the round before."""
        name = frame.f_code.co_qualname
        for variable, value in own_names(frame).items():
            if variable[:2] != "__" and (number := number_in(value)) is not None:
                self.numbers[name, OF_NO_CALL, variable] = number
                self.when.setdefault((name, OF_NO_CALL, variable), event)

    def keep_written(self, found: Iterable[tuple[str, str, float]], event: int) -> None:
        """Keep the values that expressions of the source have now, as of no call."""
        for function, text, number in found:
            self.numbers[function, OF_NO_CALL, text] = number
            self.when[function, OF_NO_CALL, text] = event

    def keep(self, name: str, number: int, names: Names, event: int, reach: Reach) -> None:
        """Keep the numbers and arrays below some names."""
        numbers, arrays = reach.both(names)
        for path, each in numbers.items():
            self.numbers[name, number, path] = each
            self.when[name, number, path] = event
        if self.wanted is not None and not any(key[:2] == (name, number) for key in self.wanted):
            return
        for path, array in arrays.items():
            wanted = self.wanted is None or (name, number, path) in self.wanted
            if wanted and array.size > 1 and self._size < MOST_KEPT:
                self._size += array.nbytes
                self.arrays[name, number, path] = array.copy()
                self.when[name, number, path] = event


def own_names(frame: FrameType) -> dict[str, Any]:
    """Return the variables of a function but for its object, which is looked at in the end."""
    return {name: each for name, each in frame.f_locals.items() if name not in ("self", "cls")}


MOST_CALLS, MOST_KEPT = 40, 20_000_000
"""Calls of one function that are kept apart, and bytes of arrays that are kept of a step."""
