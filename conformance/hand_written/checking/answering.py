"""Asking a bound network one question: the problem as it admits it, the truth about that, and what it showed."""

from msgspec import Struct

from conformance.cases import Case, Problem
from conformance.hand_written.calling import Binding, Bound
from conformance.hand_written.checking.judging import Tidied, Truth, tidied
from conformance.hand_written.checking.running import CaughtWarnings, Failure, attempt
from conformance.hand_written.remembering import drawn


class Answer(Struct, frozen=True, kw_only=True):
    """What a network showed on a problem, and the truth about that problem."""

    truth: Truth
    tidied: Tidied


def answer_on(bound: Bound, case: Case, caught: CaughtWarnings) -> Answer | Failure:
    """Ask `bound` the problem of `case`, as far as it admits it."""
    return answer_to(bound, drawn(case), caught)


def answer_to(bound: Bound, problem: Problem, caught: CaughtWarnings) -> Answer | Failure:
    """Ask `bound` about `problem`, as far as it admits it."""
    admitted = attempt(bound.admit, problem, caught)
    if isinstance(admitted, Failure):
        return admitted
    shown = attempt(bound.run, admitted, caught)
    if isinstance(shown, Failure):
        return shown
    return Answer(truth=_truth(bound, admitted), tidied=tidied(admitted, shown))


def truth_about(bound: Bound, problem: Problem, caught: CaughtWarnings) -> Truth | Failure:
    """Return what is right for `problem` as `bound` admits it."""
    admitted = attempt(bound.admit, problem, caught)
    return admitted if isinstance(admitted, Failure) else _truth(bound, admitted)


def _truth(bound: Bound, problem: Problem) -> Truth:
    truth = Truth.of(problem)
    if isinstance(bound, Binding) and bound.own_rate:
        return truth.read_off_updates(bound.own_rate)
    return truth
