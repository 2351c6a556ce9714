"""Every array and number that can be reached from the frames and modules of foreign code, by a path to it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from types import FrameType, ModuleType
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
    """What may be looked into: instances of classes that the modules of these names define."""

    modules: Collection[str]

    def arrays(self, names: Mapping[str, Any]) -> Found:
        """Return the arrays of floats below some names."""
        return {path: value for path, value in self._below(names) if _is_of_floats(value)}

    def numbers(self, names: Mapping[str, Any]) -> dict[str, float]:
        """Return the numbers with a fraction below some names; of a list of them the last."""
        return {
            path: float(value)
            for path, value in self._below(names)
            if isinstance(value, (float, np.floating))
            or (isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind == "f")
        }

    def _below(self, names: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        level = [(name, value) for name, value in names.items() if name[:2] != "__"]
        count = 0
        for _ in range(DEEPEST):
            following: list[tuple[str, Any]] = []
            for path, value in level:
                if (
                    isinstance(value, (int, str, bytes))
                    or value is None
                    or isinstance(value, (ModuleType, type))
                ):
                    continue
                if isinstance(value, (np.ndarray, float, np.generic)):
                    if isinstance(value, np.ndarray):
                        if id(value) in seen:
                            continue
                        seen.add(id(value))
                    yield path, value
                    continue
                if id(value) in seen:
                    continue
                seen.add(id(value))
                count += 1
                if count > MOST:
                    return
                following += self._inside(path, value)
            level = following

    def _inside(self, path: str, value: Any) -> list[tuple[str, Any]]:
        """Return what lies in a container or an instance; of a long list of numbers its last entry."""
        if isinstance(value, dict):
            if len(value) > WIDEST:
                return []
            return [(f"{path}[{key!r}]", each) for key, each in value.items()]
        if isinstance(value, (list, tuple)):
            if not value:
                return []
            if isinstance(value[-1], float):
                return [(f"{path}[-1]", value[-1])]
            if len(value) > WIDEST or isinstance(value[0], (int, str)):
                return []
            return [(f"{path}[{n}]", each) for n, each in enumerate(value)]
        if type(value).__module__ in self.modules:
            own = getattr(value, "__dict__", None)
            if isinstance(own, dict):
                return [(f"{path}.{name}", each) for name, each in own.items() if isinstance(name, str)]
        return []


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
    """Return a number that tells what an array holds, to the last bit."""
    return hash((array.shape, array.tobytes()))
