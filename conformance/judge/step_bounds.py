"""What the judge asks of a cell: every quantity of one step, forward and backward, and how far it may be off.

All steps of a place are the rows of one batch, N = T·B, each from the subject's own values before it. A new cell is a
file that answers, beside its noise; nothing else in the judge knows what a step computes.
"""

from collections.abc import Mapping
from typing import ClassVar, Protocol

from msgspec import Struct

from conformance.judge.flow import Flow
from conformance.judge.known import Known
from conformance.judge.rounding import Precision
from refrnn import Array, Weights


class Expected(Struct, frozen=True, kw_only=True):
    """One quantity of every step as the reference computes it from the subject's own values."""

    value: Array  # (N, ·)
    bound: Array
    terms: Array  # Σ|terms| of the sum behind each element

    @classmethod
    def of(cls, known: Known, terms: Array) -> "Expected":
        """Return what is known as what is expected."""
        return cls(value=known.value, bound=known.error, terms=terms)


class Rows(Struct, frozen=True, kw_only=True):
    """What a forward step of every row starts from, and what the subject shows of it, in float64."""

    weights: Weights
    x: Array  # (N, I)
    previous: Mapping[str, Array]  # (N, ·), by letter, of every carried vector
    shown: Mapping[str, Array]  # (N, ·), by letter, with every carried vector
    roundings: int = 0  # of x itself, beyond what the layer below shows

    def known(self, letter: str, expected: Expected) -> Known:
        """Return what the subject shows, or else what it must be up to its bound."""
        if letter in self.shown:
            return Known.exactly(self.shown[letter])
        return Known(expected.value, expected.bound)


class Passed(Struct, frozen=True, kw_only=True):
    """What a step passes back to one carried vector: sums of up to `terms` terms."""

    flow: Flow
    terms: int


class Returned(Struct, frozen=True, kw_only=True):
    """What a backward step makes of the gradients that reach it."""

    d_ih: Known  # (N, rows) δ: dL/d of what W_ih contributes to
    d_hh: Known  # (N, rows) the same of W_hh; other than δ where something stands between
    passed: Mapping[str, Passed]  # by letter of the carried vector
    d_hr: tuple[Known, Known] | None = None  # what dL/dW_hr is a sum of products of
    read: Known | None = None  # (N, H) what the last block of rows of W_hh is multiplied with, if not h_{t-1}


class StepBounds(Protocol):
    """One cell, as the judge knows it."""

    blocks: ClassVar[tuple[str, ...]]
    """The letters of the blocks of rows of W_ih, in torch's order; one empty one where there is a single block."""

    letters: ClassVar[tuple[str, ...]]
    """The letters of all quantities beside h that a step computes, each H long."""

    def forward(self, p: Precision, rows: Rows) -> dict[str, Expected]:
        """Return every quantity of a step by its letter, in the order of the data flow."""
        ...

    def within(
        self, p: Precision, rows: Rows, forward: Mapping[str, Expected], d_h: Array
    ) -> Mapping[str, Known]:
        """Return what dL/dh_t (N, P) alone sends to the other carried vectors of the same step, by letter."""
        ...

    def backward(
        self, p: Precision, rows: Rows, forward: Mapping[str, Expected], gradients: Mapping[str, Known]
    ) -> Returned:
        """Take a step back from all that reaches the carried vectors of every row."""
        ...
