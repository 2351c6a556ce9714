"""The forward scan of one layer and direction, with a choice at every seam.

Everything here is in the order of the scan (T, B, ·): a reverse direction reads its input reversed. Samples
that wait in the padding hold their state.
"""

from collections.abc import Callable

import numpy as np
from msgspec import Struct

from conformance.faults import shifts
from conformance.faults.seams import Choices
from conformance.subjects.observation import Place
from refrnn import Array, Weights

Rounded = Callable[[Array], Array]
"""Applied to the result of every operation: nothing, or a perturbation as large as its rounding."""


def exact(values: Array) -> Array:
    """Return `values` as they are."""
    return values


class Scan(Struct, frozen=True, kw_only=True):
    """What the forward pass of one layer and direction leaves behind."""

    place: Place
    nonlinearity: str
    weights: Weights
    x: Array  # (T, B, I) what the layer read
    h_0: Array  # (B, H) where the scan started
    a: Array  # (T, B, H) pre-activations
    states: Array  # (T, B, H) the states that the network keeps
    final: Array  # (B, H) the state in which the scan ended
    active: Array  # (T, B, 1) where samples have steps


def scan_forward(
    choices: Choices,
    nonlinearity: str,
    place: Place,
    weights: Weights,
    *,
    x: Array,
    h_0: Array,
    active: Array,
    rounded: Rounded = exact,
) -> Scan:
    """Scan x (T, B, I) from h_0 (B, H) and return what is kept of it."""
    share = input_share(choices, weights, x)
    a, states = np.empty_like(share), np.empty_like(share)
    f = _activated(choices, nonlinearity, weights)
    h = h_0
    for t in range(len(x)):
        a[t] = rounded(share[t] + recurrent_share(choices, weights, h, h_0))
        h = np.where(active[t], _stored(choices, rounded(f(a[t]))), h)
        states[t] = h
    return Scan(
        place=place,
        nonlinearity=nonlinearity,
        weights=weights,
        x=x,
        h_0=h_0,
        a=a,
        states=_kept(choices, states, h_0),
        final=h,
        active=active,
    )


def input_share(choices: Choices, w: Weights, x: Array) -> Array:
    """Return x W_ihᵀ + the biases in use, (T, B, I) -> (T, B, H)."""
    share = x @ w.ih.T
    if w.b_ih is None or w.b_hh is None:
        return share
    addends = {
        "both": (w.b_ih, w.b_hh),
        "no b_ih": (w.b_hh,),
        "no b_hh": (w.b_ih,),
        "none": (),
        "b_ih twice": (w.b_ih, w.b_ih),
        "b_hh twice": (w.b_hh, w.b_hh),
        "outside": (),
    }[choices.biases]
    for bias in addends:
        share = share + bias
    return share


def _activated(choices: Choices, nonlinearity: str, w: Weights) -> Callable[[Array], Array]:
    """Return what makes a state of a pre-activation: the activation in use, or that and the biases on top."""
    f = activation(choices, nonlinearity)
    if choices.biases != "outside" or w.b_ih is None or w.b_hh is None:
        return f
    outside = w.b_ih + w.b_hh
    return lambda a: f(a) + outside


def recurrent_share(choices: Choices, w: Weights, h: Array, h_0: Array) -> Array:
    """Return h_{t-1} W_hhᵀ, (…, B, H) -> (…, B, H)."""
    if choices.recurrence == "none":
        return np.zeros_like(h)
    if choices.recurrence == "of h_0":
        return h_0 @ w.hh.T
    return h @ (w.hh if choices.recurrence == "untransposed" else w.hh.T)


def activation(choices: Choices, nonlinearity: str) -> Callable[[Array], Array]:
    """Return the activation in use."""
    own, other = (_tanh, _relu) if nonlinearity == "tanh" else (_relu, _tanh)
    return {
        "own": own,
        "other": other,
        "sigmoid": _sigmoid,
        "halved": lambda a: own(a / 2),
        "none": lambda a: a,
    }[choices.activation]


def _tanh(a: Array) -> Array:
    return np.tanh(a)


def _relu(a: Array) -> Array:
    return np.maximum(a, 0)


def _sigmoid(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def _stored(choices: Choices, h: Array) -> Array:
    """Return a state as it comes back from the array that keeps it."""
    return h.astype(np.float32).astype(h.dtype) if choices.kept == "float32" else h


def _kept(choices: Choices, states: Array, h_0: Array) -> Array:
    if choices.kept == "before":
        return shifts.before(states, h_0)
    return shifts.last(states) if choices.kept == "last" else states
