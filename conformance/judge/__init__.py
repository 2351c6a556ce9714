"""The judge: how closely two correct programs must agree, and whether these two do."""

from conformance.judge.comparison import Divergence as Divergence
from conformance.judge.comparison import Finding as Finding
from conformance.judge.distance import Distance as Distance
from conformance.judge.distance import distances as distances
from conformance.judge.end_to_end import end_to_end_check as end_to_end_check
from conformance.judge.local import local_check as local_check
from conformance.judge.results import decided as decided
from conformance.judge.shapes import malformed as malformed
from conformance.judge.shapes import not_shown as not_shown
from conformance.judge.third_opinion import third_opinion as third_opinion

__all__ = [
    "Distance",
    "Divergence",
    "Finding",
    "decided",
    "distances",
    "end_to_end_check",
    "local_check",
    "malformed",
    "not_shown",
    "third_opinion",
]
