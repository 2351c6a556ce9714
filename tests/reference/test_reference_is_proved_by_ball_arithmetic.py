"""Small cases, proved to 20 digits and more: the reference lies within rounding of the exact results."""

import numpy as np
import pytest
from flint import arb
from oracles import balls, problems
from oracles.balls import PROOF, share
from oracles.drawing import drawn
from oracles.problems import Problem, gradient_key
from oracles.rounding import bounds

import refrnn

WIDER = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps
RANDOM = 25

CASES: dict[str, dict[str, object]] = {
    "one layer, tanh": {"steps": 6, "batch": 2},
    "one layer, relu": {"steps": 6, "batch": 2, "nonlinearity": "relu"},
    "two layers, two directions, tanh": {"steps": 4, "batch": 2, "layers": 2, "directions": 2},
    "two layers, two directions, relu": {
        "steps": 4,
        "batch": 2,
        "layers": 2,
        "directions": 2,
        "nonlinearity": "relu",
    },
    "three layers": {"steps": 5, "batch": 2, "layers": 3},
    "no biases": {"steps": 5, "batch": 2, "bias": False, "directions": 2},
    "no h_0": {"steps": 5, "batch": 2, "initial": False, "layers": 2},
    "lengths": {"steps": 5, "batch": 4, "lengths": (3, 5, 1, 3), "directions": 2},
    "steep weights": {"steps": 6, "batch": 2, "gain": 3.0},
    "twenty steps": {"steps": 20, "batch": 1, "inputs": 2, "hidden": 3},
}


def shares(problem: Problem, proved: balls.Balls) -> dict[str, float]:
    """Return for each quantity the largest share of its rounding bound that the reference uses."""
    found, limits = problems.observe(problem), bounds(problem)
    assert set(found) == set(proved)
    return {name: share(array, proved[name], limits[name].error) for name, array in found.items()}


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_all_gradients_lie_within_rounding_of_the_proved_balls(name: str) -> None:
    problem = problems.make(**CASES[name])
    proved = balls.prove(problem)
    assert balls.largest_radius(proved) < PROOF
    for quantity, used in shares(problem, proved).items():
        assert used <= 1, f"{quantity} uses {used:.3g} of its bound"


@pytest.mark.parametrize("number", range(RANDOM))
def test_random_problems_over_all_options_are_proved(number: int) -> None:
    problem = drawn(number)
    proved = balls.prove(problem)
    assert balls.largest_radius(proved) < PROOF
    for quantity, used in shares(problem, proved).items():
        assert used <= 1, f"{quantity} of {problem} uses {used:.3g} of its bound"


def test_random_problems_meet_every_option() -> None:
    drawings = [drawn(number) for number in range(RANDOM)]
    for option in ("layers", "directions", "nonlinearity", "bias", "layout", "dtype"):
        assert len({getattr(problem, option) for problem in drawings}) >= 2, option
    for option in ("lengths", "h_0", "truncation", "masks", "d_output", "d_h_n", "d_y"):
        assert {getattr(problem, option) is None for problem in drawings} == {True, False}, option


OPTIONS = {"truncation": None, "masks": None, "lengths": None, "h_0": None, "bias": False}


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_the_reference_ignored_would_be_seen(option: str) -> None:
    seen = 0
    for number in range(RANDOM):
        problem = drawn(number)
        changed = {option: OPTIONS[option]} | ({"dropout": 0.0} if option == "masks" else {})
        if option == "bias":
            changed["weights"] = {n: a for n, a in problem.weights.items() if not n.startswith("bias")}
        given = getattr(problem, option)
        if given is None or given is False:
            continue
        other = problems.observe(problem.but(**changed))
        proved, limits = balls.prove(problem), bounds(problem)
        seen += any(not share(other[q], proved[q], limits[q].error) <= 1 for q in other if q in proved)
    assert seen


@pytest.mark.parametrize("name", ["one layer, tanh", "two layers, two directions, relu", "lengths"])
@pytest.mark.parametrize("cotangent", ["d_output", "d_h_n"])
def test_each_cotangent_alone_is_proved_as_well(name: str, cotangent: str) -> None:
    problem = problems.make(**CASES[name]).but(**{cotangent: None})
    proved = balls.prove(problem)
    assert balls.largest_radius(proved) < PROOF
    assert max(shares(problem, proved).values()) <= 1


@pytest.mark.parametrize("name", CASES)
def test_the_chain_rule_and_dual_numbers_prove_the_same_derivative(name: str) -> None:
    problem = problems.make(**CASES[name])
    proved = balls.prove(problem)
    rng = np.random.default_rng(5)
    names = ["x", "h_0", *problem.weights]
    direction = {n: rng.standard_normal(proved[gradient_key(n)].shape) for n in names}
    along = balls.directional(problem, direction)
    total = arb(0)
    with balls.precision():
        for n in names:
            for index in np.ndindex(direction[n].shape):
                total += proved[gradient_key(n)][index] * arb(float(direction[n][index]))
        assert total.overlaps(along)
        assert float(total.rad()) < PROOF
        assert float(along.rad()) < PROOF
        assert not (total + arb(1e-15)).overlaps(along)


@pytest.mark.skipif(not WIDER, reason="long double is no wider than float64 here")
@pytest.mark.parametrize("name", CASES)
def test_long_double_lies_within_its_own_bound_and_closer_than_float64(name: str) -> None:
    problem = problems.make(**CASES[name])
    proved = balls.prove(problem)
    wide = widened(problem)
    assert max(shares(wide, proved).values()) <= 1
    narrow_result, wide_result = problems.observe(problem), problems.observe(wide)
    for quantity, exact in proved.items():
        assert wide_result[quantity].dtype == np.longdouble
        off = balls.distance(wide_result[quantity], exact).max()
        assert off <= balls.distance(narrow_result[quantity], exact).max()
    far = [balls.distance(narrow_result[q], exact).max() for q, exact in proved.items()]
    near = [balls.distance(wide_result[q], exact).max() for q, exact in proved.items()]
    gained = np.finfo(np.float64).eps / np.finfo(np.longdouble).eps
    assert max(near) <= max(far) / np.sqrt(gained)  # of the factor 2048 of 80-bit numbers, 45 at least


def widened(problem: Problem) -> Problem:
    """The same problem, number for number, in long double."""

    def wide(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else array.astype(np.longdouble)

    return problem.but(
        dtype=np.longdouble,
        weights={name: array.astype(np.longdouble) for name, array in problem.weights.items()},
        **{field: wide(getattr(problem, field)) for field in ("x", "h_0", "d_output", "d_h_n")},
    )


@pytest.mark.skipif(not WIDER, reason="long double is no wider than float64 here")
@pytest.mark.parametrize("p", [0.1, 0.3])
def test_long_double_keeps_its_digits_through_dropout(p: float) -> None:
    problem = problems.make(layers=2, dropout=p)
    masks = np.random.default_rng(0).random((1, problem.steps, problem.batch, problem.hidden)) >= p
    wide = widened(problem.but(masks=masks))
    trace, _ = problems.run(wide)
    read, below = trace.layer_input(1), trace.hidden(0)
    scale = 1 / (1 - np.longdouble(p))
    good = np.abs(read - np.where(masks[0], below * scale, 0)) <= 2 * np.spacing(np.abs(below * scale))
    assert np.all(good)


def test_a_relu_that_is_exactly_zero_is_proved_with_torch_s_derivative() -> None:
    problem = problems.make(steps=4, batch=2, nonlinearity="relu")
    weights = {name: array.copy() for name, array in problem.weights.items()}
    for array in weights.values():
        array[1] = 0  # unit 1 is 0 at every step
    problem = problem.but(weights=weights)
    proved = balls.prove(problem)
    assert max(shares(problem, proved).values()) <= 1
    assert all(ball == 0 for ball in proved[gradient_key("weight_ih_l0")][1])


# The helpers can fail


def test_a_gradient_off_by_the_last_digits_is_seen() -> None:
    problem = problems.make(steps=6, batch=2)
    proved, limits, found = balls.prove(problem), bounds(problem), problems.observe(problem)
    for quantity, array in found.items():
        wrong = array.copy()
        wrong.flat[-1] += 2 * limits[quantity].error.flat[-1]
        assert share(wrong, proved[quantity], limits[quantity].error) > 1
        wrong.flat[-1] = np.nan
        assert not share(wrong, proved[quantity], limits[quantity].error) <= 1


def test_a_wrong_network_is_seen() -> None:
    problem = problems.make(steps=6, batch=2)
    weights = dict(problem.weights)
    weights["bias_hh_l0"] = -weights["bias_hh_l0"]
    assert max(shares(problem.but(weights=weights), balls.prove(problem)).values()) > 1e6


def test_balls_too_wide_to_prove_anything_would_be_noticed() -> None:
    problem = problems.make(steps=6, batch=2)
    proved = balls.prove(problem)
    proved["h_n"][0, 0, 0] += arb(0, 1e-19)
    assert balls.largest_radius(proved) > PROOF


def test_a_ball_on_relu_s_kink_is_refused() -> None:
    with pytest.raises(ValueError, match="both sides"):
        balls.is_positive(arb(0, 1e-30))
    assert not balls.is_positive(arb(0))


def test_numbers_become_balls_without_rounding() -> None:
    for value in (np.float64(0.1), np.float32(0.1), np.longdouble(1) / 3, np.float64(5e-324)):
        with balls.precision():
            ball = balls.exactly(value)
            assert float(ball.rad()) == 0
            assert float(ball) == float(value)
    if WIDER:
        with balls.precision():
            third = np.longdouble(1) / 3
            assert balls.exactly(third) != arb(float(third))


def test_the_reference_runs_in_long_double_throughout() -> None:
    rnn = refrnn.RNN(3, 4, 2, dtype=np.longdouble, bidirectional=True, generator=np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((7, 5, 3)).astype(np.longdouble)
    trace = rnn.forward(x)
    gradients = rnn.backward(trace, np.ones_like(trace.output))
    arrays = [trace.output, trace.h_n, gradients.x, gradients.h_0, *gradients.parameters.values()]
    assert {array.dtype for array in arrays} == {np.dtype(np.longdouble)}
