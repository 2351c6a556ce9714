"""The comparison that the other tests rely on sees what it must see, and refuses to judge what it can't."""

import itertools

import numpy as np
import pytest
from oracles import problems
from oracles.closeness import assert_agree, assert_close
from oracles.problems import gradient_key
from oracles.rounding import Bounded, KinkError, bounds, exact

LENGTHS = (3, 7, 1, 3, 5)


def planted(found: dict[str, np.ndarray], name: str, change: object) -> dict[str, np.ndarray]:
    array = found[name].copy()
    array[(-1,) * array.ndim] += change  # type: ignore[operator]
    return found | {name: array}


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_one_element_off_by_three_bounds_is_seen_in_every_quantity(dtype: type) -> None:
    problem = problems.make(layers=2, directions=2, dtype=dtype)
    expected = bounds(problem)
    for observation in (problems.observe(problem), problems.observe_steps(problem)):
        for name, array in observation.items():
            error = expected[name].error[(-1,) * array.ndim]
            wrong = planted(observation, name, 3 * error + np.spacing(np.abs(array[(-1,) * array.ndim])))
            with pytest.raises(AssertionError, match=r"1 / .* more than rounding"):
                assert_agree(wrong, observation, expected)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_never_agree(value: float) -> None:
    problem = problems.make()
    found, expected = problems.observe(problem), bounds(problem)
    wrong = planted(found, "h_n", value)
    for left, right in ((wrong, found), (found, wrong), (wrong, wrong)):
        with np.errstate(invalid="ignore"), pytest.raises(AssertionError, match="more than rounding"):
            assert_agree(left, right, expected)


def test_a_quantity_that_is_missing_or_has_another_shape_or_dtype_never_agrees() -> None:
    problem = problems.make()
    found, expected = problems.observe(problem), bounds(problem)
    with pytest.raises(AssertionError, match="one side alone"):
        assert_agree({n: a for n, a in found.items() if n != "h_n"}, found, expected)
    with pytest.raises(AssertionError, match="nothing to compare"):
        assert_agree({}, {}, expected)
    with pytest.raises(AssertionError, match="shape"):
        assert_agree(found | {"h_n": found["h_n"][:, :1]}, found, expected)
    with pytest.raises(AssertionError, match="dtype"):
        assert_agree(found | {"h_n": found["h_n"].astype(np.float32)}, found, expected)


def test_a_bound_too_wide_to_mean_anything_is_refused() -> None:
    problem = problems.make()
    found, expected = problems.observe(problem), dict(bounds(problem))
    expected["h_n"] = Bounded(expected["h_n"].value, np.ones(found["h_n"].shape))
    with pytest.raises(AssertionError, match="says nothing"):
        assert_agree(found, found, expected)
    nothing = np.zeros((0, 4))
    with pytest.raises(AssertionError, match="no elements"):
        assert_close("nothing", nothing, nothing, nothing, size=nothing)


def test_the_values_that_travel_with_the_bounds_agree_as_well() -> None:
    if np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps:
        pytest.skip("long double is no wider than float64 here")
    for options in itertools.product(["tanh", "relu"], [None, LENGTHS], [None, 3]):
        nonlinearity, lengths, truncation = options
        problem = problems.make(layers=2, nonlinearity=nonlinearity, lengths=lengths, truncation=truncation)
        expected = bounds(problem)
        for found in (problems.observe(problem), problems.observe_steps(problem)):
            values = {name: np.float64(expected[name].value) for name in found}
            assert_agree(found, values, expected, programs=2)


def test_padding_of_the_bounds_is_exactly_zero() -> None:
    problem = problems.make(lengths=LENGTHS)
    expected = bounds(problem)
    gone = ~problem.present
    for name in ("output", gradient_key("x")):
        assert np.all(expected[name].error[gone] == 0)
        assert np.all(expected[name].value[gone] == 0)
        assert np.all(expected[name].error[~gone] > 0)
    assert np.all(exact(problem.weights["bias_hh_l0"]).error == 0)


def test_data_on_a_kink_of_relu_are_refused_and_exact_zeros_are_not() -> None:
    problem = problems.make(nonlinearity="relu", initial=False, steps=1)
    weights = {name: array.copy() for name, array in problem.weights.items()}
    for array in weights.values():
        array[1] = 0
    bounds(problem.but(weights=weights))
    weights["bias_ih_l0"][1], weights["bias_hh_l0"][1] = 0.1, -0.1
    with pytest.raises(KinkError):
        bounds(problem.but(weights=weights))
