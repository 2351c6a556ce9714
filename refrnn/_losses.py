r"""Losses with their gradients: squared error, and cross-entropy over a stable softmax.

    squared error    mean: Σ(y − t)²/n         sum: Σ(y − t)²       half_sum: ½ Σ(y − t)²
    dL/dy                  2(y − t)/n               2(y − t)                   y − t
    cross-entropy    Σ_n (log Σ_k exp z_nk − z_nc)         c the true class of row n
    dL/dz_nk         softmax(z_n)_k − [k = c]              both divided by N for the mean

In a softmax and in log Σ exp the row's largest logit is subtracted first, which changes neither, and
no exponential can then overflow. Every function returns `(loss, gradient)`, the loss as a scalar of
the dtype of y; targets are checked, since a wrong one would train the network without a word.

References: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html,
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from refrnn import _checks
from refrnn._types import Array

_FLOAT64 = np.dtype(np.float64)


def squared_error(
    y: npt.ArrayLike, target: npt.ArrayLike, reduction: Literal["mean", "sum", "half_sum"] = "mean"
) -> tuple[np.floating[Any], Array]:
    """Return the squared error of y and its gradient dL/dy.

    Parameters
    ----------
    y
        Predictions of any shape; lists are taken as float64.
    target
        Finite numbers in exactly the shape of y.
    reduction
        "mean" over all elements (torch's default), "sum", or "half_sum": half the sum, whose gradient is
        y − target.

    Raises
    ------
    TypeError, ValueError
        If y isn't floating, the shapes differ, a target is NaN or infinite or would lose digits in
        y's dtype, or the reduction is unknown.

    Examples
    --------
    >>> loss, gradient = squared_error([1.0, 2.0], [0.0, 4.0], "half_sum")
    >>> float(loss), gradient
    (2.5, array([ 1., -2.]))
    """
    predictions = _floating("y", y)
    wanted = _checks.safe_cast("target", target, predictions.dtype, predictions.shape, owner="y")
    _refuse_where(
        ~np.isfinite(wanted),
        wanted,
        "target must be finite everywhere",
        "Leave such elements out of y and target, or mend the data.",
    )
    difference = predictions - wanted
    total = np.sum(difference * difference)
    match _checks.choice("reduction", reduction, ("mean", "sum", "half_sum")):
        case "mean":
            return total / difference.size, 2 * difference / difference.size
        case "sum":
            return total, 2 * difference
        case _:
            return total / 2, difference


def softmax(logits: npt.ArrayLike) -> Array:
    """Return the softmax over the last axis: positive, with sum 1, however large the logits are.

    Parameters
    ----------
    logits
        (…, C); lists are taken as float64. A logit of −inf has probability 0, a row with NaN or +inf becomes
        NaN, as in torch.

    Raises
    ------
    TypeError, ValueError
        If the logits aren't floating, have no axis, or an axis has length 0.

    Examples
    --------
    >>> softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    exponentials = np.exp(_shifted(_rows("logits", logits)))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def cross_entropy(
    logits: npt.ArrayLike, class_ids: npt.ArrayLike, reduction: Literal["mean", "sum"] = "mean"
) -> tuple[np.floating[Any], Array]:
    """Return the cross-entropy of the softmax of the logits and its gradient dL/dlogits.

    Parameters
    ----------
    logits
        (…, C): the classes are the last axis, whatever stands before it; lists are taken as float64.
    class_ids
        (…) whole numbers from 0 to C − 1.
    reduction
        "mean" over all rows (torch's default) or "sum".

    Raises
    ------
    TypeError, ValueError
        If the logits aren't floating, class ids are fractional, out of range or of another shape, or
        the reduction is unknown.

    Examples
    --------
    >>> loss, gradient = cross_entropy([[0.0, 0.0], [0.0, 0.0]], [1, 0], "sum")
    >>> round(float(loss), 6), gradient[0]
    (1.386294, array([ 0.5, -0.5]))
    """
    z = _rows("logits", logits)
    ids = _class_ids(class_ids, z.shape)[..., np.newaxis]  # (..., 1)
    divisor = ids.size if _checks.choice("reduction", reduction, ("mean", "sum")) == "mean" else 1
    shifted = _shifted(z)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=-1, keepdims=True)  # (..., 1)
    loss = np.sum(np.log(sums) - np.take_along_axis(shifted, ids, axis=-1))
    gradient = exponentials / sums
    true_class = np.take_along_axis(gradient, ids, axis=-1)
    np.put_along_axis(gradient, ids, true_class - 1, axis=-1)
    return loss / divisor, gradient / divisor


def _floating(name: str, value: npt.ArrayLike) -> Array:
    """Return `value` as an array of one of the reference's dtypes, without empty axes."""
    given = _checks.as_array(name, value, _FLOAT64)
    dtype = _checks.float_dtype(f"The dtype of {name}", given.dtype)
    return _checks.array(name, given, dtype, ("N",) * given.ndim)


def _rows(name: str, value: npt.ArrayLike) -> Array:
    """Return logits (…, C), refusing a single number."""
    given = _floating(name, value)
    if given.ndim == 0:
        message = f"{name} must have the shape (…, C) with the classes last; got one number. Pass an array."
        raise ValueError(message)
    return given


def _shifted(z: Array) -> Array:
    """Return the logits minus the largest of their row, so that every exponential is at most 1."""
    return z - z.max(axis=-1, keepdims=True)


def _class_ids(value: npt.ArrayLike, logits_shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return class ids (…) as whole numbers from 0 to C − 1."""
    *leading, classes = logits_shape
    given = _checks.natural("class_ids", value, "whole numbers")
    if given.dtype.kind not in "iu":
        message = (
            f"class_ids must be whole numbers; got {given.dtype} {given.tolist()!r}. Pass integers; "
            "probabilities for every class aren't supported."
        )
        raise TypeError(message)
    if given.shape != tuple(leading):
        message = (
            f"class_ids must have the shape {tuple(leading)}, one for each row of logits {logits_shape}; got "
            f"{given.shape}. Put the classes on the last axis of the logits."
        )
        raise ValueError(message)
    _refuse_where(
        (given < 0) | (given >= classes),
        given,
        f"class_ids must lie between 0 and C - 1 = {classes - 1}",
        "Leave rows without a class out of both arguments; no id is ignored.",
    )
    return given.astype(np.intp)


def _refuse_where(
    wrong: np.ndarray[Any, Any], given: np.ndarray[Any, Any], expected: str, remedy: str
) -> None:
    """Refuse the first wrong element, naming its value and place."""
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        message = f"{expected}; got {given[place]} at index {place}. {remedy}"
        raise ValueError(message)
