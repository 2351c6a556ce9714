"""One comparison of arrays, and the rule by which its elements agree, differ, or can't be decided.

The rule, for an element `got` against `expected` (computed from the subject's own previous values):

    1. Σ|terms| over the terms whose factors are finite is a quarter of the largest number or more, so that a correct
       program may overflow on the way or not; or the comparison is `doubtful`, since noise isn't small against the
       quantity. The element is undecided.
    2. Otherwise NaN and infinities are the same in every correct program, since they come from the inputs alone: NaN
       must meet NaN, and an infinity the same infinity.
    3. Otherwise |got − expected| ≤ bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
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
        parts = (
            []
            if self.layer is None
            else [f"layer {self.layer} {('forward', 'reverse')[self.direction or 0]}"]
        )
        parts += [f"t = {i}" if axis == "t" else f"{axis} {i}" for axis, i in self.index.items()]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came out of one comparison.

    Nothing is `at_stake` where every term of every sum is 0: no fault of the arithmetic could have shown.
    `share` is |got − expected| / bound element by element, NaN where an element isn't judged or is undecided, infinite
    where a value differs that no bound can excuse.
    """

    comparison: Comparison
    elements: int
    mismatches: int
    undecided: int
    at_stake: bool
    share: Array = field(repr=False)
    absolute: float
    relative: float
    ulp: float
    first: Divergence | None
    worst: Divergence | None

    @property
    def verdict(self) -> Literal["agrees", "differs", "undecidable", "vacuous"]:
        """What the comparison says; one wrong element is enough, one undecided element is too many."""
        if self.mismatches:
            return "differs"
        if self.undecided:
            return "undecidable"
        return "agrees" if self.at_stake else "vacuous"

    @property
    def agrees_to(self) -> float:
        """The greatest bound over the greatest expected value: differences from there on were sure to be seen."""
        seen = ~np.isnan(self.share)
        bound = np.broadcast_to(self.comparison.bound, seen.shape)[seen].max(initial=0.0)
        largest = np.abs(self.comparison.expected[seen]).max(initial=0.0)
        return float(bound / largest) if largest else 0.0


@dataclass(frozen=True, slots=True)
class Measures:
    """The difference of every element, in every unit in which it is told; 0 where it isn't judged."""

    share: Array  # of the bound; NaN where not judged or undecided
    absolute: Array
    relative: Array
    ulp: Array


def decide(comparison: Comparison, precision: Precision) -> Finding:
    """Apply the rule to every element.

    Raises
    ------
    ValueError
        If the two arrays differ in shape: nothing is ever broadcast.
    """
    c = comparison
    if c.got.shape != c.expected.shape:
        message = f"{c.quantity} has the shape {c.got.shape} where {c.expected.shape} was expected."
        raise ValueError(message)
    judged = None if c.judged is None else np.broadcast_to(c.judged, c.got.shape)
    undecided = _undecided(c, precision, judged)
    counted = judged if undecided is None else (~undecided if judged is None else judged & ~undecided)
    with np.errstate(all="ignore"):
        m = _measured(c, precision, counted)
    mismatches = int((m.share > 1).sum())
    some = m.share.size > 0 and (counted is None or bool(counted.any()))
    return Finding(
        comparison=c,
        elements=c.got.size if judged is None else int(judged.sum()),
        mismatches=mismatches,
        undecided=0 if undecided is None else int(undecided.sum()),
        at_stake=bool(np.any(c.expected)) or bool(np.any(c.terms)),
        share=m.share,
        absolute=float(m.absolute.max(initial=0.0)),
        relative=float(m.relative.max(initial=0.0)),
        ulp=float(m.ulp.max(initial=0.0)),
        first=_described(c, m, _first(m.share > 1, backwards=c.backwards)) if mismatches else None,
        worst=_described(c, m, _worst(m.share, counted)) if some else None,
    )


def _undecided(c: Comparison, precision: Precision, judged: Array | None) -> Array | None:
    """Return where rule 1 applies, None for nowhere."""
    limit = precision.largest / 4
    if c.doubtful is None and np.all(np.less(c.terms, limit)):  # a NaN isn't less
        return None
    undecided = ~np.less(np.broadcast_to(c.terms, c.got.shape), limit)
    if c.doubtful is not None:
        undecided |= c.doubtful
    return undecided if judged is None else undecided & judged


def _measured(c: Comparison, precision: Precision, counted: Array | None) -> Measures:
    """Measure every difference; where rule 2 is broken, it is infinite."""
    absolute, size = np.abs(c.got - c.expected), np.abs(c.expected)
    if not np.isfinite(absolute).all():
        equal = (c.got == c.expected) | (np.isnan(c.got) & np.isnan(c.expected))
        absolute = np.where(equal, 0.0, np.where(np.isfinite(absolute), absolute, np.inf))
        size = np.where(np.isfinite(size), size, 0.0)
    if counted is not None:
        absolute = np.where(counted, absolute, 0.0)
    differs = absolute > 0
    share = np.divide(absolute, c.bound, out=np.zeros_like(absolute), where=differs)
    if counted is not None:
        share[~counted] = np.nan
    share[differs & np.isnan(share)] = np.inf  # a bound that isn't a number excuses nothing
    spacing = np.spacing(np.minimum(size, precision.largest / 2).astype(precision.subject))
    relative = np.divide(absolute, size, out=np.zeros_like(absolute), where=differs)
    return Measures(share=share, absolute=absolute, relative=relative, ulp=absolute / spacing)


def _first(wrong: Array, *, backwards: bool) -> tuple[int, ...]:
    """Return the index of the first wrong element in the order of the data flow."""
    flow = np.flip(wrong, 0) if backwards else wrong
    t, *rest = map(int, np.unravel_index(int(np.argmax(flow)), wrong.shape))
    return (len(wrong) - 1 - t if backwards else t, *rest)


def _worst(share: Array, counted: Array | None) -> tuple[int, ...]:
    """Return the index of the greatest share."""
    flat = share if counted is None else np.where(counted, share, -1.0)
    return tuple(map(int, np.unravel_index(int(flat.argmax()), share.shape)))


def _described(c: Comparison, m: Measures, index: tuple[int, ...]) -> Divergence:
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
        share=float(m.share[index]),
        absolute=float(m.absolute[index]),
        relative=float(m.relative[index]),
        ulp=float(m.ulp[index]),
    )
