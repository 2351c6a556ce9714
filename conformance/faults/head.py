"""The head of a network, with a choice at every seam: outputs, their gradients, and what passes back to the states.

y_t = W h_t + b        dL/dh_t = Wᵀ dL/dy_t        dW = Σ_t dL/dy_t ⊗ h_t        db = Σ_t dL/dy_t
"""

from collections.abc import Callable

import numpy as np
from msgspec import Struct

from conformance.cases import Head
from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.faults import shifts
from conformance.faults.backward import walk
from conformance.faults.entry import entered
from conformance.faults.seams import Choices
from refrnn import Array


class Through(Struct, frozen=True, kw_only=True):
    """What a head makes of the states of the last layer, time-major and batched."""

    y: Array  # (T, B, O)
    d_output: Array  # (T, B, D·H) what passes back
    gradients: dict[str, Array]


def through(
    choices: Choices, head: Head, output: Array, d_y: Array, h_0: Array, scale: float = 1.0
) -> Through:
    """Return what a head makes of output (T, B, D·H) and of dL/dy (T, B, O) times `scale`.

    The scan began at h_0 (B, D·H).
    """
    y = outputs(choices, head, output, h_0)
    d_y = seen(choices, y, d_y) * d_y.dtype.type(scale)
    given = entered(choices, d_y) if choices.head_entry == "as entered" else d_y
    gradients = _gradients(choices, head, _read(choices, output, h_0), given)
    d_output = passed_back(choices, head, d_y, gradients, _read(choices, output, h_0))
    return Through(y=y, d_output=d_output, gradients=_on_own_scales(choices, gradients))


def outputs(choices: Choices, head: Head, output: Array, h_0: Array) -> Array:
    """Return y of output (T, B, D·H) after h_0 (B, D·H): (T, B, O)."""
    states = shifts.before(output, h_0) if choices.head_input == "before" else output
    y = states @ head.weight.T  # (T, B, D·H) @ (D·H, O) -> (T, B, O)
    return y if head.bias is None else y + head.bias


def seen(choices: Choices, y: Array, d_y: Array) -> Array:
    """Return dL/dy as the loss in use has it: with the targets y − dL/dy of a squared error, or those of a softmax."""
    ways: dict[str, Callable[[], Array]] = {
        "own": lambda: d_y,
        "softmax": lambda: d_y + (_softmax(y) - y),
        "squared error": lambda: d_y + (y - _softmax(y)),
        "times softmax'": lambda: d_y * _of_logistic(_softmax(y)),
        "times sigmoid'": lambda: d_y * _of_logistic(1 / (1 + np.exp(-y))),
        "times tanh'": lambda: d_y * (1 - np.tanh(y) ** 2),
        "times y (1 - y)": lambda: d_y * _of_logistic(y),
        "times 1 - y²": lambda: d_y * (1 - y * y),
    }
    return ways[choices.head_loss]()


def passed_back(
    choices: Choices, head: Head, d_y: Array, gradients: dict[str, Array], states: Array
) -> Array:
    """Return dL/dy W, (T, B, O) @ (O, D·H) -> (T, B, D·H); dW is formed with `states`."""
    own = {"common": 1.0, "negated": -1.0, "own": choices.own_passed}[choices.head_passed]
    return d_y.dtype.type(own) * _through_weights(choices, head, d_y, gradients, states)


def _through_weights(
    choices: Choices, head: Head, d_y: Array, gradients: dict[str, Array], states: Array
) -> Array:
    """Return the same with the constant of the head's own gradients."""
    match choices.head_carry:
        case "untransposed" if head.weight.shape[0] == head.weight.shape[1]:
            return d_y @ head.weight.T
        case "updated":
            return d_y @ (head.weight - choices.rate * gradients[HEAD_WEIGHT])
        case "updated inside" | "updated inside, later":
            shares = d_y.swapaxes(1, 2) @ states  # (T, O, B) @ (T, B, D·H) -> (T, O, D·H)
            summed = np.flip(np.cumsum(np.flip(shares, 0), axis=0), 0)
            changed = summed - shares if choices.head_carry.endswith("later") else summed
            return d_y @ (head.weight - d_y.dtype.type(choices.rate) * changed)
        case _:
            return d_y @ head.weight


def _read(choices: Choices, output: Array, h_0: Array) -> Array:
    match choices.head_read:
        case "before":
            return shifts.before(output, h_0)
        case "last":
            return shifts.last(output)
        case _:
            return output


def _gradients(choices: Choices, head: Head, states: Array, d_y: Array) -> dict[str, Array]:
    shares = d_y[..., np.newaxis] * states[..., np.newaxis, :]  # (T, B, O, D·H)
    found = {HEAD_WEIGHT: _over_steps(choices, choices.reduce_head, shares.sum(axis=1))}
    if head.bias is not None:
        factor = {"dropped": 0, "doubled": 2}.get(choices.head_bias, 1)
        share = d_y if choices.head_bias == "per row" else d_y.sum(axis=1)
        summed = factor * _over_steps(choices, choices.reduce_head_bias, share)
        found[HEAD_BIAS] = np.full_like(summed, summed.sum()) if choices.head_bias == "over units" else summed
    return found


def _on_own_scales(choices: Choices, gradients: dict[str, Array]) -> dict[str, Array]:
    """Return the head's gradients, each with the constant that it carries besides what all carry."""
    own = {
        HEAD_WEIGHT: {"common": 1.0, "own": choices.own_head, "zero": 0.0}[choices.scale_head],
        HEAD_BIAS: choices.own_head_bias if choices.scale_head_bias == "own" else 1.0,
    }
    return {name: g * g.dtype.type(own[name]) for name, g in gradients.items()}


def _over_steps(choices: Choices, how: str, shares: Array) -> Array:
    """Reduce over time: (T, *shape) -> (*shape)."""
    match how:
        case "first step":
            return shares[0]
        case "last step":
            return shares[-1]
        case "mean":
            return shares.mean(axis=0)
        case "as walked":
            return shares[[t for t, visited in walk(choices, len(shares)) if visited]].sum(axis=0)
        case "every step":
            return len(shares) * shares.sum(axis=0)
        case _:
            return shares.sum(axis=0)


def _of_logistic(p: Array) -> Array:
    """Return the derivative of the logistic function, and of softmax's diagonal, by its result."""
    return p * (1 - p)


def _softmax(y: Array) -> Array:
    powers = np.exp(y - y.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
