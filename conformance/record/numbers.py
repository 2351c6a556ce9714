"""Numbers as readers see them: rounded away from zero, so that no discrepancy ever looks smaller than it is."""

import math


def round_up(value: float, digits: int) -> float:
    """Return `value` with so many significant digits, its size never made smaller.

    >>> round_up(0.99991, 3), round_up(-0.25, 3), round_up(float("inf"), 3)
    (1.0, -0.25, inf)
    """
    if value == 0 or not math.isfinite(value):
        return value
    text = f"{abs(value):.{digits - 1}e}"
    rounded = float(text)
    if rounded < abs(value):
        mantissa, exponent = text.split("e")
        rounded = float(f"{float(mantissa) + 10 ** (1 - digits):.{digits - 1}f}e{exponent}")
    return math.copysign(rounded, value)


def shown(value: float | str, digits: int = 2) -> str:
    """Return a number for a table, rounded up; "nan" and "inf" stand for themselves.

    >>> shown(1.234e-16), shown(0.2501), shown(0.0), shown(123456.0)
    ('1.3e-16', '0.26', '0', '1.3e+05')
    """
    rounded = round_up(float(value), digits)
    return f"{rounded:.{digits}g}"
