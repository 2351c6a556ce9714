"""NaN, infinities, kinks, saturation, subnormal numbers and sizes of 1, as torch treats them."""

import numpy as np
import pytest
import torch
from oracles import problems, with_torch
from oracles.problems import Observation, Problem, gradient_key
from oracles.rounding import bounds

import refrnn

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def identity(problem: Problem, **changes: np.ndarray) -> Problem:
    """Make a_t = x_t + h_{t−1}, without biases: nothing is rounded that need not be."""
    eye = np.eye(problem.hidden, dtype=problem.dtype)
    return problem.but(weights={"weight_ih_l0": eye, "weight_hh_l0": eye}, **changes)


def one_step(x: list[float], nonlinearity: str, dtype: type = np.float64) -> Problem:
    """One step of identity weights from h_0 = 0 with ones arriving at h_n: h = f(x), dL/dx = f'(x)."""
    size = len(x)
    problem = problems.make(
        steps=1, batch=1, inputs=size, hidden=size, bias=False, nonlinearity=nonlinearity, dtype=dtype
    )
    return identity(
        problem,
        x=np.array(x, dtype).reshape(1, 1, size),
        h_0=np.zeros((1, 1, size), dtype),
        d_output=np.zeros((1, 1, size), dtype),
        d_h_n=np.ones((1, 1, size), dtype),
    )


def same(found: Observation, expected: Observation) -> None:
    """Assert equality bit by bit, NaN with NaN only."""
    assert set(found) == set(expected)
    for name, array in found.items():
        assert array.dtype == expected[name].dtype
        assert np.array_equal(array, expected[name], equal_nan=True), name


def test_the_comparison_of_this_file_can_fail() -> None:
    nan, one = {"a": np.array([np.nan])}, {"a": np.array([1.0])}
    same(nan, nan)
    for left, right in ((nan, one), (one, nan), (one, {"a": np.array([1 + 1e-15])}), (one, {})):
        with pytest.raises(AssertionError):
            same(left, right)


@DTYPES
def test_relu_has_torch_s_value_and_derivative_at_zero_and_beside_it(dtype: type) -> None:
    tiny = float(np.finfo(dtype).tiny)
    values = [0.0, -0.0, tiny, -tiny, 1.5, -1.5]
    problem = one_step(values, "relu", dtype)
    found = problems.observe(problem)
    same(found, with_torch.observe(problem))
    assert found["output"].ravel().tolist() == [0, 0, tiny, 0, 1.5, 0]
    assert found[gradient_key("x")].ravel().tolist() == [0, 0, 1, 0, 1, 0]


@DTYPES
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_nan_stays_nan_and_relu_s_derivative_there_is_one(dtype: type, nonlinearity: str) -> None:
    problem = one_step([np.nan], nonlinearity, dtype)
    found = problems.observe(problem)
    same(found, with_torch.observe(problem))
    assert np.isnan(found["output"]).all()
    slope = found[gradient_key("x")].item()
    assert slope == 1 if nonlinearity == "relu" else np.isnan(slope)


@DTYPES
@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_infinite_pre_activations_are_treated_as_in_torch(
    dtype: type, value: float, nonlinearity: str
) -> None:
    problem = one_step([value], nonlinearity, dtype)
    with np.errstate(invalid="ignore"):
        found = problems.observe(problem)
    same(found, with_torch.observe(problem))
    expected = np.tanh(value) if nonlinearity == "tanh" else max(value, 0)
    assert found["output"].item() == expected
    assert found[gradient_key("x")].item() == (nonlinearity == "relu" and value > 0)


@DTYPES
def test_the_caller_decides_whether_infinities_warn(dtype: type) -> None:
    problem = problems.make(dtype=dtype)
    x = problem.x.copy()
    x[0, 0] = [np.inf, -np.inf, 0]
    weights = {name: np.abs(array) for name, array in problem.weights.items()}  # so that inf meets -inf
    network = problems.network(problem.but(weights=weights))
    with pytest.warns(RuntimeWarning, match="invalid value"), np.errstate(invalid="warn"):
        network(x)
    with np.errstate(invalid="ignore"):
        output, _ = network(x)
    assert np.isnan(output[0, 0]).all()
    with pytest.raises(FloatingPointError), np.errstate(invalid="raise"):
        network(x)


@DTYPES
def test_an_infinity_reached_once_becomes_nan_through_a_zero_weight_as_in_torch(dtype: type) -> None:
    problem = problems.make(nonlinearity="relu", steps=3, batch=2, dtype=dtype)
    weights = {name: array.copy() for name, array in problem.weights.items()}
    weights["weight_hh_l0"][1] = 0
    weights["weight_ih_l0"][:, 0] = 1
    x = problem.x.copy()
    x[0, 0, 0] = np.inf
    problem = problem.but(weights=weights, x=x)
    with np.errstate(invalid="ignore"):
        found = problems.observe(problem)
    expected = with_torch.observe(problem)
    for name, array in found.items():
        assert np.array_equal(np.isnan(array), np.isnan(expected[name])), name
        assert np.array_equal(np.isposinf(array), np.isposinf(expected[name])), name
        assert np.array_equal(np.isneginf(array), np.isneginf(expected[name])), name
    assert np.isposinf(found["output"][0, 0]).all()
    assert np.isnan(found["output"][1, 0, 1])
    assert np.isfinite(found["output"][:, 1]).all()


@DTYPES
def test_saturated_tanh_is_exactly_one_and_passes_exactly_nothing_back(dtype: type) -> None:
    values = [25.0, -25.0, 1e30, -1e30]
    problem = one_step(values, "tanh", dtype)
    found = problems.observe(problem)
    same(found, with_torch.observe(problem))
    assert found["output"].ravel().tolist() == [1, -1, 1, -1]
    assert found[gradient_key("x")].ravel().tolist() == [0, 0, 0, 0]


@DTYPES
def test_a_saturated_unit_blocks_every_gradient_into_the_past(dtype: type) -> None:
    problem = problems.make(dtype=dtype)
    x = problem.x.copy()
    weights = {name: array.copy() for name, array in problem.weights.items()}
    weights["weight_ih_l0"][...] = 1
    x[3] = 40
    problem = problem.but(x=x, weights=weights, d_output=None)
    for observation in (problems.observe(problem), with_torch.observe(problem)):
        assert np.all(observation[gradient_key("x")][:4] == 0)
        assert np.all(observation[gradient_key("x")][4:] != 0)
        assert np.all(observation[gradient_key("h_0")] == 0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("directions", [1, 2])
def test_a_bad_sample_spoils_no_other_sample_going_forward(
    value: float, nonlinearity: str, directions: int
) -> None:
    problem = problems.make(layers=2, directions=directions, nonlinearity=nonlinearity)
    x = problem.x.copy()
    x[2, 1] = value
    with np.errstate(invalid="ignore"):
        spoiled = problems.network(problem).forward(x, problem.h_0)
    clean = problems.network(problem).forward(problem.x, problem.h_0)
    others = [0, 2, 3, 4]
    limit = bounds(problem)["output"].error[:, others]
    assert np.all(np.abs(spoiled.output[:, others] - clean.output[:, others]) <= 2 * limit)
    assert np.isnan(spoiled.output[:, 1]).any() or nonlinearity == "tanh"


@DTYPES
def test_a_nan_in_one_sample_reaches_every_parameter_gradient_as_in_torch(dtype: type) -> None:
    problem = problems.make(dtype=dtype)
    x, d_output = problem.x.copy(), problem.d_output.copy()  # type: ignore[union-attr]
    x[2, 1] = np.nan
    d_output[:, 1] = 0  # the loss doesn't even look at that sample
    problem = problem.but(x=x, d_output=d_output, d_h_n=None)
    found, expected = problems.observe(problem), with_torch.observe(problem)
    for name, array in found.items():
        assert np.array_equal(np.isnan(array), np.isnan(expected[name])), name
    assert all(np.isnan(found[gradient_key(name)]).all() for name in problem.weights)


def test_nan_in_the_padding_leaks_nowhere() -> None:
    problem = problems.make(lengths=(3, 7, 1, 3, 5), layers=2, directions=2)
    assert np.isnan(problem.x[3:, 0]).all()
    for name, array in problems.observe(problem).items():
        assert np.isfinite(array).all(), name
    trace, gradients = problems.run(problem)
    for place in problem.places:
        assert np.isfinite(trace.hidden(*place)).all()
        assert np.isfinite(gradients.d_h(*place)).all()
        assert np.isfinite(gradients.d_a(*place)).all()
        assert np.isfinite(trace.layer_input(place[0])).all()
    for name in problem.weights:
        assert np.isfinite(gradients.step_contributions(name)).all()


def test_an_infinite_state_that_is_held_in_the_padding_is_in_no_step_s_share() -> None:
    problem = problems.make(lengths=(3, 7, 1, 3, 5), nonlinearity="relu")
    weights = {name: np.abs(w) for name, w in problem.weights.items()}
    weights["bias_ih_l0"][0] = np.inf  # and from there into all units
    with np.errstate(invalid="ignore"):
        trace, gradients = problems.run(problem.but(weights=weights))
        shares = gradients.step_contributions("weight_hh_l0")
    assert np.isinf(trace.hidden(0)[:, :, 0]).all()
    alone = shares[5:]  # steps of one sample, without a sum over samples
    assert np.isinf(alone).any()
    assert not np.isnan(alone).any()


@DTYPES
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_subnormal_numbers_are_kept_not_flushed(dtype: type, nonlinearity: str) -> None:
    smallest = float(np.finfo(dtype).smallest_subnormal)
    values = [smallest, 5 * smallest, 1000 * smallest]
    problem = one_step(values, nonlinearity, dtype)
    found = problems.observe(problem)
    assert found["output"].ravel().tolist() == values
    assert found[gradient_key("x")].ravel().tolist() == [1, 1, 1]
    same(found, with_torch.observe(problem))


@DTYPES
def test_overflowing_gradients_become_infinite_as_in_torch(dtype: type) -> None:
    problem = problems.make(
        nonlinearity="relu", dtype=dtype, steps=3, batch=2, inputs=4, hidden=4, bias=False
    )
    large = np.sqrt(np.finfo(dtype).max)
    eye = np.eye(4, dtype=dtype) * large
    ones = np.ones((2, 4), dtype)
    problem = problem.but(
        weights={"weight_ih_l0": eye, "weight_hh_l0": eye},
        x=np.ones((3, 2, 4), dtype),
        h_0=None,
        d_output=np.zeros((3, 2, 4), dtype),
        d_h_n=ones[np.newaxis],
    )
    with np.errstate(over="ignore", invalid="ignore"):
        found = problems.observe(problem)
    expected = with_torch.observe(problem)
    for name in ("output", "h_n", gradient_key("x")):
        assert np.array_equal(np.isfinite(found[name]), np.isfinite(expected[name])), name
        assert np.array_equal(np.isnan(found[name]), np.isnan(expected[name])), name
    assert np.isinf(found["output"][-1]).any()


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("hidden", [1, 2])
def test_sizes_of_one_give_the_same_as_torch(steps: int, batch: int, hidden: int) -> None:
    problem = problems.make(steps=steps, batch=batch, inputs=1, hidden=hidden)
    found, expected, limits = problems.observe(problem), with_torch.observe(problem), bounds(problem)
    for name, array in found.items():
        assert np.all(np.abs(array - expected[name]) <= 2 * limits[name].error), name


def test_h_n_of_the_reverse_direction_stands_at_the_first_step() -> None:
    problem = problems.make(directions=2)
    for observation in (problems.observe(problem), with_torch.observe(problem)):
        output, h_n = observation["output"], observation["h_n"]
        assert np.array_equal(h_n[1], output[0, :, problem.hidden :])
        assert np.array_equal(h_n[0], output[-1, :, : problem.hidden])


def test_h_n_of_lower_layers_is_taken_before_dropout() -> None:
    problem = problems.make(layers=2, dropout=0.5)
    masks = with_torch.masks(problem, seed=4)
    trace, _ = problems.run(problem.but(masks=masks))
    assert np.array_equal(trace.h_n[0], trace.hidden(0)[-1])
    assert not np.array_equal(trace.h_n[0], trace.layer_input(1)[-1])


def test_dropout_of_a_single_layer_warns_and_does_nothing_as_in_torch() -> None:
    with pytest.warns(UserWarning, match="num_layers"):
        torch.nn.RNN(3, 4, dropout=0.5)
    with pytest.warns(UserWarning, match=r"num_layers=1 .* leave it out or add layers"):
        rnn = refrnn.RNN(3, 4, dropout=0.5)
    x = np.random.default_rng(0).standard_normal((7, 5, 3))
    output, _ = rnn(x, generator=np.random.default_rng(1))
    assert np.array_equal(output, rnn(x)[0])
