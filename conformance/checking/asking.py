"""Asking a bound network one question: the problem as it admits it, the truth about that, and what it showed."""

from dataclasses import dataclass

from conformance.calling import Bound
from conformance.cases import Case, materialise
from conformance.checking.judging import Tidied, Truth, tidied
from conformance.checking.running import Failure, Said, attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a network showed on a problem, and the truth about that problem."""

    truth: Truth
    tidied: Tidied


def asked(bound: Bound, case: Case, said: Said) -> Answer | Failure:
    """Ask `bound` the problem of `case`, as far as it admits it."""
    problem = attempt(bound.admit, materialise(case), said)
    if isinstance(problem, Failure):
        return problem
    shown = attempt(bound.run, problem, said)
    if isinstance(shown, Failure):
        return shown
    return Answer(truth=Truth.of(problem), tidied=tidied(problem, shown))
