"""One comparison of two arrays of a quantity, and what comes out of it: its finding.

By which rule single elements agree, differ or can't be decided stands in `decision.py`.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from msgspec import Struct

from conformance.judge.rounding import Precision
from refrnn import Array

Phase = Literal["forward", "backward"]
Scale = Literal["bound", "noise", "copy"]

BASES: dict[Scale, str] = {
    "bound": "recomputed from the subject's own previous values",
    "noise": "in the reference's free run",
    "copy": "among the subject's own states",
}
"""Where the expected value of a comparison comes from."""


class Comparison(Struct, frozen=True, kw_only=True):
    """Two arrays of one quantity that should agree, and how closely.

    Attributes
    ----------
    quantity
        Its name, such as "h" or "dL/dW_hh".
    axes
        The names of the axes, such as ("t", "row", "unit").
    bound
        The largest difference that rounding explains, of the arrays' shape (or a number).
    terms
        Σ|terms| of the sum behind each element (or a number), over terms whose factors are finite.
    judged
        Elements that exist, such as those outside padding; None for all.
    doubtful
        Elements for which the comparison would mean nothing; None for none.
    backwards
        Whether data flow along t from the last step to the first.
    relation
        The law between two runs that makes the two equal; empty where the reference does.
    scale
        What the bound is: the rounding of one step ("bound"), many times the rounding noise of the problem ("noise"),
        or nothing at all, where one value is a mere copy of the other ("copy").
    """

    phase: Phase
    quantity: str
    layer: int | None
    direction: int | None
    axes: tuple[str, ...]
    got: Array
    expected: Array
    bound: Array | float
    terms: Array | float = 0.0
    judged: Array | None = None
    doubtful: Array | None = None
    backwards: bool = False
    scale: Scale = "bound"
    relation: str = ""

    @property
    def basis(self) -> str:
        """Where the expected value comes from, in words."""
        if self.relation:
            return "in the subject's other run"
        return BASES[self.scale]

    @property
    def title(self) -> str:
        """What messages call it: the quantity, after the law if there is one."""
        return f"{self.relation}: {self.quantity}" if self.relation else self.quantity


def in_words(layer: int | None, direction: int | None, index: Mapping[str, int]) -> str:
    """Tell a place: a layer and direction (if it belongs to any) and an index by axis."""
    parts = [] if layer is None else [f"layer {layer} {('forward', 'reverse')[direction or 0]}"]
    parts += [f"t = {i}" if axis == "t" else f"{axis} {i}" for axis, i in index.items()]
    return ", ".join(parts)


class Divergence(Struct, frozen=True, kw_only=True):
    """One element that is wrong, with everything a message says of it."""

    phase: Phase
    quantity: str
    basis: str  # where the expected value comes from, in words
    layer: int | None
    direction: int | None
    index: Mapping[str, int]  # by axis
    got: float
    expected: float
    bound: float
    share: float
    absolute: float
    relative: float
    ulp: float

    @property
    def where(self) -> str:
        """The place in words, such as `layer 1 reverse, t = 3, row 0, unit 4`."""
        return in_words(self.layer, self.direction, self.index)


class Differences(Struct, frozen=True):
    """How far elements lie apart, in every unit in which that is told."""

    absolute: Array
    relative: Array
    ulp: Array

    @classmethod
    def between(cls, got: Array, expected: Array, precision: Precision) -> "Differences":
        """Measure every difference; infinite where a NaN meets anything else, or an infinity anything but the same."""
        absolute, size = np.abs(got - expected), np.abs(expected)
        if not np.isfinite(absolute).all():
            equal = (got == expected) | (np.isnan(got) & np.isnan(expected))
            absolute = np.where(equal, 0.0, np.where(np.isfinite(absolute), absolute, np.inf))
            size = np.where(np.isfinite(size), size, 0.0)
        relative = np.where(absolute == 0, 0.0, absolute / size)
        return cls(absolute, relative, absolute / precision.format.spacing(size))


class Finding(Struct, frozen=True, kw_only=True):
    """What came out of one comparison.

    Nothing is `at_stake` where every term of every sum is 0: no fault of the arithmetic could have shown. `worst_share`
    is the greatest share of the bound, None where no element was decided. `agrees_to` is the greatest bound over the
    greatest expected value: differences from there on were sure to be seen. `share` is |got − expected| / bound element
    by element: NaN where an element isn't judged or is undecided, infinite where no bound can excuse a difference.
    """

    comparison: Comparison
    elements: int
    mismatches: int
    undecided: int
    at_stake: bool
    worst_share: float | None
    agrees_to: float
    absolute: float
    relative: float
    ulp: float
    share: Array
    precision: Precision

    @property
    def verdict(self) -> Literal["agrees", "differs", "undecidable", "vacuous"]:
        """What the comparison says; one wrong element is enough, one undecided element is too many.

        Nor is anything decided where the bound is no small part of the quantity: too much would agree.
        """
        if self.mismatches:
            return "differs"
        if self.undecided or self.is_coarse:
            return "undecidable"
        return "agrees" if self.at_stake else "vacuous"

    @property
    def is_coarse(self) -> bool:
        """Whether rounding may be as large as a part of the quantity from which agreement says nothing."""
        return self.at_stake and self.agrees_to > self.precision.format.telling

    @property
    def first(self) -> Divergence | None:
        """The first element beyond its bound in the order of the data flow."""
        if not self.mismatches:
            return None
        wrong, backwards = self.share > 1, self.comparison.backwards
        flow = np.flip(wrong, 0) if backwards else wrong
        t, *rest = map(int, np.unravel_index(int(np.argmax(flow)), wrong.shape))
        return self._at((len(wrong) - 1 - t if backwards else t, *rest))

    @property
    def worst_where(self) -> str:
        """The place of the element with the greatest share of its bound, in words; empty where none was decided."""
        if self.worst_share is None:
            return ""
        c = self.comparison
        worst = np.argmax(self.share == self.worst_share)
        index = zip(c.axes, np.unravel_index(worst, c.got.shape), strict=True)
        return in_words(c.layer, c.direction, {axis: int(i) for axis, i in index})

    def _at(self, index: tuple[int, ...]) -> Divergence:
        c = self.comparison
        with np.errstate(all="ignore"):
            apart = Differences.between(c.got[index], c.expected[index], self.precision)
        return Divergence(
            phase=c.phase,
            quantity=c.title,
            basis=c.basis,
            layer=c.layer,
            direction=c.direction,
            index=dict(zip(c.axes, index, strict=True)),
            got=float(c.got[index]),
            expected=float(c.expected[index]),
            bound=float(c.bound if np.ndim(c.bound) == 0 else c.bound[index]),
            share=float(self.share[index]),
            absolute=float(apart.absolute),
            relative=float(apart.relative),
            ulp=float(apart.ulp),
        )
