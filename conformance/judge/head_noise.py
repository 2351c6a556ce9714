"""Replays of an output head with a rounding-sized perturbation of every operation: y, its gradients, what passes back.

Replays lie side by side in the batch, (T, K·B, ·), as those of the scan that they follow.
"""

import numpy as np

from conformance.cases import Head
from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.judge.noisy_arithmetic import NoisyArithmetic, perturbations
from refrnn import Array


def noisy_outputs(cell: NoisyArithmetic, head: Head, states: Array) -> Array:
    """Return y (T, K·B, O) for states (T, K·B, D·H)."""
    w = head.weight.astype(np.float64)
    bias = np.zeros(len(w)) if head.bias is None else head.bias.astype(np.float64)
    y = states @ w.T + bias
    return _perturbed(cell, y, states**2 @ w.T**2 + bias**2, w.shape[1] + 1)


def noisy_return(cell: NoisyArithmetic, head: Head, d_y: Array) -> Array:
    """Return dL/doutput (T, K·B, D·H) for dL/dy (T, K·B, O)."""
    w = head.weight.astype(np.float64)
    return _perturbed(cell, d_y @ w, d_y**2 @ w**2, len(w))


def noisy_gradients(cell: NoisyArithmetic, head: Head, states: Array, d_y: Array) -> dict[str, Array]:
    """Return the gradients of the head's parameters for every replay, from (K, T·B, ·): (K, O, D·H) and (K, O)."""
    back, n = d_y.swapaxes(1, 2), d_y.shape[1]
    found = {HEAD_WEIGHT: _perturbed(cell, back @ states, back**2 @ states**2, n)}
    if head.bias is not None:
        found[HEAD_BIAS] = _perturbed(cell, d_y.sum(axis=1), (d_y**2).sum(axis=1), n)
    return found


def _perturbed(cell: NoisyArithmetic, total: Array, squares: Array, n: int) -> Array:
    """Perturb sums of n terms, whose squares add up to `squares`."""
    return total + cell.sum_error(total, squares, n) * perturbations(cell.rng, total.shape)
