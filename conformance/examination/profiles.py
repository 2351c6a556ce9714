"""Profiles: how far a subject and the reference are from a more precise run, step by step, on a few long cases.

They are pictures for a report and judge nothing. Where the network is calm both sides stay at a few units of rounding;
where it is chaotic both part from the truth, and from each other, at the pace of the noise.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from conformance.cases import Case, Problem, materialise
from conformance.errors import Unsupported
from conformance.judge import THRESHOLD, allowances, results
from conformance.record import ProfileRecord, number
from conformance.subjects.observation import Observation, Subject
from conformance.subjects.reference import observe
from refrnn import Array

SEQUENCES = ("output", "dL/dx")
"""The results that have a time axis."""

POINTS = 200
"""Stretches into which a longer sequence is thinned."""

LONG = 20
"""Steps from which a case is worth a picture."""


def profiles(cases: Sequence[Case], noise: Mapping[str, float], subject: Subject) -> list[ProfileRecord]:
    """Return the profiles of `subject` on the cases that `chosen` takes from `cases`."""
    with np.errstate(all="ignore"):
        return [profile for case in chosen(cases, noise) for profile in _profiles(case, subject)]


def chosen(cases: Sequence[Case], noise: Mapping[str, float]) -> list[Case]:
    """Return the longest case and the noisiest in each precision that a more precise run can check.

    `noise` is that of the cases by id; of equally long ones the calmest is taken.
    """
    plain = (case for case in cases if not case.lengths and not case.bidirectional)  # errors grow along t
    long = [case for case in plain if case.steps >= LONG and oracle_of(case) is not None]
    found: list[Case] = []
    for dtype in dict.fromkeys(case.dtype for case in long):
        own = [case for case in long if case.dtype == dtype]
        found.append(max(own, key=lambda case: (case.steps, -noise.get(case.id, math.inf))))
        found.append(max(own, key=lambda case: noise.get(case.id, 0.0)))
    return list(dict.fromkeys(found))


def oracle_of(case: Case) -> tuple[str, type[np.floating]] | None:
    """Return the name and type of a precision wider than the case's own.

    None where this machine has none, and in 16 bits, in which the reference doesn't run itself.
    """
    if case.dtype == "f64":
        wider = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps
        return ("long double", np.longdouble) if wider else None
    return ("float64", np.float64) if case.dtype == "f32" else None


def _profiles(case: Case, subject: Subject) -> Iterator[ProfileRecord]:
    problem, oracle = materialise(case), oracle_of(case)
    if oracle is None:
        return
    name, wider = oracle
    try:
        shown = _sequences(problem, subject.run(problem))
    except Unsupported:
        return
    true, ours = (_sequences(problem, observe(problem, dtype)) for dtype in (wider, problem.dtype))
    allowed = allowances(problem, observe(problem, np.float64))
    for quantity in SEQUENCES:
        if quantity not in shown:
            continue
        noise = allowed[quantity].bound / THRESHOLD
        yield ProfileRecord(
            case=case.id,
            subject=subject.name,
            quantity=quantity,
            oracle=name,
            steps=_stretches(case.steps).tolist(),
            subject_error=_errors(shown[quantity] - true[quantity], true[quantity]),
            reference_error=_errors(ours[quantity] - true[quantity], true[quantity]),
            noise=_errors(noise, true[quantity]),
        )


def _sequences(problem: Problem, observation: Observation) -> dict[str, Array]:
    return {n: r.value for n, r in results(problem, observation).items() if n in SEQUENCES}


def _errors(difference: Array, true: Array) -> list[float]:
    """Return the greatest difference of each step over the step's greatest value, then the greatest of each stretch."""
    size = np.abs(true).max(axis=(1, 2))
    error = np.abs(difference).max(axis=(1, 2))
    relative = np.where(error == 0, 0, error / size).astype(np.float64)
    return [number(float(value)) for value in np.maximum.reduceat(relative, _stretches(len(true)))]


def _stretches(steps: int) -> Array:
    """Return the first step of every stretch."""
    return np.unique(np.linspace(0, steps, min(steps, POINTS), endpoint=False).astype(int))
