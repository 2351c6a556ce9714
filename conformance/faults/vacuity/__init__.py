"""Vacuity by name: what the data of a case lack, and which faults therefore can't show, however closely sides agree."""

from collections.abc import Iterable

from conformance.cases import Problem
from conformance.faults.vacuity.known import LACKS
from conformance.faults.vacuity.lack import Lack as Lack
from conformance.subjects.observation import Observation

BY_NAME = {lack.name: lack for lack in LACKS}
"""Every lack by its name, as records hold it."""


def lacks_of(problem: Problem, exact: Observation) -> list[Lack]:
    """Return what the data of a problem lack; `exact` is what the reference shows of it.

    The faults of the catalogue, and so what hides them, are those of Elman networks.
    """
    if problem.case.cell != "rnn":
        return []
    return [lack for lack in LACKS if lack.applies(problem, exact)]


def hidden_faults(lacks: Iterable[Lack]) -> list[str]:
    """Return every fault that some of these lacks hide, each once, in their order."""
    return list(dict.fromkeys(fault for lack in lacks for fault in lack.faults))


__all__ = ["BY_NAME", "LACKS", "Lack", "hidden_faults", "lacks_of"]
