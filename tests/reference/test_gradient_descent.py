"""One step of gradient descent: its formula, both kinds of clipping, and that nothing given changes."""

import numpy as np
import pytest
import torch
from oracles.closeness import assert_close
from oracles.rounding import Arithmetic

from refrnn import sgd

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
SHAPES = {"weight": (4, 3), "bias": (4,)}


def drawn(dtype: type, seed: int, scale: float = 1.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: (scale * rng.standard_normal(shape)).astype(dtype) for name, shape in SHAPES.items()}


def step_bound(p: np.ndarray, move: np.ndarray, roundings: int) -> np.ndarray:
    """Two programs: the move may be off by `roundings` of its size, the difference by one of its own."""
    do = Arithmetic.of(p.dtype)
    return 2 * (do.gamma(roundings) * np.abs(move) + do.u * (np.abs(p) + np.abs(move)))


@DTYPES
def test_a_step_goes_down_the_gradient(dtype: type) -> None:
    p, g = drawn(dtype, 0), drawn(dtype, 1)
    for name, moved in sgd(p, g, 0.125).items():
        assert np.array_equal(moved, p[name] - g[name] / dtype(8)), name  # an eighth is exact
        assert moved.dtype == dtype


def test_a_step_is_that_of_torch() -> None:
    p, g = drawn(np.float64, 0), drawn(np.float64, 1)
    parameters = {name: torch.nn.Parameter(torch.tensor(array)) for name, array in p.items()}
    for name, parameter in parameters.items():
        parameter.grad = torch.tensor(g[name])
    torch.nn.utils.clip_grad_value_(list(parameters.values()), 0.7)
    torch.optim.SGD(parameters.values(), lr=0.1).step()
    for name, moved in sgd(p, g, 0.1, clip_value=0.7).items():
        expected = parameters[name].detach().numpy()
        assert_close(name, moved, expected, step_bound(p[name], 0.1 * g[name], 1), size=p[name])


@DTYPES
def test_clipping_by_value_cuts_every_element(dtype: type) -> None:
    g = drawn(dtype, 1)
    zeros = {name: np.zeros_like(array) for name, array in g.items()}
    for name, moved in sgd(zeros, g, 1, clip_value=0.5).items():
        assert np.array_equal(-moved, np.minimum(np.maximum(g[name], dtype(-0.5)), dtype(0.5)))
        assert np.any(np.abs(g[name]) > 0.5)
        assert np.any(np.abs(g[name]) < 0.5)


@DTYPES
@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
def test_clipping_by_norm_shortens_all_gradients_together(dtype: type, scale: float) -> None:
    g = drawn(dtype, 1, scale)
    zeros = {name: np.zeros_like(array) for name, array in g.items()}
    together = np.concatenate([array.ravel() for array in g.values()]).astype(np.longdouble)
    limit = 0.25 * scale
    factor = np.longdouble(limit) / np.linalg.norm(together)
    for name, moved in sgd(zeros, g, 1, clip_norm=limit).items():
        expected = (g[name].astype(np.longdouble) * factor).astype(dtype)
        # 16 squares and 15 sums, halved by the root; quotients, root and the final products: 8 more.
        bound = Arithmetic.of(dtype).gamma(16 + 8) * np.abs(expected)
        assert_close(name, -moved, expected, 2 * bound, size=expected)


def test_clipping_by_norm_is_that_of_torch_but_for_its_small_constant() -> None:
    g = drawn(np.float64, 1)
    zeros = {name: np.zeros_like(array) for name, array in g.items()}
    parameters = {name: torch.nn.Parameter(torch.tensor(array)) for name, array in zeros.items()}
    for name, parameter in parameters.items():
        parameter.grad = torch.tensor(g[name])
    norm = float(torch.nn.utils.clip_grad_norm_(list(parameters.values()), 0.25))
    for name, moved in sgd(zeros, g, 1, clip_norm=0.25).items():
        expected = parameters[name].grad.numpy() * ((norm + 1e-6) / norm)  # torch divides by norm + 1e-6
        bound = 2 * Arithmetic.of(np.float64).gamma(16 + 8 + 3) * np.abs(expected)
        assert_close(name, -moved, expected, bound, size=expected)


@pytest.mark.parametrize("scale", [1.0, 0.0])
def test_gradients_within_the_norm_stay_as_they_are(scale: float) -> None:
    p, g = drawn(np.float64, 0), drawn(np.float64, 1, scale)
    clipped, free = sgd(p, g, 0.5, clip_norm=100), sgd(p, g, 0.5)
    assert all(np.array_equal(clipped[name], free[name]) for name in SHAPES)


def test_gradients_barely_above_the_norm_are_shortened_to_it() -> None:
    zeros, g = {"bias": np.zeros(4)}, {"bias": np.ones(4)}  # of norm 2
    assert np.array_equal(sgd(zeros, g, 1, clip_norm=1.75)["bias"], -0.875 * np.ones(4))


def test_gradients_of_just_the_norm_keep_every_bit() -> None:
    g = np.array([3.0, 0.0])  # beside a number too small for the norm to notice
    g[1] = next(tiny for tiny in 1e-20 * np.arange(1.0, 50.0) if tiny / 3 * 3 != tiny)
    assert np.array_equal(sgd({"bias": np.zeros(2)}, {"bias": g}, 1, clip_norm=3)["bias"], -g)


def test_nothing_given_is_changed_and_the_result_is_read_only() -> None:
    p, g = drawn(np.float64, 0), drawn(np.float64, 1)
    copies = [{name: array.copy() for name, array in d.items()} for d in (p, g)]
    for clipping in ({}, {"clip_value": 0.1}, {"clip_norm": 0.1}):
        moved = sgd(p, g, 0.5, **clipping)
        for name in SHAPES:
            assert np.array_equal(p[name], copies[0][name])
            assert np.array_equal(g[name], copies[1][name])
            with pytest.raises(ValueError, match="read-only"):
                moved[name][...] = 0


def test_no_parameters_give_no_parameters() -> None:
    assert dict(sgd({}, {}, 0.1, clip_norm=1)) == {}


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (
            {"learning_rate": 0},
            ValueError,
            r"learning_rate must be finite and above 0; got 0\. Pass a positive",
        ),
        ({"learning_rate": "0.1"}, TypeError, "learning_rate must be one real number; got '0.1'"),
        (
            {"learning_rate": torch.tensor([0.1])},
            TypeError,
            r"learning_rate must be one real number; got tensor\(\[0\.1",
        ),
        ({"learning_rate": np.array("fast")}, TypeError, "must be one real number; got array"),
        ({"learning_rate": 10**400}, TypeError, "must be one real number; got 1000"),
        ({"clip_value": -1}, ValueError, "clip_value must be finite and above 0; got -1"),
        ({"clip_norm": np.nan}, ValueError, "clip_norm must be finite and above 0; got nan"),
        ({"clip_value": 1, "clip_norm": 2}, ValueError, "exclude each other; got 1 and 2. Pass one of them"),
        ({"gradients": {}}, ValueError, "exactly the parameters weight, bias; got none. Leave parameters"),
        (
            {"gradients": drawn(np.float64, 1) | {"extra": np.zeros(3)}},
            ValueError,
            "got weight, bias, extra",
        ),
        (
            {"gradients": drawn(np.float64, 1) | {"bias": np.zeros((4, 1))}},
            ValueError,
            r"The gradient of bias must have the shape \(4\); got \(4, 1\)",
        ),
        (
            {"parameters": drawn(np.float64, 0) | {"bias": [[0.0], [1.0, 2.0]]}},
            TypeError,
            "The parameter bias must be an array; got list whose parts differ in length. Pad them",
        ),
        ({"gradients": drawn(np.float32, 1)}, TypeError, "The gradient of weight must be float64"),
        (
            {"gradients": drawn(np.float64, 1) | {"bias": np.array([0, 1, np.nan, np.inf])}},
            ValueError,
            r"The gradient of bias must be finite; got nan at index \(2,\)\. Lower the learning rate",
        ),
    ],
)
def test_what_makes_no_step_is_refused(change: dict, error: type[Exception], match: str) -> None:
    given = {"parameters": drawn(np.float64, 0), "gradients": drawn(np.float64, 1), "learning_rate": 0.1}
    with pytest.raises(error, match=match):
        sgd(**(given | change))
