"""The gate between verdicts and a failing run: expected failures, and a baseline of what is known."""

from conformance.runs.gate.assessment import Assessment as Assessment
from conformance.runs.gate.baseline import Baseline as Baseline
from conformance.runs.gate.expectations import Entry as Entry
from conformance.runs.gate.expectations import Expectations as Expectations
from conformance.runs.gate.expectations import Pair as Pair
from conformance.runs.gate.ruling import EXCUSED as EXCUSED
from conformance.runs.gate.ruling import Gate as Gate
from conformance.runs.gate.ruling import Ruling as Ruling

__all__ = ["EXCUSED", "Assessment", "Baseline", "Entry", "Expectations", "Gate", "Pair", "Ruling"]
