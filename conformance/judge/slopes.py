"""tanh' and its rounding: of the formulas that take it from h, and of those that take it from the pre-activation.

From h: 1 − h², (1 − h)(1 + h), g − g h², (g + g h)(1 − h). From a: 1 / cosh² a, (1 / cosh a)², 4 σ(2a) σ(−2a). These
are right as well, but tanh' at the a that the subject had, and h lies beside tanh a by what its tanh is off. Both
bounds are derived in docs/derivations.md, section 4.3. The second is asked where nothing but the first is exceeded.
"""

from collections.abc import Sequence

import numpy as np

from conformance.judge.comparison import Finding
from conformance.judge.rounding import Precision
from refrnn import Array

FROM_A = 20
"""Units of u tanh' by which g tanh' is off where it is formed from a: (1 / cosh a)² with 8 units of cosh itself."""

FIRST = ("dL/da", "dL/dc")
"""How the names of the gradients begin which a slope enters first: of pre-activations, and of c by tanh c."""

THEN = ("dL/dW", "dL/db", "dL/dx")
"""Those of what is summed from them: of few terms, where samples or units are few."""

ALONE = 2
"""How many times as much of its bound as any other an element uses that is off for a reason of its own.

Formulas from a reached 1.5 times in the smoke suite; twice the bound in one element of torch's is three times others.
"""

FROM_H = 3
"""Units of u tanh' that are allowed at the least where it is formed from h."""


def units_of_slope(p: Precision, h: Array) -> Array:
    """Return in units of u by how much g tanh', formed from h, may be off for a g of 1; with `p.slopes`, from a too."""
    size, slope = np.abs(h), np.abs(1 - h * h)
    if p.slopes:
        return 2 * p.tanh * size * size + FROM_A * slope
    return np.maximum(4 * slope, size * (1 + size) + FROM_H * slope)


def slopes_may_be_from_a(findings: Sequence[Finding], tanh: float) -> bool:
    """Return whether what differs may be such a formula: it is what a slope enters first, and is off as that is.

    (2 c h² + 20 f') / (h + h² + 3 f') is at most the greater of c and 20 / 3. A formula is that of every step, so
    that no element alone lies far beyond all others.
    """
    wrong = [finding.comparison for finding in findings if finding.verdict == "differs"]
    if not any(c.quantity.startswith(FIRST) for c in wrong):
        return False
    if not all(c.scale == "bound" and c.quantity.startswith(FIRST + THEN) for c in wrong):
        return False
    shares = np.concatenate([f.share for f in findings if f.comparison.quantity.startswith(FIRST)], axis=None)
    *_, second, greatest = 0.0, *np.sort(shares[~np.isnan(shares)])
    return greatest <= min(max(tanh, FROM_A / FROM_H), ALONE * second)
