"""Every array and number that can be reached from the frames and modules of foreign code, by a path to it."""

import dis
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from types import CodeType, FrameType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from msgspec import Struct, field

WIDEST, DEEPEST, MOST = 200, 6, 3_000
"""Entries of one container, steps from a name, and things in all that are looked at."""

LARGEST = 1_000_000
"""Elements of an array beyond which it is data."""

Found = dict[str, np.ndarray]
"""Arrays by the paths that lead to them."""


class Names(Struct, frozen=True):
    """Names that lead to arrays; those that a loop binds come last, since they move on to other things."""

    lasting: dict[str, Any] = field(default_factory=dict)
    passing: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """Return what a name stands for, None where it is no more."""
        return self.lasting.get(name, self.passing.get(name))

    def add(self, names: Mapping[str, Any], code: CodeType | None, before: str = "") -> None:
        """Add the names of a module or a function, with something before each."""
        bound = () if code is None else bound_by_loops(code)
        for name, value in names.items():
            if name[:2] != "__":
                (self.passing if name in bound else self.lasting)[before + name] = value


BINDING = ("STORE_NAME", "STORE_FAST", "STORE_GLOBAL", "STORE_DEREF")
"""Instructions that give a name a value."""


@cache
def bound_by_loops(code: CodeType) -> frozenset[str]:
    r"""Return the names that the loops of a function, or of a module, bind anew in each round before they read them.

    >>> source = "for k, (v, w) in pairs:\n    last = v\n    total = total + v\n    for i in v: pass"
    >>> sorted(bound_by_loops(compile(source, "", "exec")))
    ['i', 'k', 'last', 'v', 'w']
    """
    steps = list(dis.get_instructions(code))
    loops = {
        (each.argval, each.offset) for each in steps if "JUMP" in each.opname and each.argval < each.offset
    }
    found: set[str] = set()
    for start, end in loops:
        first: dict[str, str] = {}
        for each in (each for each in steps if start <= each.offset <= end):
            if each.opname.startswith(("STORE_", "LOAD_")) and isinstance(each.argval, str):
                first.setdefault(each.argval, each.opname)
        found |= {name for name, how in first.items() if how in BINDING}
    return frozenset(found)


class Reach(Struct, frozen=True):
    """What may be looked into: namespaces, and instances of classes that the modules of these names define."""

    modules: Collection[str]

    def arrays(self, names: Names) -> Found:
        """Return the arrays of floats below some names."""
        return {path: value for path, value, *_ in self._below(names) if _is_of_floats(value)}

    def words(self, names: Names) -> Found:
        """Return the arrays of whole numbers below some names that can be written to."""
        below = ((path, value) for path, value, *_ in self._below(names))
        return {path: value for path, value in below if _is_array_of(value, "iu") and value.flags.writeable}

    def places(self, names: Names) -> dict[str, tuple[Any, Any]]:
        """Return what holds each array of floats below some names, and by which key: None where a name does."""
        return {
            path: (holder, key) for path, value, holder, key in self._below(names) if _is_of_floats(value)
        }

    def settings(self, names: Names) -> dict[str, tuple[dict[Any, Any], Any]]:
        """Return the dict, or that of the object, which holds each number with a fraction, and by which key."""
        return {
            path: (holder, key)
            for path, value, holder, key in self._below(names)
            if type(value) is float and isinstance(holder, dict)
        }

    def holders(self, names: Names, places: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
        """Return where those lie that hold arrays at some places: what holds each, and by which key."""
        holding = {id(holder) for holder, _ in places}
        return [
            (holder, key)
            for _, value, holder, key in self._below(names)
            if id(value) in holding or id(getattr(value, "__dict__", None)) in holding
        ]

    def both(self, names: Names) -> tuple[dict[str, float], Found]:
        """Return the numbers with a fraction below some names, of a list of them the last; and the arrays of floats."""
        numbers, arrays = {}, {}
        for path, value, *_ in self._below(names):
            if _is_of_floats(value):
                arrays[path] = value
            if (number := number_in(value)) is not None:
                numbers[path] = number
        return numbers, arrays

    def _below(self, names: Names) -> Iterator[tuple[str, Any, Any, Any]]:
        """Yield paths and values, nearest first, each with what holds it and the key there: containers too."""
        seen: set[int] = set()
        count = 0
        for group in (names.lasting, names.passing):
            level = [(name, value, None, name) for name, value in group.items() if name[:2] != "__"]
            for _ in range(DEEPEST):
                following: list[tuple[str, Any, Any, Any]] = []
                for item in level:
                    value = item[1]
                    if value is None or isinstance(value, IGNORED):
                        continue
                    if isinstance(value, (float, np.generic)):
                        yield item
                        continue
                    if id(value) in seen:
                        continue
                    seen.add(id(value))
                    yield item
                    if not isinstance(value, np.ndarray) and count < MOST:
                        count += 1
                        following += self._inside(item[0], value)
                level = following

    def _inside(self, path: str, value: Any) -> list[tuple[str, Any, Any, Any]]:
        """Return what lies in a container or an instance; of a long list of numbers its last entry."""
        if isinstance(value, dict):
            return (
                [(f"{path}[{key!r}]", each, value, key) for key, each in value.items()]
                if len(value) <= WIDEST
                else []
            )
        if isinstance(value, (list, tuple)):
            if not value or isinstance(value[0], IGNORED):
                return []
            if isinstance(value[-1], float):
                return [(f"{path}[-1]", value[-1], value, -1)]
            return (
                [(f"{path}[{n}]", each, value, n) for n, each in enumerate(value)]
                if len(value) <= WIDEST
                else []
            )
        if isinstance(value, SimpleNamespace) or type(value).__module__ in self.modules:
            own = getattr(value, "__dict__", None)
            if isinstance(own, dict):
                return [(f"{path}.{n}", each, own, n) for n, each in own.items() if isinstance(n, str)]
        return []


def number_in(value: Any) -> float | None:
    """Return a number with a fraction, by itself or alone in an array; None of anything else."""
    if isinstance(value, (float, np.floating)):
        return float(value)
    alone = isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind == "f"
    return float(value.item()) if alone else None


IGNORED = (int, str, bytes, ModuleType, type)
"""What holds no array and is no number with a fraction."""


def at(place: tuple[Any, Any], names: Names) -> Any:
    """Return what is at a place now, None where nothing is."""
    holder, key = place
    if holder is None:
        return names.get(key)
    try:
        return holder[key]
    except (KeyError, IndexError):
        return None


def _is_of_floats(value: Any) -> bool:
    return _is_array_of(value, "f")


def _is_array_of(value: Any, kinds: str) -> bool:
    """Tell whether a value is an array of numbers of some kinds, as dtypes call them, that isn't too large."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in kinds:
        return False
    return 0 < value.size <= LARGEST and value.ndim > 0


def frames_from(frame: FrameType | None, is_foreign: Callable[[FrameType], bool]) -> list[FrameType]:
    """Return the foreign frames from the outermost to this one."""
    found: list[FrameType] = []
    while frame is not None:
        if is_foreign(frame):
            found.append(frame)
        frame = frame.f_back
    return found[::-1]


def fingerprint(array: np.ndarray) -> int:
    """Return a number that tells what an array holds, to the last bit; of a large one evenly spread elements."""
    flat = array.reshape(-1)
    return hash((array.shape, flat[:: 1 + flat.size // SAMPLED].tobytes()))


SAMPLED = 5_000
"""Elements of an array that are looked at after each event."""
