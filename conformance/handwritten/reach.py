"""Every array and container that can be reached from a value, with the Python expression that leads there."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

DEEPEST, MOST = 7, 4000
"""How many steps away from the root, and how many values in all, are looked at."""

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


@dataclass(frozen=True, slots=True)
class Reached:
    """A value and the expression that leads to it."""

    path: str
    value: Any

    @property
    def name(self) -> str:
        """The last name or key of the path."""
        last = self.path.rstrip("]").replace("['", ".").replace("[", ".").replace("'", "").rpartition(".")[2]
        return last or self.path


def reach(
    root: str,
    value: Any,  # noqa: ANN401 - whatever foreign code holds
    *,
    seen: set[int] | None = None,
    depth: int = DEEPEST,
) -> Iterator[Reached]:
    """Yield `value`, named `root`, and everything below it, nearest first, each object once and none of those in `seen`."""
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
    if isinstance(value, np.ndarray):
        if value.dtype == object and value.size <= 200:
            for index in np.ndindex(value.shape):
                yield Reached(f"{item.path}[{', '.join(map(str, index))}]", value[index])
    elif isinstance(value, dict):
        for key, inner in list(value.items())[:200]:
            if isinstance(key, (str, int, tuple)):
                yield Reached(f"{item.path}[{key!r}]", inner)
    elif isinstance(value, (list, tuple)):
        for n, inner in enumerate(value[:200]):
            yield Reached(f"{item.path}[{n}]", inner)
    elif isinstance(value, types.FunctionType):
        for n, cell in enumerate(value.__closure__ or ()):
            yield Reached(f"{item.path}.__closure__[{n}].cell_contents", _contents(cell))
    elif isinstance(value, types.MethodType):
        yield Reached(f"{item.path}.__self__", value.__self__)
    elif not isinstance(value, (int, float, complex, np.generic)):
        yield from _attributes(item)


def _attributes(item: Reached) -> Iterator[Reached]:
    value = item.value
    own = getattr(value, "__dict__", None)
    names = dict(own) if isinstance(own, dict) else {}
    for base in type(value).__mro__:
        for slot in getattr(base, "__slots__", ()) if not isinstance(getattr(base, "__slots__", ()), str) else ():
            if slot not in names and hasattr(value, slot):
                names[slot] = getattr(value, slot)
        if base.__module__ not in ("builtins", "numpy") and not names.keys() >= vars(base).keys():
            names |= {k: v for k, v in vars(base).items() if k not in names and isinstance(v, (np.ndarray, list, dict)) and k[:2] != "__"}
    for name, inner in names.items():
        if name.isidentifier():
            yield Reached(f"{item.path}.{name}", inner)


def _contents(cell: types.CellType) -> Any:  # noqa: ANN401
    try:
        return cell.cell_contents
    except ValueError:  # a name that isn't bound yet
        return None


def arrays(root: str, value: Any) -> list[Reached]:  # noqa: ANN401
    """Return the float arrays that can be reached and written to."""
    return [
        item
        for item in reach(root, value)
        if isinstance(item.value, np.ndarray) and item.value.dtype.kind == "f" and item.value.flags.writeable and item.value.ndim
    ]
