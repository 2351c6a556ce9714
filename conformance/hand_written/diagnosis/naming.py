"""Constants by the sizes that make them: 1/T, 2/(T·O), -1/B."""

import math
from bisect import bisect_left
from functools import cache
from itertools import product

from conformance.cases import Case


def named(factor: float, case: Case, error: float = 0.0) -> str:
    """Return `factor`, known up to `error`, by the sizes of `case`, the simplest reading first; empty if there is none.

    >>> from conformance.cases import parse_id
    >>> case = parse_id("rnn-tanh-T8-B3-I4-H5-O2-noh0-f64-s0")
    >>> named(-1 / 3, case), named(0.125, case), named(0.1234, case)
    ('-1/B', '1/T', '')
    """
    return next((text for value, text in _constants(case) if abs(value - factor) <= error), "")


def nearest(factor: float, case: Case) -> float:
    """Return the constant that sizes of `case` make and that lies closest to `factor`."""
    values = _values(case)
    at = bisect_left(values, factor)
    return min(values[max(at - 1, 0) : at + 1], key=lambda value: abs(value - factor))


@cache
def _values(case: Case) -> list[float]:
    """Return the constants that sizes of `case` make, the smallest first."""
    return sorted({value for value, _ in _constants(case)})


@cache
def _constants(case: Case) -> list[tuple[float, str]]:
    """Return the constants that losses and averages bring in, with their names, simple ones first."""
    sizes = {"2": 2.0, "T": case.steps, "B": case.batch, "O": case.output_size}
    known = [name for name, size in sizes.items() if size]
    found: list[tuple[float, str]] = []
    for exponents in sorted(product((0, 1, -1), repeat=len(known)), key=lambda each: sum(map(abs, each))):
        powers = dict(zip(known, exponents, strict=True))
        value, name = math.prod(sizes[size] ** e for size, e in powers.items()), _fraction(powers)
        found += [(value, name), (-value, f"-{name}")]
    return found


def _fraction(powers: dict[str, int]) -> str:
    above = "·".join(size for size, e in powers.items() if e > 0) or "1"
    below = [size for size, e in powers.items() if e < 0]
    if not below:
        return above
    return f"{above}/{below[0]}" if len(below) == 1 else f"{above}/({'·'.join(below)})"
