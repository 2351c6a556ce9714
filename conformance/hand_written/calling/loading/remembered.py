"""The globals of a module, put back to what they were before foreign code has run."""

import copy
import types
from collections.abc import Iterable
from typing import Any

import numpy as np


class Remembered:
    """What the names of a module are bound to, and what its arrays, lists and dicts hold."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module = module
        self._names = dict(vars(module))
        self._arrays = [(value, value.copy()) for value in _arrays_in(self._names.values())]
        self._containers = [
            (value, copy.copy(value))
            for name, value in self._names.items()
            if isinstance(value, (list, dict)) and name[:2] != "__"
        ]

    def put_back(self) -> None:
        """Put everything back."""
        names = vars(self._module)
        if len(names) != len(self._names):
            for name in set(names) - set(self._names):
                del names[name]
        names.update(self._names)
        for kept, value in self._containers:
            if isinstance(kept, list):
                kept[:] = value
            elif _holds_arrays(kept) or kept != value:
                kept.clear()
                kept.update(value)
        for array, values in self._arrays:
            array[...] = values


def _holds_arrays(value: dict[Any, Any]) -> bool:
    return any(isinstance(item, np.ndarray) for item in value.values())


def _arrays_in(values: Iterable[Any]) -> list[np.ndarray]:
    found = []
    for value in values:
        if isinstance(value, np.ndarray):
            if value.flags.writeable:
                found.append(value)
        elif isinstance(value, (list, tuple)):
            found += _arrays_in(value)
        elif isinstance(value, dict) and "__builtins__" not in value:
            found += _arrays_in(value.values())
    return found
