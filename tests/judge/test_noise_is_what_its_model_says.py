"""The noise of a problem is its model's: unperturbed replays are the reference, perturbations have the right size."""

import math
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from msgspec import structs

from conformance.cases import FORMATS, materialise, parse_id
from conformance.judge import Precision, results
from conformance.judge.elman_noise import NoisyElman
from conformance.judge.head_noise import noisy_gradients, noisy_outputs, noisy_return
from conformance.judge.noise import Replay, noise_of, noises
from conformance.judge.noisy_arithmetic import Dice, Scanned, perturbations, times
from conformance.subjects.reference import observe
from refrnn import Weights

CASES = [
    "rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0",
    "rnn-relu-L2-bi-T7-len3.7.5.5-B4-bf-I4-H5-f64-s0",
    "rnn-tanh-L3-bi-drop0.5-T7-B3-I4-H5-f64-s0",
    "rnn-tanh-nobias-T6-single-I4-H5-f64-s0",
    "rnn-tanh-L2-T7-B3-I4-H5-O2-f64-s0",
    "rnn-relu-L2-bi-T7-B3-bf-I4-H5-O2-noh0-dlast-f64-s0",
    "rnn-tanh-L2-T7-B3-I4-H5-dout-f64-s0",
    "rnn-tanh-L2-T7-B3-I4-H5-dhn-f64-s0",
]
HAVING_ROWS = ("output", "y", "dL/dx", "head.weight", "weight_ih", "weight_hh")
"""How results begin whose noise is told row by row: by step, or by unit; that of all others is told as a whole."""
PRECISE = Precision.of(FORMATS["f64"])
ROUNDINGS = (
    1000 * 2.0**-53
)  # of the largest number: far more than these small networks make one after the other
MANY = 20_000
SCATTER = 4 / math.sqrt(2 * MANY)  # four standard errors of a standard deviation


def cell(nonlinearity: str = "tanh", u: float = 1e-6, replays: int = MANY, eta: float = 0.0) -> NoisyElman:
    return NoisyElman(u, eta, False, replays, np.random.default_rng(3), nonlinearity)


def scatter(values: np.ndarray) -> np.ndarray:
    """Return the standard deviation over the replays, which are the first axis."""
    return values.std(axis=0)


@pytest.mark.parametrize("case_id", CASES)
def test_replays_without_perturbation_are_the_reference(case_id: str) -> None:
    problem = materialise(parse_id(case_id))
    exact = results(problem, observe(problem, np.float64))
    replay = Replay.of(problem, PRECISE, 3)
    found = structs.replace(replay, cell=structs.replace(replay.cell, u=0.0, eta=0.0)).results()
    assert set(found) >= set(exact)
    for name, result in exact.items():
        assert found[name].shape == (3, *result.value.shape), name
        error = np.abs(found[name] - result.value).max()
        assert error <= ROUNDINGS * np.abs(result.value).max(), (name, error)


@pytest.mark.parametrize("case_id", CASES)
def test_every_result_scatters_and_noise_is_measured_of_all(case_id: str) -> None:
    problem = materialise(parse_id(case_id))
    exact = {name: result.value for name, result in results(problem, observe(problem, np.float64)).items()}
    with np.errstate(invalid="ignore"):
        found, again = noise_of(problem, exact, PRECISE), noise_of(problem, exact, PRECISE)
    assert list(found) == list(exact)
    for name, noise in found.items():
        assert noise.value.shape == noise.relative.shape == exact[name].shape
        assert np.array_equal(noise.value, again[name].value)
        rows = {3: (1, 2), 2: (1,)}[exact[name].ndim] if name.startswith(HAVING_ROWS) else None
        assert not np.ptp(noise.relative, axis=rows).any()
        assert (rows is not None and exact[name].any()) == (np.ptp(noise.relative) > 0)
        floor = PRECISE.u * np.abs(exact[name]) + 10 * problem.case.hidden_size * PRECISE.eta
        assert (noise.value >= floor).all()


def test_perturbations_are_uniform_with_mean_0_and_the_deviation_asked_for() -> None:
    drawn = perturbations(np.random.default_rng(0), (MANY, 2), 0.5)
    assert np.abs(drawn).max() <= 0.5 * math.sqrt(3)
    assert abs(drawn.std() / 0.5 - 1) < SCATTER
    assert abs(drawn.mean()) < 4 * 0.5 / math.sqrt(2 * MANY)
    assert abs(perturbations(np.random.default_rng(0), (MANY,)).std() - 1) < SCATTER


def test_half_of_a_perturbation_s_variance_is_the_same_at_every_step() -> None:
    dice = Dice.of(np.random.default_rng(0), (MANY, 1))
    first, second = dice.roll(), dice.roll()
    assert abs(dice.constant.std() / math.sqrt(0.5) - 1) < SCATTER
    assert abs(first.std() - 1) < SCATTER
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1] - 0.5) < 4 / math.sqrt(MANY)
    assert abs((first - second).std() - 1) < SCATTER


def test_the_error_of_a_sum_is_that_of_random_orders() -> None:
    total, squares, n, u = np.array([3.0, 0.0, -1.0]), np.array([5.0, 2.0, 0.0]), 7, 0.5
    expected = u * np.sqrt(n * (total**2 / 3 + squares / 6) + squares)
    np.testing.assert_allclose(cell(u=u).sum_error(total, squares, n), expected, rtol=8 * 2.0**-53)


def test_the_kink_is_near_where_replays_or_rounding_reach_over_it() -> None:
    noisy = cell("relu", u=0.125, replays=2, eta=2.0**-40)
    a = np.array([[1.0, 1.0, 0.0, 2.0**-38, -1.0], [1.0, 2.0, 0.0, 2.0**-38, -1.0]])  # spread 0, ½, 0, 0, 0
    squares = np.array([[0.0, 0, 0, 0, 9.0]] * 2)
    near = noisy.near_kink(a, squares, 4)
    assert near.tolist() == [[False, True, False, False, True], [False, False, False, False, True]]
    assert noisy.near_kink(a, squares, 5)[:, 3].tolist() == [True, True]  # 5 η is more than 2 ** -38
    assert noisy.near_kink(np.array([[1.0], [1.0]]), np.array([[7.0], [7.2]]), 4).ravel().tolist() == [
        False,
        True,
    ]
    assert noisy.near_kink(np.array([[3.0], [7.0]]), np.zeros((2, 1)), 4).ravel().tolist() == [True, False]
    assert cell("tanh").near_kink(a, squares, 4) is None


def test_half_of_the_replays_lie_on_either_side_of_the_kink() -> None:
    noisy = cell("relu", replays=8)
    a = np.repeat(np.array([[0.5, -0.25, 0.0, 3.0]]), 8, axis=0)
    near = np.repeat(np.array([[True, True, True, False]]), 8, axis=0)
    put = noisy.stratified(a, near)
    assert ((put[:, :3] > 0).sum(axis=0) == 4).all()
    assert set(put[:, 0]) == {0.0, 0.5}
    assert set(put[:, 1]) == {0.0, 0.25}
    assert set(put[:, 2]) == {0.0, np.finfo(np.float64).tiny}
    assert (put[:, 3] == 3).all()
    assert noisy.stratified(a, None) is a
    assert noisy.stratified(a, np.zeros_like(near)) is a
    sides = {tuple(noisy.stratified(a, near)[0, :3] > 0) for _ in range(40)}
    assert len(sides) == 8  # each element by itself


def test_both_sides_of_the_kink_are_as_likely() -> None:
    noisy, near = cell("relu", replays=2), np.ones((2, MANY), np.bool_)
    first = noisy.stratified(np.ones((2, MANY)), near)[0] > 0
    assert abs(first.mean() - 0.5) < 4 * 0.5 / math.sqrt(MANY)


def test_a_state_at_the_kink_of_relu_lies_on_either_side_in_half_of_the_replays() -> None:
    w = Weights(np.array([[1.0], [1.0]]), np.zeros((2, 2)), np.array([-1.0, 1.0]), np.zeros(2))
    noisy, x = cell("relu", replays=8), np.ones((1, 8, 1))
    (states,) = noisy.forward(w, x, [np.zeros((8, 2))], range(1), np.ones((1, 8, 1), np.bool_)).states
    assert ((states[0] > 0).sum(axis=0) == [4, 8]).all()


def drawn_weights(rng: np.random.Generator) -> Weights:
    return Weights(*(rng.uniform(-0.5, 0.5, shape) for shape in ((2, 3), (2, 2), (2,), (2,))))


def test_a_step_forward_scatters_as_its_sum_and_its_function_round() -> None:
    rng, noisy = np.random.default_rng(1), cell()
    w, x, h = drawn_weights(rng), rng.standard_normal((1, 1, 3)), rng.standard_normal((1, 2))
    tiled = np.repeat(x, MANY, axis=1)
    ones = np.ones((1, MANY, 1), np.bool_)
    (states,) = noisy.forward(w, tiled, [np.repeat(h, MANY, axis=0)], range(1), ones).states
    terms = np.concatenate([w.ih * x[0], w.hh * h, w.b_ih[:, None], w.b_hh[:, None]], axis=1)
    a, squares = terms.sum(axis=1), (terms**2).sum(axis=1)
    sigma = 1e-6 * np.sqrt(8 * (a**2 / 3 + squares / 6) + squares)  # I + H + 3 terms
    expected = np.hypot((1 - np.tanh(a) ** 2) * sigma, 1e-6 * np.tanh(a))
    assert np.abs(scatter(states[0]) / expected - 1).max() < SCATTER


def test_a_step_backward_scatters_as_its_operations_round() -> None:
    rng, noisy = np.random.default_rng(2), cell()
    w, h, d = drawn_weights(rng), rng.uniform(-0.9, 0.9, (1, 1, 2)), rng.standard_normal((1, 1, 2))
    ones = np.ones((1, MANY, 1), np.bool_)
    scanned, d_output = Scanned((np.repeat(h, MANY, axis=1),), ()), np.repeat(d, MANY, axis=1)
    back = noisy.backward(w, scanned, (), d_output, [np.zeros((MANY, 2))], range(1), ones)
    d_a, (d_0,) = back.d_ih, back.initial
    slope = 1 - h[0, 0] ** 2
    delta = d[0, 0] * slope
    # Two perturbations by the same dice, half of whose variance they share, and that of the slope.
    expected = 1e-6 * np.abs(d[0, 0]) * np.sqrt(3 * slope**2 + 1)
    assert np.abs(scatter(d_a[0]) / expected - 1).max() < SCATTER
    squares = (delta**2) @ w.hh**2
    sigma = 1e-6 * np.sqrt(2 * ((delta @ w.hh) ** 2 / 3 + squares / 6) + squares)
    through = np.sqrt((expected**2) @ w.hh**2)
    assert np.abs(scatter(d_0) / np.hypot(sigma, through) - 1).max() < SCATTER


def test_steps_that_a_sample_lacks_change_nothing() -> None:
    rng, noisy = np.random.default_rng(4), cell(u=0.0, replays=1)
    w, x, h = drawn_weights(rng), rng.standard_normal((3, 2, 3)), rng.standard_normal((2, 2))
    active = np.array([[True, True], [True, False], [True, False]])[:, :, np.newaxis]
    scanned = noisy.forward(w, x, [h], range(3), active)
    (states,) = scanned.states
    assert np.array_equal(states[2, 1], states[0, 1])
    assert not np.array_equal(states[2, 0], states[1, 0])
    d_final = [rng.standard_normal((2, 2))]
    back = noisy.backward(w, scanned, (), np.zeros((3, 2, 2)), d_final, range(3), active)
    d_a, (d_0,) = back.d_ih, back.initial
    assert not d_a[1:, 1].any()
    assert d_a[:, 0].all()
    assert d_0.all()


def test_a_product_of_rows_scatters_as_a_sum_of_n_terms() -> None:
    rng, noisy = np.random.default_rng(5), cell()
    rows, w = rng.standard_normal((2, 1, 3)), rng.standard_normal((3, 2))
    found = noisy.product(np.repeat(rows, MANY, axis=1), w, 6)
    exact, squares = rows @ w, rows**2 @ w**2
    expected = 1e-6 * np.sqrt(6 * (exact**2 / 3 + squares / 6) + squares)[:, 0]
    assert np.abs(found.std(axis=1) / expected - 1).max() < SCATTER
    assert np.abs(found.mean(axis=1) - exact[:, 0]).max() < 5 * expected.max() / math.sqrt(MANY)
    np.testing.assert_allclose(times(rows, w), exact, rtol=8 * 2.0**-53)


def test_a_head_scatters_as_its_sums_round() -> None:
    problem = materialise(parse_id("rnn-tanh-T2-B1-I4-H3-O2-f64-s0"))
    head, rng, noisy = problem.head, np.random.default_rng(6), cell()
    w, b = head.weight, head.bias
    states, d_y = rng.standard_normal((4, 1, 3)), rng.standard_normal((4, 1, 2))
    many = [np.repeat(values, MANY, axis=1) for values in (states, d_y)]
    y, squares = states @ w.T + b, states**2 @ (w**2).T + b**2
    sigma = 1e-6 * np.sqrt(4 * (y**2 / 3 + squares / 6) + squares)[:, 0]
    assert np.abs(noisy_outputs(noisy, head, many[0]).std(axis=1) / sigma - 1).max() < SCATTER
    back, squares = d_y @ w, d_y**2 @ w**2
    sigma = 1e-6 * np.sqrt(2 * (back**2 / 3 + squares / 6) + squares)[:, 0]
    assert np.abs(noisy_return(noisy, head, many[1]).std(axis=1) / sigma - 1).max() < SCATTER
    by_replay = [np.repeat(values.reshape(1, 4, -1), MANY, axis=0) for values in (states, d_y)]
    found = noisy_gradients(noisy, head, *by_replay)
    left, right = d_y[:, 0].T, states[:, 0]
    for name, total, squares in (
        ("head.weight", left @ right, left**2 @ right**2),
        ("head.bias", left.sum(axis=1), (left**2).sum(axis=1)),
    ):
        sigma = 1e-6 * np.sqrt(4 * (total**2 / 3 + squares / 6) + squares)
        assert np.abs(scatter(found[name]) / sigma - 1).max() < SCATTER, name


def test_noise_is_half_that_of_the_element_and_half_that_of_its_row() -> None:
    exact = np.array([[[3.0, 4.0], [0.0, 0.0]]])  # one result of two rows
    replays = np.stack(
        [exact + np.array([[1.0, 0.0], [0.0, 0.0]]), exact - np.array([[2.0, 1.0], [0.0, 0.0]])]
    )
    with np.errstate(invalid="ignore"):
        (noise,) = noises(replays, exact, (1,), 0.125, 0.25)
    element = np.array([2.5, 0.5])  # mean squares of the deviations
    row = element.mean()
    np.testing.assert_allclose(
        noise.value[0], np.sqrt(element / 2 + row / 2) + 0.125 * exact[0, 0] + 0.25, rtol=8 * 2.0**-53
    )
    np.testing.assert_allclose(
        noise.relative[0], np.sqrt(row) / np.sqrt(12.5) * np.ones(2), rtol=8 * 2.0**-53
    )
    assert noise.value[1].tolist() == [0.25, 0.25]
    assert noise.relative[1].tolist() == [0.0, 0.0]


def test_noise_of_rows_that_should_be_0_is_all_of_them() -> None:
    replays, exact = np.array([[[[1e-300, 0.0]]]]), np.zeros((1, 1, 2))
    with np.errstate(divide="ignore"):
        (noise,) = noises(replays, exact, (1,), 0.0, 0.0)
    assert np.isinf(noise.relative).all()
    np.testing.assert_allclose(noise.value[0], 1e-300 * np.sqrt([0.75, 0.25]), rtol=8 * 2.0**-53)


def test_noise_of_tiny_and_of_huge_rows_is_the_same_part_of_them() -> None:
    row, off = np.array([1.0, -2.0, 0.5]), np.array([1.0, 0.5, -0.25]) * 2.0**-40
    sizes = np.array([2.0**-900, 1.0, 2.0**900])[:, np.newaxis]
    exact = (sizes * row)[np.newaxis]
    replays = np.stack([exact + sizes * off, exact - 2 * sizes * off])
    (noise,) = noises(replays, exact, (1,), 0.0, 0.0)
    squares = 2.5 * off**2
    value = np.sqrt(squares / 2 + squares.mean() / 2)
    relative = np.sqrt(squares.mean() / (row**2).mean())
    np.testing.assert_allclose(noise.value, sizes * value, rtol=8 * 2.0**-53)
    np.testing.assert_allclose(noise.relative, np.full((3, 3), relative), rtol=8 * 2.0**-53)


def test_sums_are_perturbed_as_sums_of_as_many_terms_as_they_have() -> None:
    counts, sum_error = set(), NoisyElman.sum_error

    def counted(noisy: NoisyElman, total: np.ndarray, squares: np.ndarray, n: int) -> np.ndarray:
        counts.add(n)
        return sum_error(noisy, total, squares, n)

    with mock.patch.object(NoisyElman, "sum_error", counted):
        Replay.of(materialise(parse_id("rnn-tanh-L2-bi-T7-B3-I4-H5-O2-f64-s0")), PRECISE, 2).results()
    steps, batch, inputs, hidden, outputs = 7, 3, 4, 5, 2
    assert counts == {
        *(
            inputs + hidden + 3,
            2 * hidden + hidden + 3,
        ),  # states, with two biases and the sum of both products
        *(2 * hidden + 1, outputs),  # y with its bias, and what it passes back
        *(hidden, hidden + 2),  # to the step before, and to what both directions read
        steps * batch,  # parameters
    }


def test_a_gradient_that_passes_through_a_head_does_so_in_the_replays() -> None:
    problem = materialise(parse_id("rnn-tanh-T7-B3-I4-H5-O2-dout-f64-s0"))
    without = replace(problem, d_output=0 * problem.d_output)
    found, same = (Replay.of(p, PRECISE, 2).results()["dL/dx"] for p in (problem, without))
    assert np.array_equal(found, same)
    assert found.any()


def test_a_gradient_of_a_parameter_scatters_element_by_element_as_its_sum_rounds() -> None:
    problem = materialise(parse_id("rnn-tanh-T3-B2-I2-H2-f64-s0"))
    replay = Replay.of(problem, PRECISE, MANY)
    replay = structs.replace(replay, cell=structs.replace(replay.cell, u=1e-6))
    rng = np.random.default_rng(8)
    delta, read = rng.integers(-8, 9, (2, 6, 2)).astype(np.float64)  # whose sums are exact
    tiled = [np.repeat(values[np.newaxis], MANY, axis=0) for values in (delta, read)]
    found = replay._sum(*tiled)
    total, squares = delta.T @ read, (delta**2).T @ read**2
    sigma = 1e-6 * np.sqrt(6 * (total**2 / 3 + squares / 6) + squares)
    assert np.abs(scatter(found) / sigma - 1).max() < SCATTER
    alike = np.corrcoef(found.reshape(MANY, -1).T) - np.eye(4)
    assert np.abs(alike).max() < 5 / math.sqrt(MANY)


def test_a_sum_step_by_step_is_off_by_what_its_precision_loses_in_either_direction() -> None:
    problem = materialise(parse_id("rnn-tanh-T3-B1-I1-H1-f32-s0"))
    replay = Replay.of(problem, Precision.of(problem.format), MANY)
    delta, read = np.array([[2.0**24], [1.0], [1.0]]), np.ones((3, 1))
    off = replay._repeated(delta, read)
    assert off.shape == (MANY, 1, 1)
    assert set(off.ravel()) == {-2.0, 2.0}
    assert abs(off.mean()) < 4 * 2 / math.sqrt(MANY)
    finer = np.array([[1 + 2.0**-30], [1.0], [1.0]])  # which float32 can't hold
    assert set(replay._repeated(finer, read).ravel()) == {-(2.0**-30), 2.0**-30}
