"""The judge: how closely two correct programs must agree, and whether these two do."""

from conformance.judge.comparison import Comparison as Comparison
from conformance.judge.comparison import Divergence as Divergence
from conformance.judge.comparison import Finding as Finding
from conformance.judge.decision import decide as decide
from conformance.judge.distance import Distance as Distance
from conformance.judge.distance import distances as distances
from conformance.judge.end_to_end import MEANINGLESS as MEANINGLESS
from conformance.judge.end_to_end import THRESHOLD as THRESHOLD
from conformance.judge.end_to_end import Allowance as Allowance
from conformance.judge.end_to_end import allowances as allowances
from conformance.judge.end_to_end import compared as compared
from conformance.judge.end_to_end import end_to_end_check as end_to_end_check
from conformance.judge.end_to_end import greatest_noise as greatest_noise
from conformance.judge.end_to_end import settled as settled
from conformance.judge.functions import TANH as TANH
from conformance.judge.functions import measured_tanh as measured_tanh
from conformance.judge.functions import units_of_tanh as units_of_tanh
from conformance.judge.local import local_check as local_check
from conformance.judge.results import Result as Result
from conformance.judge.results import decided as decided
from conformance.judge.results import results as results
from conformance.judge.rounding import Precision as Precision
from conformance.judge.shapes import malformed as malformed
from conformance.judge.shapes import not_judged as not_judged
from conformance.judge.shapes import not_shown as not_shown
from conformance.judge.slopes import slopes_may_be_from_a as slopes_may_be_from_a
from conformance.judge.subnormals import some_are_flushed as some_are_flushed
from conformance.judge.third_opinion import third_opinion as third_opinion

__all__ = [
    "MEANINGLESS",
    "TANH",
    "THRESHOLD",
    "Allowance",
    "Comparison",
    "Distance",
    "Divergence",
    "Finding",
    "Precision",
    "Result",
    "allowances",
    "compared",
    "decide",
    "decided",
    "distances",
    "end_to_end_check",
    "greatest_noise",
    "local_check",
    "malformed",
    "measured_tanh",
    "not_judged",
    "not_shown",
    "results",
    "settled",
    "slopes_may_be_from_a",
    "some_are_flushed",
    "third_opinion",
    "units_of_tanh",
]
