"""How the parameters of somebody's torch module may stand for those of an Elman network: by shape and order.

With I, H and O all different, a shape tells what a parameter is, but for what is tried: whether a square matrix is
transposed, in which order x and h stand in one matrix over both, and which layer and direction it belongs to. Those of
torch's own cells are known by their names.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Literal, TypeAlias

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.hand_written.calling.hints.names import weight_hint
from refrnn import Array

START = "h_0"
"""What a learned initial state stands for, among the names of parameters."""

Kind: TypeAlias = Literal["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
KINDS: tuple[Kind, ...] = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

OF_TORCH = re.compile(r"(?:.*\.)?(weight_ih|weight_hh|bias_ih|bias_hh)(?:_l\d+(?:_reverse)?)?")
"""What torch's own cells call their parameters."""

HINTS = {
    "W_ih": ("weight_ih",),
    "W_hh": ("weight_hh",),
    "b": ("bias",),
    "W_hy": (HEAD_WEIGHT,),
    "b_y": (HEAD_BIAS,),
}
"""What a parameter's name hints at, and the beginnings of torch's names that this means."""


class Network(Struct, frozen=True, kw_only=True):
    """Sizes of a network, its layers and directions; `shared` tells across which of these one cell serves all."""

    inputs: int
    hidden: int
    outputs: int
    layers: int = 1
    directions: int = 1
    shared: Literal["", "layers", "directions"] = ""

    @property
    def width(self) -> int:
        """Size of a step of the last layer's output."""
        return self.directions * self.hidden

    @property
    def places(self) -> int:
        """How many scans there are."""
        return self.layers * self.directions

    def orders(self) -> list[list[tuple[int, int]]]:
        """Return the orders in which a module may hold the cells of its layers and directions."""
        layers = range(1 if self.shared == "layers" else self.layers)
        directions = range(1 if self.shared == "directions" else self.directions)
        by_layer, by_direction = (
            list(product(layers, directions)),
            [(k, d) for d in directions for k in layers],
        )
        return [by_layer] if by_layer == by_direction else [by_layer, by_direction]

    def read_by(self, layer: int) -> int:
        """Return the size of what a layer reads."""
        return self.inputs if layer == 0 else self.width


class Part(Struct, frozen=True, kw_only=True):
    """What one parameter of a module holds: parameters by torch's names, side by side, possibly transposed."""

    names: tuple[str, ...]
    shape: tuple[int, ...]
    transposed: bool = False

    def value(self, arrays: Mapping[str, Array]) -> Array:
        """Return what the module's parameter must be."""
        whole = np.concatenate([arrays[name] for name in self.names], axis=-1)
        return (whole.T if self.transposed else whole).reshape(self.shape)

    def gradients(self, gradient: Array, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Return the gradients by torch's names that the gradient of the module's parameter holds."""
        if self.names == (START,):
            return {}
        shapes = [arrays[name].shape for name in self.names]
        whole = (*shapes[0][:-1], sum(shape[-1] for shape in shapes))
        turned = gradient.reshape(whole[::-1]).T if self.transposed else gradient.reshape(whole)
        ends = np.cumsum([shape[-1] for shape in shapes])[:-1]
        return dict(zip(self.names, np.split(turned, ends, axis=-1), strict=True))

    def __str__(self) -> str:
        text = " | ".join(self.names)
        return f"({text})ᵀ" if self.transposed else text


class Taken(Struct, frozen=True):
    """What has been taken so far: how many places of each kind, and the orientation of each kind's matrices."""

    order: Sequence[tuple[int, int]]
    counts: Mapping[Kind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    turned: Mapping[Kind, bool] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()

    def with_part(self, part: Part, *kinds: Kind) -> "Taken":
        """Return the same with one more parameter, of the next place of these kinds."""
        counts = {kind: count + (kind in kinds) for kind, count in self.counts.items()}
        turned = {**self.turned, **dict.fromkeys(kinds, part.transposed)}
        return replace(self, counts=counts, turned=turned, parts=(*self.parts, part))

    def next(self, kind: Kind) -> tuple[int, int] | None:
        """Return the next place that lacks a parameter of this kind."""
        return self.order[self.counts[kind]] if self.counts[kind] < len(self.order) else None

    def holds(self, name: str) -> bool:
        """Return whether a parameter of this name has been taken."""
        return any(name in part.names for part in self.parts)

    @property
    def complete(self) -> bool:
        """Whether every place has its matrices, and all or none have each bias."""
        whole = len(self.order)
        return all(self.counts[kind] == whole for kind in KINDS[:2]) and all(
            self.counts[kind] in (0, whole) for kind in KINDS[2:]
        )


Plan: TypeAlias = Mapping[str, Part]
"""One way of reading a module: what each of its parameters holds."""


def plans(shapes: Mapping[str, tuple[int, ...]], network: Network, linear: frozenset[str]) -> Iterator[Plan]:
    """Yield the ways of reading parameters of these shapes in a network; those of `linear` are never transposed."""
    for order in network.orders():
        for taken in _taken(list(shapes.items()), Taken(order), network, linear):
            if taken.complete and (not network.outputs or taken.holds(HEAD_WEIGHT)):
                yield dict(zip(shapes, taken.parts, strict=True))


def _taken(
    left: Sequence[tuple[str, tuple[int, ...]]], taken: Taken, network: Network, linear: frozenset[str]
) -> Iterator[Taken]:
    """Yield everything that the parameters that are `left` may be, after what is taken."""
    if not left:
        yield taken
        return
    (name, shape), *rest = left
    for each in _options(name, shape, taken, network, linear):
        yield from _taken(rest, each, network, linear)


def _options(
    name: str, shape: tuple[int, ...], taken: Taken, network: Network, linear: frozenset[str]
) -> Iterator[Taken]:
    """Yield what one parameter may be."""
    core = shape
    while len(core) > 1 and core[0] == 1:
        core = core[1:]
    known = OF_TORCH.fullmatch(name) if name in linear else None
    hidden = network.hidden
    for kinds in (("weight_ih",), ("weight_hh",), ("weight_ih", "weight_hh"), ("weight_hh", "weight_ih")):
        place = taken.next("weight_ih" if "weight_ih" in kinds else "weight_hh")
        if place is None or (known and kinds != (known[1],)) or len(core) != 2:
            continue
        if len(kinds) > 1 and taken.counts["weight_ih"] != taken.counts["weight_hh"]:
            continue
        widths = {"weight_ih": network.read_by(place[0]), "weight_hh": hidden}
        names = tuple(_called(kind, place) for kind in kinds)
        for transposed in _orientations(core, (hidden, sum(widths[k] for k in kinds)), fixed=name in linear):
            if all(taken.turned.get(kind, transposed) == transposed for kind in kinds):
                yield taken.with_part(Part(names=names, shape=shape, transposed=transposed), *kinds)
    if core == (hidden,):
        yield from _biases(shape, taken, known[1] if known else "")
    yield from _of_head(core, shape, taken, network, fixed=name in linear)
    count = int(np.prod(shape))
    if count == network.places * hidden and shape[-1] == hidden and not known and not taken.holds(START):
        yield replace(taken, parts=(*taken.parts, Part(names=(START,), shape=shape)))


def _biases(shape: tuple[int, ...], taken: Taken, known: str) -> Iterator[Taken]:
    """Yield the biases that a vector may be; b_hh comes after b_ih, from which nothing tells it."""
    for kind in KINDS[2:]:
        place = taken.next(kind)
        in_order = kind == "bias_ih" or taken.counts["bias_hh"] < taken.counts["bias_ih"]
        if place is not None and in_order and known in ("", kind):
            yield taken.with_part(Part(names=(_called(kind, place),), shape=shape), kind)


def _of_head(
    core: tuple[int, ...], shape: tuple[int, ...], taken: Taken, network: Network, *, fixed: bool
) -> Iterator[Taken]:
    """Yield what of a head a parameter may be."""
    if not network.outputs:
        return
    if core == (network.outputs,) and not taken.holds(HEAD_BIAS):
        yield replace(taken, parts=(*taken.parts, Part(names=(HEAD_BIAS,), shape=shape)))
    if len(core) == 2 and not taken.holds(HEAD_WEIGHT):
        for transposed in _orientations(core, (network.outputs, network.width), fixed=fixed):
            part = Part(names=(HEAD_WEIGHT,), shape=shape, transposed=transposed)
            yield replace(taken, parts=(*taken.parts, part))


def _orientations(core: tuple[int, ...], wanted: tuple[int, int], *, fixed: bool) -> list[bool]:
    """Return whether a matrix may be as wanted, and transposed."""
    return [turned for turned in (False, True)[: 2 - fixed] if (core[::-1] if turned else core) == wanted]


def _called(kind: Kind, place: tuple[int, int]) -> str:
    """Return torch's name of a parameter."""
    return f"{kind}_l{place[0]}{'_reverse' if place[1] else ''}"


def surprises(plan: Plan) -> int:
    """Return how many parameters hold something else than their names hint at."""
    return sum(
        not part.names[0].startswith(HINTS[hint])
        for name, part in plan.items()
        if (hint := _hint(name)) is not None
    )


def _hint(name: str) -> str | None:
    """Return which parameter a name hints at, by its own or by that of the layer that it belongs to."""
    owner, _, own = name.rpartition(".")
    if own == "bias":
        return None
    hint = weight_hint(name) or weight_hint(own)
    return hint or (weight_hint(owner.rpartition(".")[2]) if own == "weight" else None)
