"""Constants by the sizes that make them: 1/T, 2/(T·O), -1/B."""

import math
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
    return min((value for value, _ in _constants(case)), key=lambda value: abs(value - factor))


@cache
def _constants(case: Case) -> list[tuple[float, str]]:
    """Return the constants that losses and averages bring in, with their names, simple ones first."""
    found: list[tuple[float, str]] = []
    sizes = {"T": case.steps, "B": case.batch, "O": case.output_size}
    powers = [
        p
        for p in product((0, 1, -1), repeat=3)
        if all(sizes[s] > 1 or not e for s, e in zip(sizes, p, strict=True))
    ]
    for sign, two, (t, b, o) in sorted(
        product((1, -1), (0, 1, -1), powers), key=lambda c: (sum(map(abs, (c[1], *c[2]))), c[0] < 0)
    ):
        exponents = {"2": two, "T": t, "B": b, "O": o}
        value = (
            sign * 2.0**two * math.prod(sizes[name] ** e for name, e in exponents.items() if name in sizes)
        )
        found.append((value, ("-" if sign < 0 else "") + _fraction(exponents)))
    return found


def _fraction(exponents: dict[str, int]) -> str:
    above = "·".join(name for name, e in exponents.items() if e > 0) or "1"
    below = [name for name, e in exponents.items() if e < 0]
    if not below:
        return above
    return f"{above}/{below[0]}" if len(below) == 1 else f"{above}/({'·'.join(below)})"
