"""Losses and their gradients are torch's, within what rounding allows, and stay finite where they should."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from oracles import differences
from oracles.closeness import assert_close
from oracles.rounding import Arithmetic

from refrnn import cross_entropy, softmax, squared_error

BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])
Loss = Callable[..., tuple[np.floating, np.ndarray]]


def drawn(dtype: type, shape: tuple[int, ...], scale: float = 1.0) -> np.ndarray:
    return (scale * np.random.default_rng(len(shape)).standard_normal(shape)).astype(dtype)


def class_ids(shape: tuple[int, ...], classes: int) -> np.ndarray:
    return np.random.default_rng(classes).integers(0, classes, shape)


@BOTH
@pytest.mark.parametrize(
    ("reduction", "torch_reduction", "factor"),
    [("mean", "mean", 1), ("sum", "sum", 1), ("half_sum", "sum", 0.5)],
)
@pytest.mark.parametrize("shape", [(), (3,), (7, 5, 3)], ids=str)
def test_squared_errors_are_those_of_torch(
    dtype: type, reduction: str, torch_reduction: str, factor: float, shape: tuple[int, ...]
) -> None:
    y, target = np.asarray(drawn(dtype, shape)), np.asarray(2 * drawn(dtype, (*shape, 1))[..., 0])
    tensor = torch.tensor(y, requires_grad=True)
    expected = factor * torch.nn.functional.mse_loss(tensor, torch.tensor(target), reduction=torch_reduction)
    expected.backward()
    loss, gradient = squared_error(y, target, reduction)
    # One rounding each for difference and product, n in the sum of positive terms, two for the factors.
    gamma = Arithmetic.of(dtype).gamma(y.size + 5)
    value = expected.detach().numpy()
    assert_close("loss", np.asarray(loss), value, 2 * gamma * np.abs(value), size=value)
    # One rounding for the difference, up to three for 2, n and torch's upstream factor.
    slopes = tensor.grad.numpy()
    bound = 2 * Arithmetic.of(dtype).gamma(4) * np.abs(slopes)
    assert_close("gradient", gradient, slopes, bound, size=slopes)


def softmax_roundings(logits: np.ndarray) -> int:
    """Return how many units of roundoff a softmax may be off by, relative to each probability.

    With s = z − max z, right to u|s|: exp s inherits u|s| and adds its own 2 ULP = 4u; the sum of C such
    adds C; the quotient 1. Programs that take exp(s − log Σ) instead round s − log Σ and log Σ, of sizes up
    to |s| + log C, before an exponential. Both stay within 4 max|s| + 4 log C + C + 16.
    """
    spread = np.max(logits.max(axis=-1, keepdims=True) - logits)
    classes = logits.shape[-1]
    return int(4 * spread + 4 * np.log(classes)) + classes + 16


@BOTH
@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_a_softmax_is_that_of_torch(dtype: type, scale: float) -> None:
    logits = drawn(dtype, (7, 5, 4), scale)
    expected = torch.softmax(torch.tensor(logits), -1).numpy()
    bound = (
        2 * Arithmetic.of(dtype).gamma(softmax_roundings(logits)) * expected
        + np.finfo(dtype).smallest_subnormal
    )
    assert_close("softmax", softmax(logits), expected, bound, size=expected)


@BOTH
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("leading", [(), (6,), (7, 5)], ids=str)
def test_cross_entropies_are_those_of_torch(dtype: type, reduction: str, leading: tuple[int, ...]) -> None:
    logits, ids = drawn(dtype, (*leading, 4), 3.0), class_ids(leading, 4)
    tensor = torch.tensor(logits, requires_grad=True)
    rows, wanted = tensor.reshape(-1, 4), torch.tensor(ids).reshape(-1)
    expected = torch.nn.functional.cross_entropy(rows, wanted, reduction=reduction)
    expected.backward()
    loss, gradient = cross_entropy(logits, ids, reduction)
    # A row's loss is log Σ − s_c: the relative error of Σ becomes an absolute one, the terms are below
    # |s| + log C + 1; their roundings are among softmax_roundings. Then the rows are summed and divided.
    do, count = Arithmetic.of(dtype), max(ids.size, 1)
    terms = np.max(logits.max(-1, keepdims=True) - logits) + np.log(4) + 1
    bound = (
        2 * do.gamma(softmax_roundings(logits) + count + 1) * terms * (1 if reduction == "mean" else count)
    )
    value = expected.detach().numpy()
    assert_close("loss", np.asarray(loss), value, np.asarray(bound), size=value)
    # p − 1 in the true class: p's error, and one rounding of a number below 1; then the division by N.
    slopes = tensor.grad.numpy()
    relative = 2 * do.gamma(softmax_roundings(logits) + 2)
    bound = relative * np.ones(logits.shape) / (count if reduction == "mean" else 1)
    assert_close("gradient", gradient, slopes, bound, size=slopes)


@pytest.mark.parametrize(
    ("loss", "target", "reductions"),
    [
        (squared_error, drawn(np.longdouble, (4, 3, 1), 2.0)[..., 0], ("mean", "sum", "half_sum")),
        (cross_entropy, class_ids((4,), 3), ("mean", "sum")),
    ],
    ids=["squared error", "cross-entropy"],
)
def test_gradients_of_losses_are_their_slopes(
    loss: Loss, target: np.ndarray, reductions: tuple[str, ...]
) -> None:
    y = drawn(np.longdouble, (4, 3))
    for reduction in reductions:
        _, gradient = loss(y, target, reduction)
        slopes, bound = differences.gradient(lambda value, r=reduction: loss(value, target, r)[0], y)
        assert_close(reduction, gradient, slopes, bound, size=slopes)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_losses_keep_the_dtype_of_the_prediction(dtype: type) -> None:
    y = drawn(dtype, (4, 3))
    for loss, gradient in (squared_error(y, np.zeros((4, 3), dtype)), cross_entropy(y, class_ids((4,), 3))):
        assert loss.dtype == gradient.dtype == dtype
    assert softmax(y).dtype == dtype


@BOTH
def test_no_logit_is_too_large_for_a_softmax(dtype: type) -> None:
    huge = np.finfo(dtype).max / 4
    logits = np.array([[huge, huge, -huge], [huge, -huge, 0]], dtype)
    assert np.array_equal(softmax(logits), np.array([[0.5, 0.5, 0], [1, 0, 0]], dtype))
    loss, gradient = cross_entropy(logits, [0, 0], "sum")
    assert loss == np.log(dtype(2))
    assert np.array_equal(gradient, np.array([[-0.5, 0.5, 0], [0, 0, 0]], dtype))


def test_a_class_of_logit_minus_infinity_has_probability_zero() -> None:
    assert np.array_equal(softmax([0.0, -np.inf, 0.0]), [0.5, 0, 0.5])
    loss, gradient = cross_entropy([0.0, -np.inf, 0.0], 2)
    assert loss == np.log(2)
    assert np.array_equal(gradient, [0.5, 0, -0.5])


def test_a_softmax_does_not_change_when_all_logits_move() -> None:
    logits = np.arange(12.0).reshape(4, 3) % 5  # whole numbers: the shifts are exact
    assert np.array_equal(softmax(logits), softmax(logits + 1024))


def test_nan_in_a_prediction_shows_in_the_loss() -> None:
    y = np.array([[0.0, np.nan], [1.0, 2.0]])
    for loss, gradient in (squared_error(y, np.zeros((2, 2))), cross_entropy(y, [0, 1])):
        assert np.isnan(loss)
        assert np.isnan(gradient[0]).any()
        assert np.isfinite(gradient[1]).all()


def test_losses_leave_their_arguments_alone() -> None:
    y, target, ids = drawn(np.float64, (4, 3)), drawn(np.float64, (4, 3)), class_ids((4,), 3)
    copies = [array.copy() for array in (y, target, ids)]
    for _, gradient in (squared_error(y, target, "half_sum"), cross_entropy(y, ids)):
        gradient[...] = 9
    softmax(y)[...] = 9
    assert all(np.array_equal(a, b) for a, b in zip((y, target, ids), copies, strict=True))


def test_torch_tensors_and_lists_are_taken_too() -> None:
    y, ids = drawn(np.float64, (4, 3)), class_ids((4,), 3)
    assert (
        cross_entropy(torch.tensor(y, requires_grad=True), torch.tensor(ids))[0] == cross_entropy(y, ids)[0]
    )
    assert cross_entropy(y.tolist(), ids.tolist())[0] == cross_entropy(y, ids)[0]
    assert squared_error(y.tolist(), torch.zeros(4, 3))[0] == squared_error(y, np.zeros((4, 3)))[0]
