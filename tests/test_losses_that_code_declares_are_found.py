"""The loss that code declares beside its backward pass: which constant it puts on dL/dy, in any layout."""

import numpy as np
import pytest

from conformance.checking.declared import declared_loss
from refrnn import softmax

T, B, O = 7, 3, 5  # noqa: E741 - the letters of the formulas
RNG = np.random.default_rng(5)
Y = RNG.standard_normal((T, B, O))
SQUARES = 0.1 * RNG.standard_normal((T, B, O))
CROSSED = softmax(Y) - np.eye(O)[RNG.integers(O, size=(T, B))]
SINGLE, SINGLE_SQUARES = Y[:, :1], SQUARES[:, :1]


def mean_of_squares(y, target):
    return np.mean((y - target) ** 2)


def half_sum(target, y):
    return 0.5 * np.sum((y - target) ** 2)


def over_lists_of_columns(ys, targets):
    assert all(y.shape == (O, 1) for y in ys)
    return sum(np.sum((y - t) ** 2) for y, t in zip(ys, targets, strict=True)) / len(ys)


def cross_entropy_of_ids(probabilities, ids):
    rows, columns = np.indices(ids.shape)
    return -np.log(probabilities[rows, columns, ids]).sum() / len(probabilities)


FOUND = [
    (mean_of_squares, Y, SQUARES, 2 / (T * B * O)),
    (half_sum, Y, SQUARES, 1.0),
    (over_lists_of_columns, SINGLE, SINGLE_SQUARES, 2 / T),
    (cross_entropy_of_ids, Y, CROSSED, 1 / T),
]


@pytest.mark.parametrize(("loss", "y", "d_y", "constant"), FOUND)
def test_the_constant_of_a_loss_is_found_to_its_own_error(loss, y, d_y, constant):
    found = declared_loss({"loss": loss}, y, d_y, last=False)
    assert found is not None
    assert abs(found.factor - constant) <= found.error
    assert found.error < 1e-9
    assert found.name == "loss computes"


def test_a_loss_of_the_last_step_is_found():
    last = np.where(np.arange(T)[:, np.newaxis, np.newaxis] == T - 1, SQUARES, 0)
    found = declared_loss({"loss": half_sum}, Y, last, last=True)
    assert found is not None
    assert abs(found.factor - 1) <= found.error


def absolute(y, target):
    return np.abs(y - target).sum()


def raises(y, target):
    raise ValueError(y, target)


def a_vector(y, target):
    return y - target


def constant(y, target):
    return 1.0 + 0 * np.sum(y) + 0 * np.sum(target)


@pytest.mark.parametrize("loss", [absolute, raises, a_vector, constant])
def test_what_is_no_such_loss_is_not_taken_for_one(loss):
    assert declared_loss({"loss": loss}, Y, SQUARES, last=False) is None


def test_another_function_of_the_name_does_not_hide_the_loss():
    found = declared_loss({"error": raises, "loss": mean_of_squares}, Y, SQUARES, last=False)
    assert found is not None
    assert found.name == "loss computes"
