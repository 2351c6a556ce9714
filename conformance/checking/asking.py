"""Asking a bound network one question: the problem as it admits it, the truth about that, and what it showed."""

from dataclasses import dataclass

from conformance.calling import Binding, Bound
from conformance.cases import Case, Problem, materialise
from conformance.checking.judging import Tidied, Truth, tidied
from conformance.checking.running import Failure, Said, attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a network showed on a problem, and the truth about that problem."""

    truth: Truth
    tidied: Tidied


def asked(bound: Bound, case: Case, said: Said) -> Answer | Failure:
    """Ask `bound` the problem of `case`, as far as it admits it."""
    return asked_about(bound, materialise(case), said)


def asked_about(bound: Bound, problem: Problem, said: Said) -> Answer | Failure:
    """Ask `bound` about `problem`, as far as it admits it."""
    admitted = attempt(bound.admit, problem, said)
    if isinstance(admitted, Failure):
        return admitted
    shown = attempt(bound.run, admitted, said)
    if isinstance(shown, Failure):
        return shown
    truth = Truth.of(admitted)
    if isinstance(bound, Binding) and bound.own_rate:
        truth = truth.read_off_updates(bound.own_rate)
    return Answer(truth=truth, tidied=tidied(admitted, shown))
