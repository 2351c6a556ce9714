"""Gradients against differences: complex steps of a forward pass of this file, and central differences.

Neither needs a formula of backpropagation. Differences prove a gradient consistent with a forward pass; that
the forward pass is right, other files show.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracles import problems
from oracles.closeness import assert_agree
from oracles.problems import Problem, gradient_key, suffix
from oracles.rounding import bounds

STEP = 1e-30
"""Of complex steps: their relative error is of the order STEP², and nothing is subtracted."""

CASES: dict[str, dict[str, object]] = {
    "one layer": {},
    "two layers, two directions": {"layers": 2, "directions": 2, "steps": 5, "batch": 3},
    "no biases": {"bias": False, "layers": 2},
    "lengths": {"layers": 2, "directions": 2, "batch": 3, "steps": 5, "lengths": (3, 5, 1)},
    "one sample": {"layout": "unbatched", "batch": 1, "layers": 2},
}

Inputs = dict[str, np.ndarray]
"""x, h_0 and every parameter under its name."""


def inputs_of(problem: Problem, dtype: Any) -> Inputs:
    values = {"x": problem.x, "h_0": problem.h_0, **problem.weights}
    values["x"] = np.where(problem.present[:, :, np.newaxis], problem.x, 0)
    return {name: np.asarray(array, dtype) for name, array in values.items()}


def complex_loss(problem: Problem, inputs: Inputs) -> np.ndarray:
    """Σ d_output · output + Σ d_h_n · h_n of a forward pass in complex numbers, sample by sample.

    Every input may have further axes in front, so that many steps are taken at once.
    """
    p = problem
    assert p.d_output is not None
    assert p.d_h_n is not None
    total = 0
    for b in range(p.batch):
        length = p.steps if p.lengths is None else p.lengths[b]
        y = [inputs["x"][..., t, b, :] for t in range(length)]
        for layer in range(p.layers):
            sides = []
            for d in range(p.directions):
                row, end = layer * p.directions + d, suffix(layer, d)
                h, states = inputs["h_0"][..., row, b, :], list(y)
                for t in range(length) if d == 0 else reversed(range(length)):
                    a = times(inputs[f"weight_ih_{end}"], y[t]) + times(inputs[f"weight_hh_{end}"], h)
                    if p.bias:
                        a = a + inputs[f"bias_ih_{end}"] + inputs[f"bias_hh_{end}"]
                    h = np.tanh(a) if p.nonlinearity == "tanh" else np.where(a.real > 0, a, 0)
                    states[t] = h
                sides.append(states)
                total = total + (h * p.d_h_n[row, b]).sum(-1)
            y = [np.concatenate(np.broadcast_arrays(*parts), -1) for parts in zip(*sides, strict=True)]
        total = total + sum((y[t] * p.d_output[t, b]).sum(-1) for t in range(length))
    return np.asarray(total)


def times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return (matrix * vector[..., np.newaxis, :]).sum(-1)


def by_complex_steps(problem: Problem) -> Inputs:
    """Return the loss's derivative with respect to every single element of every input.

    In complex long double where it is wider: then the rounding of this side is nothing beside float64's.
    """
    inputs = inputs_of(problem, np.clongdouble)
    found = {}
    for name, values in inputs.items():
        steps = (np.eye(values.size) * 1j * STEP).reshape(-1, *values.shape)
        change = complex_loss(problem, inputs | {name: values + steps}).imag / STEP
        found[gradient_key(name)] = change.reshape(values.shape).astype(np.float64)
    return found


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("name", CASES)
def test_every_gradient_agrees_with_complex_steps(name: str, nonlinearity: str) -> None:
    problem = problems.make(nonlinearity=nonlinearity, **CASES[name])
    limits = bounds(problem)  # would refuse data that lie on a kink of relu
    expected = by_complex_steps(problem)
    gradients = {n: array for n, array in problems.observe(problem).items() if n.startswith("gradient")}
    assert_agree(gradients, expected, limits)


@pytest.mark.parametrize("name", ["one layer", "two layers, two directions"])
def test_complex_steps_would_see_a_wrong_gradient(name: str) -> None:
    problem = problems.make(**CASES[name])
    expected, limits = by_complex_steps(problem), bounds(problem)
    gradients = {n: array.copy() for n, array in problems.observe(problem).items() if n in expected}
    gradients[gradient_key("weight_hh_l0")] *= 1 + 1e-9
    with pytest.raises(AssertionError, match=r"weight_hh_l0: .* more than rounding"):
        assert_agree(gradients, expected, limits)


# Central differences of the reference's own forward pass


def reference_loss(problem: Problem, inputs: Inputs) -> float:
    """The loss by the reference's forward pass."""
    weights = {name: inputs[name] for name in problem.weights}
    moved = problem.but(x=inputs["x"], h_0=inputs["h_0"], weights=weights)
    trace = forward(moved)
    return float(weigh(problem, trace.output, trace.h_n))


def forward(problem: Problem) -> Any:
    rnn, layout = problems.network(problem), problem.layout
    return rnn.forward(
        problems.to_layout(problem.x, layout),
        problems.to_state(problem.h_0, layout),
        lengths=problem.lengths,
        dropout_masks=problem.masks,
    )


def weigh(problem: Problem, output: np.ndarray, h_n: np.ndarray) -> np.longdouble:
    """Σ d_output · output + Σ d_h_n · h_n, summed without further rounding of note."""
    total = np.longdouble(0)
    for values, cotangent in (
        (problems.from_layout(output, problem.layout), problem.d_output),
        (problems.from_state(h_n, problem.layout), problem.d_h_n),
    ):
        assert cotangent is not None
        total += np.sum(values.astype(np.longdouble) * np.nan_to_num(cotangent))
    return total


def loss_error(problem: Problem) -> float:
    """A bound on the rounding error of `reference_loss`."""
    limits = bounds(problem)
    total = 0.0
    for name, cotangent in (("output", problem.d_output), ("h_n", problem.d_h_n)):
        assert cotangent is not None
        weight = np.abs(np.nan_to_num(cotangent))
        size = np.abs(np.float64(limits[name].value))
        total += float(np.sum(weight * (limits[name].error + np.finfo(np.float64).eps * size)))
    return total


def signs(problem: Problem, inputs: Inputs) -> list[np.ndarray]:
    """Which units are on at which step."""
    weights = {name: inputs[name] for name in problem.weights}
    trace = forward(problem.but(x=inputs["x"], h_0=inputs["h_0"], weights=weights))
    return [trace.hidden(*place) > 0 for place in problem.places]


def central(
    problem: Problem, loss: Callable[[Problem, Inputs], float], direction: Inputs, step: float
) -> float:
    inputs = inputs_of(problem, np.float64)
    ahead = {name: values + step * direction[name] for name, values in inputs.items()}
    behind = {name: values - step * direction[name] for name, values in inputs.items()}
    return (loss(problem, ahead) - loss(problem, behind)) / (2 * step)


def directions_of(problem: Problem) -> list[tuple[str, Inputs]]:
    """For every input a random direction in it alone, all of length 1."""
    inputs = inputs_of(problem, np.float64)
    rng = np.random.default_rng(17)
    found = []
    for name in inputs:
        direction = {n: np.zeros(values.shape) for n, values in inputs.items()}
        chosen = rng.standard_normal(inputs[name].shape)
        direction[name] = chosen / np.linalg.norm(chosen)
        found.append((name, direction))
    return found


def difference_and_error(problem: Problem, direction: Inputs) -> tuple[float, float]:
    """Return a central difference and a bound on its error, both from the differences themselves.

    With D(s) = f' + c s² + O(s⁴): |D(2s) − D(s)| = 3 c s², three times the truncation error of D(s), which
    leaves room for the term of fourth order. Rounding adds the error of one loss over s. The step balances
    the two at about the cube root of the rounding.
    """
    rounding = loss_error(problem)
    step = rounding ** (1 / 3)
    fine = central(problem, reference_loss, direction, step)
    coarse = central(problem, reference_loss, direction, 2 * step)
    # f at the ends of the step has about the same error bound as in the middle: twice it leaves room
    return fine, abs(coarse - fine) + 2 * rounding / step


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("name", CASES)
def test_every_gradient_agrees_with_central_differences(name: str, dropout: float) -> None:
    problem = problems.make(**CASES[name])
    if dropout and problem.layers > 1:
        shape = (problem.layers - 1, problem.steps, problem.batch, problem.directions * problem.hidden)
        keep = np.random.default_rng(3).random(shape) >= dropout
        problem = problem.but(dropout=dropout, masks=keep)
    agrees_along_every_direction(problem)


@pytest.mark.parametrize("name", CASES)
def test_relu_gradients_agree_with_central_differences_where_no_kink_is_crossed(name: str) -> None:
    problem = problems.make(nonlinearity="relu", **CASES[name])
    inputs = inputs_of(problem, np.float64)
    before = signs(problem, inputs)
    step = 2 * loss_error(problem) ** (1 / 3)
    for _, direction in directions_of(problem):
        for side in (-step, step):
            moved = {n: values + side * direction[n] for n, values in inputs.items()}
            for old, new in zip(before, signs(problem, moved), strict=True):
                assert np.array_equal(old, new), "the step crosses a kink; choose other data"
    agrees_along_every_direction(problem)


def agrees_along_every_direction(problem: Problem) -> None:
    found = problems.observe(problem)
    for name, direction in directions_of(problem):
        gradient = float(np.sum(found[gradient_key(name)] * direction[name]))
        difference, error = difference_and_error(problem, direction)
        assert abs(difference - gradient) <= error, f"{name}: {gradient} is not {difference} ± {error:.1e}"
        half_the_digits = np.sqrt(loss_error(problem))
        assert error <= half_the_digits * max(1, abs(gradient)), f"{name}: ± {error:.1e} says little"


def test_central_differences_would_see_a_wrong_gradient() -> None:
    problem = problems.make()
    wrong = problem.but(d_output=problem.d_output * (1 + 1e-5))  # type: ignore[operator]
    found = problems.observe(wrong)
    seen = 0
    for name, direction in directions_of(problem):
        gradient = float(np.sum(found[gradient_key(name)] * direction[name]))
        difference, error = difference_and_error(problem, direction)
        seen += not abs(difference - gradient) <= error
    assert seen == len(problem.weights) + 2
