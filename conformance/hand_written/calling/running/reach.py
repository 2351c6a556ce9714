"""Every array and container that can be reached from a value, with the Python expression that leads there."""

import itertools
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
from msgspec import Struct

DEEPEST, MOST, WIDEST = 7, 4000, 200
"""How many steps away from the root, how many values in all, and how many of one container are looked at."""

SKIPPED = (
    types.ModuleType,
    type,
    str,
    bytes,
    np.random.Generator,
    np.random.RandomState,
    types.BuiltinFunctionType,
    range,
)


class Reached(Struct, frozen=True):
    """A value and the expression that leads to it."""

    path: str
    value: Any

    @property
    def name(self) -> str:
        """The last name or key of the path."""
        last = self.path.rstrip("])").replace("['", ".").replace("[", ".").replace("'", "").rpartition(".")[2]
        return last or self.path


class Renamed(Reached, frozen=True):
    """A value with a better name than its path has: the one that a return statement gives it."""

    given: str

    @property
    def name(self) -> str:
        """The better name."""
        return self.given


def reach(
    root: str,
    value: Any,
    *,
    seen: set[int] | None = None,
    depth: int = DEEPEST,
) -> Iterator[Reached]:
    """Yield `value`, named `root`, and all below it, nearest first, each object once and none of those in `seen`."""
    seen = set() if seen is None else seen
    level = [Reached(root, value)]
    count = 0
    for _ in range(depth):
        following: list[Reached] = []
        for item in level:
            if id(item.value) in seen and not isinstance(item.value, (int, float)):
                continue
            seen.add(id(item.value))
            yield item
            count += 1
            if count > MOST:
                return
            following += _below(item)
        level = following


def _below(item: Reached) -> Iterator[Reached]:
    value = item.value
    if isinstance(value, SKIPPED) or value is None:
        return
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from (Reached(f"{item.path}.{name}", getattr(value, name)) for name in value._fields)
    elif isinstance(value, (np.ndarray, dict, list, tuple)):
        yield from (Reached(f"{item.path}[{key}]", inner) for key, inner in _entries(value))
    elif isinstance(value, types.FunctionType):
        for n, cell in enumerate(value.__closure__ or ()):
            yield Reached(f"{item.path}.__closure__[{n}].cell_contents", _contents(cell))
    elif isinstance(value, types.MethodType):
        yield Reached(f"{item.path}.__self__", value.__self__)
    elif not isinstance(value, (int, float, complex, np.generic)):
        names = {**_class_attributes(value), **_attributes(value)}
        yield from (
            Reached(f"{item.path}.{name}", inner) for name, inner in names.items() if name.isidentifier()
        )


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the entries of a container by the text of their keys; of arrays only those that hold objects."""
    if isinstance(value, np.ndarray):
        if value.dtype == object and value.size <= WIDEST:
            yield from ((", ".join(map(str, index)), value[index]) for index in np.ndindex(value.shape))
    elif isinstance(value, dict):
        entries = itertools.islice(value.items(), WIDEST)
        yield from ((repr(key), inner) for key, inner in entries if isinstance(key, (str, int, tuple)))
    else:
        yield from ((str(n), inner) for n, inner in enumerate(value[:WIDEST]))


def _attributes(value: Any) -> dict[str, Any]:
    """Return what an instance holds, in its dict or its slots."""
    found: dict[str, Any] = {}
    for base in type(value).__mro__:
        slots = getattr(base, "__slots__", ())
        found |= {
            s: getattr(value, s) for s in ((slots,) if isinstance(slots, str) else slots) if hasattr(value, s)
        }
    own = getattr(value, "__dict__", None)
    return found | (own if isinstance(own, dict) else {})


def _class_attributes(value: Any) -> dict[str, Any]:
    """Return the arrays and containers that an instance's own classes hold for all of them."""
    bases = [base for base in type(value).__mro__ if base.__module__ not in ("builtins", "numpy")]
    return {
        name: inner
        for base in reversed(bases)
        for name, inner in vars(base).items()
        if isinstance(inner, (np.ndarray, list, dict)) and not name.startswith("__")
    }


def _contents(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that isn't bound yet
        return None
