"""The judge: how closely two correct programs must agree, and whether these two do."""

from conformance.judge.comparison import Divergence as Divergence
from conformance.judge.comparison import Finding as Finding
from conformance.judge.distance import Distance as Distance
from conformance.judge.distance import distances as distances
from conformance.judge.local import local_check as local_check
from conformance.judge.shapes import malformed as malformed
from conformance.judge.shapes import not_shown as not_shown

__all__ = ["Distance", "Divergence", "Finding", "distances", "local_check", "malformed", "not_shown"]
