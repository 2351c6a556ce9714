"""How the parameters of somebody's torch module may stand for those of an Elman network: by shape, names aside.

With I, H and O all different, a shape tells what a parameter is, but for three things that are tried: whether W_hh is
transposed, in which order x and h stand in one matrix over both, and how a sequence lies.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Literal

import numpy as np

from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from refrnn import Array

Calling = Literal["(T, B, I)", "(B, T, I)", "step by step"]
Sizes = tuple[int, int, int]
"""I, H and O."""

MOST_READINGS = 256
"""Ways to read one module's parameters that are tried for each way to call it."""

IH, HH = "weight_ih_l0", "weight_hh_l0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one parameter of a module holds: parameters by torch's names, side by side, possibly transposed."""

    names: tuple[str, ...]
    transposed: bool = False

    def value(self, arrays: Mapping[str, Array]) -> Array:
        """Return what the module's parameter must be."""
        whole = np.concatenate([arrays[name] for name in self.names], axis=-1)
        return whole.T if self.transposed else whole

    def gradients(self, gradient: Array, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Return the gradients by torch's names that the gradient of the module's parameter holds."""
        whole = gradient.T if self.transposed else gradient
        ends = np.cumsum([arrays[name].shape[-1] for name in self.names])[:-1]
        return dict(zip(self.names, np.split(whole, ends, axis=-1), strict=True))

    def __str__(self) -> str:
        text = " | ".join(self.names)
        return f"({text})ᵀ" if self.transposed else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way of reading a module: what each parameter holds, and how it is called."""

    parts: Mapping[str, Part]
    calling: Calling


def plans(shapes: Mapping[str, tuple[int, ...]], sizes: Sizes) -> Iterator[Plan]:
    """Yield the ways of reading parameters of these shapes in a network with sizes I, H and O, the usual ones first."""
    options = [_options(shape, sizes) for shape in shapes.values()]
    if not all(options):
        return
    callings: tuple[Calling, ...] = ("(T, B, I)", "(B, T, I)", "step by step")
    for calling in callings:
        for chosen in islice(product(*options), MOST_READINGS):
            if (parts := _distinct(dict(zip(shapes, chosen, strict=True)))) is not None:
                yield Plan(parts=parts, calling=calling)


def _options(shape: tuple[int, ...], sizes: Sizes) -> list[Part]:
    """Return what a parameter of this shape may hold."""
    inputs, hidden, outputs = sizes
    roles: list[tuple[tuple[int, ...], tuple[str, ...]]] = [
        ((hidden, inputs), (IH,)),
        ((hidden, hidden), (HH,)),
        ((hidden, inputs + hidden), (IH, HH)),
        ((hidden, inputs + hidden), (HH, IH)),
        ((outputs, hidden), (HEAD_WEIGHT,)),
        ((hidden,), ("bias_ih_l0",)),
        ((hidden,), ("bias_hh_l0",)),
        ((outputs,), (HEAD_BIAS,)),
    ]
    plain = [Part(names=names) for wanted, names in roles if wanted == shape]
    turned = [
        Part(names=names, transposed=True)
        for wanted, names in roles
        if len(shape) == 2 and wanted == shape[::-1]
    ]
    return plain + turned


def _distinct(parts: dict[str, Part]) -> dict[str, Part] | None:
    """Return `parts` if each parameter of the network has one place, biases in the order of the module; else None."""
    names = [name for part in parts.values() for name in part.names]
    hidden_biases = [name for name in names if name.startswith("bias_")]
    in_order = hidden_biases == ["bias_ih_l0", "bias_hh_l0"][: len(hidden_biases)]
    whole = {IH, HH} <= set(names)
    return parts if in_order and whole and len(set(names)) == len(names) else None
