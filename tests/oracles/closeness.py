"""One comparison for all tests: same names, same shapes, and every element within its bound.

A NaN is never within a bound. A comparison that could not have noticed errors that leave a third of
the digits right is refused, so that a bound which grew too wide shows.
"""

from collections.abc import Mapping

import numpy as np

from oracles.rounding import Bounded


def assert_agree(
    found: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    bounds: Mapping[str, Bounded],
    *,
    programs: int = 2,
) -> None:
    """Assert that two correct programs of `bounds`' precision could have given both sides.

    Each may be off by its bound, so they may differ by `programs` = 2 of them; it is 1 where `expected` is as
    good as exact.
    """
    assert set(found) == set(expected), f"one side alone has {sorted(set(found) ^ set(expected))}"
    assert found, "there is nothing to compare"
    for name, left in found.items():
        assert_close(name, left, expected[name], programs * bounds[name].error, size=bounds[name].value)


def assert_close(
    name: str, found: np.ndarray, expected: np.ndarray, bound: np.ndarray, *, size: np.ndarray
) -> None:
    """Assert |found − expected| ≤ bound, element by element; `size` gives the magnitudes at hand."""
    assert found.shape == expected.shape, f"{name}: shape {found.shape}, expected {expected.shape}"
    assert found.shape == bound.shape, f"{name}: shape {found.shape}, bound {bound.shape}"
    assert found.dtype == expected.dtype, f"{name}: dtype {found.dtype}, expected {expected.dtype}"
    assert found.size, f"{name}: has no elements"
    largest = np.max(np.abs(size))
    a_third_of_the_digits = float(np.finfo(found.dtype).eps) ** (1 / 3)
    weak = largest > 0 and not np.median(bound) <= a_third_of_the_digits * largest
    assert not weak, f"{name}: the bound {np.median(bound):.1e} says nothing of values up to {largest:.1e}"
    difference = np.abs(found.astype(np.longdouble) - expected)
    good = difference <= bound  # False for NaN
    if not np.all(good):
        where = tuple(int(i) for i in np.argwhere(~good)[0])
        message = (
            f"{name}: {np.sum(~good)} / {good.size} elements differ by more than rounding; first at {where}: "
            f"{found[where]!r}, expected {expected[where]!r} ± {bound[where]:.1e}"
        )
        raise AssertionError(message)
