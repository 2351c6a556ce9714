"""Results and gradients of Keras' layers by the backend's own differentiation, all of them NumPy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Network = Callable[..., Sequence[Any]]
    """From x (B, T, I) and initial states (L·D, B, ·) to output (B, T, D·H) and last states (L·D, B, ·)."""

Arrays = tuple[np.ndarray, ...]


def _by_torch(network: Network, held: Sequence[Any], given: Arrays, cotangents: Arrays) -> tuple[Any, Any]:
    import torch

    leaves = [torch.tensor(array, requires_grad=True) for array in given]
    results = network(*leaves)
    found = torch.autograd.grad(
        results,
        [*leaves, *(variable.value for variable in held)],
        [torch.tensor(d) for d in cotangents],
        allow_unused=True,
        materialize_grads=True,
    )
    return [r.detach().numpy() for r in results], [g.numpy() for g in found]


def _by_tensorflow(
    network: Network, held: Sequence[Any], given: Arrays, cotangents: Arrays
) -> tuple[Any, Any]:
    import tensorflow as tf

    leaves = [tf.constant(array) for array in given]
    with tf.GradientTape() as tape:
        tape.watch(leaves)
        results = network(*leaves)
    found = tape.gradient(
        results,
        [*leaves, *(variable.value for variable in held)],
        [tf.constant(d) for d in cotangents],
        unconnected_gradients="zero",
    )
    return [r.numpy() for r in results], [g.numpy() for g in found]


def _by_jax(network: Network, held: Sequence[Any], given: Arrays, cotangents: Arrays) -> tuple[Any, Any]:
    import jax
    import keras

    def stateless(leaves: Sequence[Any], values: Sequence[Any]) -> tuple[Any, Any]:
        with keras.StatelessScope(state_mapping=list(zip(held, values, strict=True))):
            return network(*leaves)

    results, back = jax.vjp(stateless, given, [variable.value for variable in held])
    leaves, values = back(cotangents)
    return [np.array(r) for r in results], [np.array(g) for g in (*leaves, *values)]


GRADIENTS = {"torch": _by_torch, "tensorflow": _by_tensorflow, "jax": _by_jax}
"""For each backend: results and gradients by what is given and what Keras holds."""
