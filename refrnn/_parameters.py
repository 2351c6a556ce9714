"""Names, shapes, first values and loading of the parameters, as in torch's state dicts.

Parameters are read-only arrays. Training replaces them, so that a trace keeps the very weights it
was computed with, and a backward pass can't meet others.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from refrnn import _checks
from refrnn._cell import Cell
from refrnn._types import PARAMETERS, Array, Weights, read_only

Shapes = Mapping[str, tuple[int, ...]]


def shapes(
    cell: Cell, *, input_size: int, hidden_size: int, layers: int, directions: int, bias: bool
) -> dict[str, tuple[int, ...]]:
    """Return every parameter's name and shape in torch's order."""
    found: dict[str, tuple[int, ...]] = {}
    rows, projected = cell.blocks * hidden_size, cell.widths(hidden_size)[0]
    for layer in range(layers):
        width = input_size if layer == 0 else directions * projected
        for direction in range(directions):
            end = suffix(layer, direction)
            found[f"weight_ih_{end}"] = (rows, width)
            found[f"weight_hh_{end}"] = (rows, projected)
            if bias:
                found[f"bias_ih_{end}"] = (rows,)
                found[f"bias_hh_{end}"] = (rows,)
            if projected != hidden_size:
                found[f"weight_hr_{end}"] = (projected, hidden_size)
    return found


def suffix(layer: int, direction: int) -> str:
    """Return the end of a parameter's name, such as `l1_reverse`."""
    return f"l{layer}_reverse" if direction else f"l{layer}"


def gathered(parameters: Mapping[str, Array], end: str) -> Weights:
    """Return the parameters whose names end so: those of one direction of one layer, or of a single step."""
    w_ih, w_hh = (parameters[name + end] for name in PARAMETERS[:2])
    return Weights(w_ih, w_hh, *(parameters.get(name + end) for name in PARAMETERS[2:]))


def drawn(
    wanted: Shapes, bound: float, dtype: np.dtype[Any], generator: np.random.Generator | None
) -> Mapping[str, Array]:
    """Draw every parameter uniformly from ±bound, as torch does with bound = 1/√H."""
    generator = _checks.generator(generator) or np.random.default_rng()
    return Frozen(
        {name: generator.uniform(-bound, bound, shape).astype(dtype) for name, shape in wanted.items()}
    )


def loaded(state: Mapping[str, object], wanted: Shapes, dtype: np.dtype[Any]) -> Mapping[str, Array]:
    """Return copies of `state`, refusing wrong names, shapes and casts that lose digits."""
    _checks.instance("The state", state, Mapping, "Pass what state_dict returns.")
    missing = [name for name in wanted if name not in state]
    unknown = [name for name in state if name not in wanted]
    if missing or unknown:
        problem = "; ".join(
            f"{word}: {', '.join(map(str, names))}"
            for word, names in (("missing", missing), ("unknown", unknown))
            if names
        )
        message = (
            f"The state must hold exactly the parameters {', '.join(wanted)}; {problem}. Build the network "
            "with the same layers, directions and bias as the one that the state comes from."
        )
        raise ValueError(message)
    return Frozen(
        {name: _checks.safe_cast(name, state[name], dtype, shape) for name, shape in wanted.items()}
    )


def refuse_foreign(found: Mapping[str, Array], own: Mapping[str, Array]) -> None:
    """Refuse a trace whose parameters aren't `own` in names, shapes and dtype; their values may differ."""
    if found is own:
        return
    theirs, ours = (
        {name: f"{name} {array.dtype} {array.shape}" for name, array in parameters.items()}
        for parameters in (found, own)
    )
    if theirs != ours:
        expected = [text for name, text in ours.items() if theirs.get(name) != text]
        given = [text for name, text in theirs.items() if ours.get(name) != text]
        message = (
            f"trace must be that of a network with {', '.join(expected) or 'nothing more'}; got one with "
            f"{', '.join(given) or 'nothing of that'}. Pass what this network's forward returned."
        )
        raise ValueError(message)


class Frozen(Mapping[str, Array]):
    """A read-only mapping of read-only arrays, which stay so when it is pickled or deep-copied."""

    __slots__ = ("_arrays",)

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._arrays = {name: read_only(array) for name, array in arrays.items()}

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        return repr(self._arrays)

    def __or__(self, other: Mapping[str, Array]) -> dict[str, Array]:
        return {**self, **other}

    def __ror__(self, other: Mapping[str, Array]) -> dict[str, Array]:
        return {**other, **self}

    def __reduce__(self) -> tuple[type["Frozen"], tuple[dict[str, Array]]]:
        return Frozen, (self._arrays,)
