"""Whether the error of gradients read off an update in place grows with the learning rate: then it comes too early.

A gradient formed with parameters that were changed already is off by a multiple of the rate, to first order. One that
is wrong by itself is off by as much at any rate.
"""

import numpy as np

from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.checking.choosing import Candidate
from conformance.hand_written.checking.running import Failure, attempt
from conformance.hand_written.checking.updates import read_off
from refrnn import Array

RATES = 2.0**-10, 2.0**-16
"""Two small rates, between which what is of second order in them is nothing, and rounding not yet seen."""

U = float(np.finfo(np.float64).eps)

ROOM = 2.0
"""By how much an error may be more than in proportion, for what is of second order, and rounding for its own sum."""

TOO_EARLY = (
    "The error of the gradients grows with the learning rate: parameters are changed before they are used."
)


def grows_with_the_rate(candidate: Candidate) -> bool:
    """Tell whether gradients that are wrong at rate 1 are off in proportion to the rate where that is small."""
    bound = candidate.bound
    if not isinstance(bound, Binding) or bound.rate is None or candidate.outcome.backward != "differs":
        return False
    found = [_errors(candidate, bound, rate) for rate in RATES]
    if not all(found):
        return False
    more, less = found
    held = candidate.answer.truth.problem.parameters
    return all(
        less[name] <= max(ROOM * RATES[1] / RATES[0] * off, _rounding(held[name], RATES[1]))
        for name, off in more.items()
    )


def depends_on_the_rate(candidate: Candidate) -> bool:
    """Tell whether gradients may depend on the rate at which they were read off an update in place."""
    bound, shown = candidate.bound, candidate.answer.tidied.observation.parameters
    if not isinstance(bound, Binding) or bound.rate is None:
        return bound.rate is not None
    truth, held = candidate.answer.truth, candidate.answer.truth.problem.parameters
    again = attempt(read_off(bound, RATES[0]), truth.problem, candidate.caught)
    if isinstance(again, Failure) or again.parameters.keys() != shown.keys():
        return True
    return any(
        not np.abs(gradient - again.parameters[name]).max(initial=0.0)
        <= _rounding(held[name], RATES[0]) + U * np.abs(gradient).max(initial=0.0)
        for name, gradient in shown.items()
    )


def _errors(candidate: Candidate, bound: Binding, rate: float) -> dict[str, float]:
    """Return how far every gradient is off at a learning rate; nothing where it doesn't run with that."""
    truth = candidate.answer.truth
    shown = attempt(read_off(bound, rate), truth.problem, candidate.caught)
    if isinstance(shown, Failure):
        return {}
    return {
        name: float(np.abs(gradient - truth.exact.parameters[name]).max(initial=0.0))
        for name, gradient in shown.parameters.items()
    }


def _rounding(parameter: Array, rate: float) -> float:
    """Return what reading a gradient off an update at a rate costs at most: w − r·g is kept to u·|w|."""
    return ROOM * U * float(np.abs(parameter).max(initial=0.0)) / rate
