"""Subnormals taken for 0, as a processor does that is told to: recognised, and not told as wrong arithmetic."""

from collections.abc import Iterable

import numpy as np

from conformance.cases import Format
from conformance.judge.comparison import Finding


def some_are_flushed(findings: Iterable[Finding], precision: Format) -> bool:
    """Return whether an element that differs is 0 where a subnormal number belongs."""
    return any(_flushed(finding, precision) for finding in findings if finding.mismatches)


def _flushed(finding: Finding, precision: Format) -> bool:
    wrong = finding.share > 1
    got, expected = finding.comparison.got[wrong], np.abs(finding.comparison.expected[wrong])
    return bool(((got == 0) & (expected > 0) & (expected < precision.smallest_normal)).any())
