"""How others judge whether two networks agree: fixed tolerances, means, and finite differences.

Each takes the problem, what a network shows of it and what the reference shows, and says "passes" or "rejects".
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch

from conformance import Observation, Problem
from conformance.subjects.reference import observe
from refrnn import Array

Verdict = Callable[[Problem, Observation, Observation], str]
EPSILON, ABSOLUTE, RELATIVE = 1e-6, 1e-5, 1e-3
"""The step and the tolerances that torch.autograd.gradcheck uses by default."""

ELEMENTS = 5
"""Elements of every parameter at which differences are taken, as gradient checks of tutorials do."""


def said(passes: bool) -> str:  # noqa: FBT001
    """Return the word for a verdict."""
    return "passes" if passes else "rejects"


def pairs(shown: Observation, expected: Observation) -> Iterator[tuple[Array, Array]]:
    """Yield every public result of both sides."""
    for name in ("output", "h_n", "d_x", "d_h_0"):
        got, right = getattr(shown, name), getattr(expected, name)
        if got is not None and right is not None:
            yield got, right
    for name, got in shown.parameters.items():
        yield got, expected.parameters[name]


def assert_close(problem: Problem, shown: Observation, expected: Observation) -> str:  # noqa: ARG001
    """Compare with torch.testing.assert_close and its default tolerances."""
    try:
        for got, right in pairs(shown, expected):
            torch.testing.assert_close(torch.from_numpy(np.array(got)), torch.from_numpy(np.array(right)))
    except AssertionError:
        return "rejects"
    return "passes"


def allclose(problem: Problem, shown: Observation, expected: Observation) -> str:  # noqa: ARG001
    """Compare with np.allclose and its default tolerances."""
    return said(
        all(got.shape == right.shape and np.allclose(got, right) for got, right in pairs(shown, expected))
    )


def mean_difference(problem: Problem, shown: Observation, expected: Observation) -> str:  # noqa: ARG001
    """Compare the mean absolute difference with 1e-6, a common choice."""
    return said(
        all(
            got.shape == right.shape
            and float(np.abs(got.astype(float) - right.astype(float)).mean()) < EPSILON
            for got, right in pairs(shown, expected)
        )
    )


def finite_differences(problem: Problem, shown: Observation, expected: Observation) -> str:  # noqa: ARG001
    """Compare the parameters' gradients with central differences of the loss, at some elements of each.

    The loss is taken through the right forward pass, in float64: the best case for this method, which can't see what is
    wrong in a forward pass.
    """
    for name, (elements, slopes) in differences(problem).items():
        got = shown.parameters[name].astype(np.float64)
        if got.shape != problem.weights[name].shape:
            return "rejects"
        error = np.abs(got.flat[elements] - slopes)
        if not (error <= ABSOLUTE + RELATIVE * np.abs(slopes)).all():
            return "rejects"
    return "passes"


_LAST: dict[str, Mapping[str, tuple[Array, Array]]] = {}


def differences(problem: Problem) -> Mapping[str, tuple[Array, Array]]:
    """Return by parameter the elements chosen and the slopes of the loss there; kept for the last problem."""
    case_id = problem.case.id
    if case_id not in _LAST:
        _LAST.clear()
        rng = np.random.default_rng(0)
        _LAST[case_id] = {
            name: (
                elements := rng.choice(w.size, min(ELEMENTS, w.size), replace=False),
                np.array([slope(problem, name, int(n)) for n in elements]),
            )
            for name, w in problem.weights.items()
        }
    return _LAST[case_id]


def slope(problem: Problem, name: str, element: int) -> float:
    """Return the central difference of the loss with respect to one element of a parameter."""
    sides = []
    for step in (EPSILON, -EPSILON):
        w = problem.weights[name].astype(np.float64)
        w.flat[element] += step
        sides.append(loss(replace(problem, weights={**problem.weights, name: w})))
    return (sides[0] - sides[1]) / (2 * EPSILON)


def loss(problem: Problem) -> float:
    """Return the loss whose cotangents the problem holds: linear in output and h_n."""
    shown = observe(problem, np.float64)
    total = 0.0
    for values, cotangent in ((shown.output, problem.d_output), (shown.h_n, problem.d_h_n)):
        if values is not None and cotangent is not None:
            total += float((values * cotangent).sum())
    return total


USUAL: dict[str, Verdict] = {
    "torch.testing.assert_close": assert_close,
    "np.allclose": allclose,
    "mean difference below 1e-6": mean_difference,
    "finite differences (gradcheck's tolerances)": finite_differences,
}
"""The usual methods by name."""
