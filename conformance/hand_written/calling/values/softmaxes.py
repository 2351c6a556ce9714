"""What networks put on top of their outputs: softmax over the last axis, and the logistic function."""

from typing import Any

import numpy as np

from refrnn import Array


def softmax(y: Array) -> Array:
    """Return softmax over the last axis."""
    return softmax_along(y, axis=-1)


def softmax_along(y: Any, axis: int | None = None) -> Array:
    """Return softmax along an axis, over everything where none is given, as scipy does."""
    y = np.asarray(y)
    e = np.exp(y - y.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def logsumexp(y: Any, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """Return log Σ exp(y) along an axis, over everything where none is given, as scipy does."""
    y = np.asarray(y)
    top = y.max(axis=axis, keepdims=True)
    total = np.log(np.exp(y - top).sum(axis=axis, keepdims=True)) + top
    return total if keepdims else total.squeeze(axis)


def log_softmax(y: Array) -> Array:
    """Return the logarithm of softmax over the last axis."""
    shifted = y - y.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def outputs_of(y: Array) -> dict[str, Array]:
    """Return outputs and what is made of them, by what they are called here."""
    return {
        "y": y,
        "softmax(y)": softmax(y),
        "log softmax(y)": log_softmax(y),
        "sigmoid(y)": sigmoid(y),
        "tanh(y)": np.tanh(y),
    }


def sigmoid(y: Any) -> Array:
    """Return 1 / (1 + exp(−y))."""
    return 1 / (1 + np.exp(-np.asarray(y)))
