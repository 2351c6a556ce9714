"""Floating-point formats: the precisions of cases, and how numbers are rounded to them.

float64 and float32 decide. float16 and bfloat16 are a tier of their own: NumPy's arithmetic doesn't know them as torch
computes in them, so that their numbers are held in float32 arrays, which hold every one of them exactly.

Libraries add up products of 16-bit numbers in float32 and round what they store, as torch does on the CPU:
`accumulator` is the unit roundoff of such sums.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from msgspec import Struct

from refrnn import Array

TELLING = {True: 1e-2, False: 0.5}
"""The greatest bound over the greatest value with which a quantity agrees, where a format decides and where not."""


class Format(Struct, frozen=True, kw_only=True):
    """A binary format of IEEE 754's kind.

    Attributes
    ----------
    name
        What torch and NumPy call it.
    digits
        Bits of the significand, the hidden one among them.
    lowest
        The exponent of its smallest normal number 2 ** lowest; that of the largest is 1 − lowest.
    held
        The dtype of arrays that hold its numbers.
    accumulator
        Unit roundoff of the sums from which its numbers are made.
    """

    name: str
    digits: int
    lowest: int
    held: np.dtype[Any]
    accumulator: float

    @property
    def decides(self) -> bool:
        """Whether arithmetic in this format is precise enough to decide a run."""
        return self.accumulator == self.u

    @property
    def telling(self) -> float:
        """The greatest bound over the greatest value with which a quantity is said to agree."""
        return TELLING[self.decides]

    @property
    def u(self) -> float:
        """Unit roundoff: half the distance from 1 to the next number."""
        return 2.0**-self.digits

    @property
    def eta(self) -> float:
        """The smallest subnormal number."""
        return 2.0 ** (self.lowest - self.digits + 1)

    @property
    def smallest_normal(self) -> float:
        """The smallest number that has all digits."""
        return 2.0**self.lowest

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return (2 - 2 * self.u) * 2.0 ** (1 - self.lowest)

    def spacing(self, size: Array) -> Array:
        """Return the distance from each finite number of `size`, none negative, to the next larger one."""
        _, exponent = np.frexp(size)  # size = m · 2 ** exponent, ½ ≤ m < 1
        return np.where(size > 0, np.maximum(np.ldexp(1.0, exponent - self.digits), self.eta), self.eta)

    def rounded(self, values: Array) -> Array:
        """Return float64 values rounded to the nearest number of the format (ties to even), as its arrays hold it."""
        if self.decides:
            with np.errstate(over="ignore"):
                return values.astype(self.held)
        finite = np.where(np.isfinite(values), values, 0.0)
        unit = self.spacing(np.abs(finite))
        nearest = np.where(np.isfinite(values), np.rint(finite / unit) * unit, values)
        return np.where(np.abs(nearest) > self.largest, np.copysign(np.inf, nearest), nearest).astype(
            self.held
        )


SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "f64": Format(name="float64", digits=53, lowest=-1022, held=DOUBLE, accumulator=2.0**-53),
        "f32": Format(name="float32", digits=24, lowest=-126, held=SINGLE, accumulator=2.0**-24),
        "f16": Format(name="float16", digits=11, lowest=-14, held=SINGLE, accumulator=2.0**-24),
        "bf16": Format(name="bfloat16", digits=8, lowest=-126, held=SINGLE, accumulator=2.0**-24),
    }
)
"""The formats by the name that case ids use."""
