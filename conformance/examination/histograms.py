"""How much of its bound every element used, counted: a few numbers that say more than the worst share."""

from collections.abc import Sequence

import numpy as np

from conformance.judge import Finding
from conformance.record import SHARE_STEPS, Scale
from refrnn import Array


def histograms(findings: Sequence[Finding]) -> dict[Scale, list[int]]:
    """Count all elements judged by their share, for each scale on which there is a share to speak of."""
    found: dict[Scale, list[int]] = {}
    for scale in ("bound", "noise"):
        shares = [finding.share.ravel() for finding in findings if finding.comparison.scale == scale]
        if shares:
            found[scale] = histogram(np.concatenate(shares))
    return found


def histogram(shares: Array) -> list[int]:
    """Return how many shares are 0, at most 2⁻¹⁵, then in steps by powers of two at most 1, and above 1; NaN isn't.

    >>> histogram(np.array([0.0, 0.75, 1.0, 2.0, np.inf, np.nan]))
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2]
    """
    shares = shares[~np.isnan(shares)]
    mantissa, exponent = np.frexp(shares)
    power = exponent - (mantissa == 0.5)  # the power of two at or above
    power = np.where(np.isinf(shares), 1, power)
    step = np.clip(power + SHARE_STEPS - 2, 1, SHARE_STEPS - 1)
    return np.bincount(np.where(shares == 0, 0, step), minlength=SHARE_STEPS).tolist()
