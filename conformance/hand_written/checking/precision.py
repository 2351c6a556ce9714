"""Whether a network that agrees to float32's rounding only does round so, or is wrong by as little.

A constant too small for float32 that is added inside tanh (1e-12, against a division by zero that can't be) makes no
other network; it is recognised as one number that explains every state.

Otherwise a mistake of 1e-7 may hide in the noise of float32. But rounding has no memory: with other weights, further
from these than two neighbouring numbers of float32 are apart, every rounding falls anew, while the error of a wrong
formula hardly changes. So the errors with several such weights are held against each other: those of rounding have
nothing in common.
"""

import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from conformance.cases import Case, Problem, materialise
from conformance.hand_written.calling import Bound
from conformance.hand_written.checking.answering import answer_to
from conformance.hand_written.checking.judging import Truth, judge
from conformance.hand_written.checking.outcome import Outcome
from conformance.hand_written.checking.running import CaughtWarnings, Failure
from conformance.hand_written.checking.scale import divided
from conformance.judge import results
from conformance.subjects.observation import Observation
from refrnn import Array

SPREAD = 8 * float(np.finfo(np.float32).eps)
"""Relative change of the weights: some roundings of float32, and next to nothing for a formula."""

TIMES = 4
"""Other weights that a network is asked with; six pairs of errors are compared."""

SHARED = 0.5
"""Halfway between what errors of rounding have in common, nothing, and what those of a wrong formula have: all."""


def constant_inside(truth: Truth, shown: Observation) -> float:
    """Return the one number c for which every state is tanh(a + c) to rounding, 0 where none is needed or known.

    To first order tanh(a + c) = h + c·(1 − h²): c is found by least squares, and must hold within every state's bound.
    """
    found = [f.comparison for f in judge(truth, shown).findings if f.comparison.quantity == "h"]
    if not found or (truth.problem.case.cell, truth.problem.case.nonlinearity) != ("rnn", "tanh"):
        return 0.0
    slopes = [1 - c.expected**2 for c in found]
    off = [c.got - c.expected for c in found]
    if all((np.abs(o) <= c.bound).all() for o, c in zip(off, found, strict=True)):
        return 0.0  # states that are right excuse no gradients
    square = sum(float(np.vdot(s, s)) for s in slopes)
    number = sum(float(np.vdot(o, s)) for o, s in zip(off, slopes, strict=True)) / square if square else 0.0
    holds = all((np.abs(o - number * s) <= c.bound).all() for o, s, c in zip(off, slopes, found, strict=True))
    return number if holds else 0.0


def is_rounding(bound: Bound, case: Case, outcome: Outcome, caught: CaughtWarnings) -> bool:
    """Tell whether the errors of a network, which float32's noise would cover, are those of rounding.

    Errors are compared by their cosine, over all results that are wrong in float64, and not in float32, with each of
    the weights; a network that can't be asked again, or isn't wrong then, gets the benefit of the doubt.
    """
    runs = [
        errors
        for seed in range(TIMES)
        if (errors := _errors(bound, _nearby(materialise(case), seed), outcome, caught)) is not None
    ]
    wrong = set.intersection(*map(set, runs)) if len(runs) == TIMES else set[str]()
    return not wrong or statistics.median(_cosines(runs, sorted(wrong))) < SHARED


def _nearby(problem: Problem, seed: int) -> Problem:
    """Return the problem with every weight and bias changed by up to `SPREAD` of itself."""
    random = np.random.default_rng(seed)

    def changed(weight: Array) -> Array:
        return weight * (1 + SPREAD * random.uniform(-1, 1, weight.shape))

    weights = {name: changed(weight) for name, weight in problem.weights.items()}
    head = problem.head
    if head is None:
        return replace(problem, weights=weights)
    bias = None if head.bias is None else changed(head.bias)
    head = replace(head, weight=changed(head.weight), bias=bias)
    return replace(problem, weights=weights, head=head, d_output=head.d_output)


def _errors(
    bound: Bound, problem: Problem, outcome: Outcome, caught: CaughtWarnings
) -> Mapping[str, Array] | None:
    """Return the errors of results that are wrong in float64 alone, without the constant that `outcome` found."""
    answer = answer_to(bound, problem, caught)
    if isinstance(answer, Failure):
        return None
    truth, shown = answer.truth, answer.tidied.observation
    if outcome.scale is not None:
        shown = divided(shown, outcome.scale.factor, steps=outcome.scale.steps)
    exact = results(truth.problem, truth.exact)
    errors = {
        name: result.value - exact[name].value
        for name, result in results(truth.problem, shown).items()
        if name in exact and name in truth.allowed
    }
    single = outcome.judged.truth.allowed
    return {
        name: e
        for name, e in errors.items()
        if (np.abs(e) > truth.allowed[name].bound).any() and not (np.abs(e) > single[name].bound).any()
    }


def _cosines(runs: Sequence[Mapping[str, Array]], names: Sequence[str]) -> Iterator[float]:
    """Yield, for every pair of runs, the cosine between their errors, as a mean over all results."""
    for one, other in itertools.combinations(runs, 2):
        yield statistics.fmean(
            float(np.vdot(one[name], other[name]) / (np.linalg.norm(one[name]) * np.linalg.norm(other[name])))
            for name in names
        )
