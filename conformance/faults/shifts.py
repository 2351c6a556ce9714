"""Sequences read at another step than their own: the one before, the one after, the last."""

import numpy as np

from refrnn import Array


def before(values: Array, first: Array) -> Array:
    """Return at every step what the step before holds, `first` (B, ·) at the first: (T, B, ·)."""
    return np.concatenate([first[np.newaxis], values[:-1]])


def before_wrapping(values: Array) -> Array:
    """Return at every step what `values[t - 1]` gives in Python: at t = 0 the last step."""
    return np.roll(values, 1, axis=0)


def after(values: Array) -> Array:
    """Return at every step what the step after holds, the last one twice."""
    return np.concatenate([values[1:], values[-1:]])


def last(values: Array) -> Array:
    """Return the last step at every step."""
    return np.repeat(values[-1:], len(values), axis=0)


def mean(values: Array) -> Array:
    """Return the mean over steps at every step."""
    return np.repeat(values.mean(axis=0, keepdims=True), len(values), axis=0)


def nothing(values: Array) -> Array:
    """Return zeros for one step: (T, B, ·) -> (B, ·)."""
    return np.zeros_like(values[0])


def at_last(values: Array, steps: int) -> Array:
    """Return zeros at all of `steps` steps but the last, and `values` (B, ·) there."""
    found = np.zeros((steps, *values.shape), values.dtype)
    found[-1] = values
    return found
