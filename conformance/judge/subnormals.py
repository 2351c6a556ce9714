"""Subnormals taken for 0, as a processor does that is told to: recognised, and not told as wrong arithmetic."""

from collections.abc import Sequence

import numpy as np

from conformance.cases import Format
from conformance.judge.comparison import Finding


def some_are_flushed(findings: Sequence[Finding], precision: Format) -> bool:
    """Return whether an element that differs is 0 where a subnormal number belongs, and no subnormal is shown."""
    return any(_flushed(finding, precision) for finding in findings) and not any(
        _subnormal(finding.comparison.got, precision).any() for finding in findings
    )


def _flushed(finding: Finding, precision: Format) -> bool:
    wrong = finding.share > 1
    got, expected = finding.comparison.got[wrong], finding.comparison.expected[wrong]
    return bool(((got == 0) & _subnormal(expected, precision)).any())


def _subnormal(values: np.ndarray, precision: Format) -> np.ndarray:
    size = np.abs(values)
    return (size > 0) & (size < precision.smallest_normal)
