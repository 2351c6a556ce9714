"""Every array and number that can be reached from the frames and modules of foreign code, by a path to it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from types import FrameType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from msgspec import Struct

WIDEST, DEEPEST, MOST = 200, 6, 3_000
"""Entries of one container, steps from a name, and things in all that are looked at."""

LARGEST = 1_000_000
"""Elements of an array beyond which it is data."""

Found = dict[str, np.ndarray]
"""Arrays by the paths that lead to them."""


class Reach(Struct, frozen=True):
    """What may be looked into: namespaces, and instances of classes that the modules of these names define."""

    modules: Collection[str]

    def arrays(self, names: Mapping[str, Any]) -> Found:
        """Return the arrays of floats below some names."""
        return {path: value for path, value, *_ in self._below(names) if _is_of_floats(value)}

    def places(self, names: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Return what holds each array of floats below some names, and by which key: None where a name does."""
        return {
            path: (holder, key) for path, value, holder, key in self._below(names) if _is_of_floats(value)
        }

    def both(self, names: Mapping[str, Any]) -> tuple[dict[str, float], Found]:
        """Return the numbers with a fraction below some names, of a list of them the last; and the arrays of floats."""
        numbers, arrays = {}, {}
        for path, value, *_ in self._below(names):
            if _is_of_floats(value):
                arrays[path] = value
            if (number := number_in(value)) is not None:
                numbers[path] = number
        return numbers, arrays

    def _below(self, names: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any, Any]]:
        """Yield paths and values, nearest first, each with what holds it and the key there."""
        seen: set[int] = set()
        level = [(name, value, None, name) for name, value in names.items() if name[:2] != "__"]
        count = 0
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
                if isinstance(value, np.ndarray):
                    yield item
                    continue
                count += 1
                if count > MOST:
                    return
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


def at(place: tuple[Any, Any], names: Mapping[str, Any]) -> Any:
    """Return what is at a place now, None where nothing is."""
    holder, key = place
    if holder is None:
        return names.get(key)
    try:
        return holder[key]
    except (KeyError, IndexError):
        return None


def _is_of_floats(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.dtype.kind == "f"
        and 0 < value.size <= LARGEST
        and value.ndim > 0
    )


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
