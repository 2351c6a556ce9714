"""The gate between verdicts and a failing run: expected failures, and a baseline of what is known."""

from conformance.gate.assessment import Assessment as Assessment
from conformance.gate.baseline import Baseline as Baseline
from conformance.gate.expectations import Entry as Entry
from conformance.gate.expectations import Expectations as Expectations
from conformance.gate.expectations import Pair as Pair
from conformance.gate.ruling import EXCUSED as EXCUSED
from conformance.gate.ruling import Gate as Gate
from conformance.gate.ruling import Ruling as Ruling

__all__ = ["EXCUSED", "Assessment", "Baseline", "Entry", "Expectations", "Gate", "Pair", "Ruling"]
