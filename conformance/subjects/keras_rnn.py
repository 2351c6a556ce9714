"""keras.layers.SimpleRNN, in Bidirectional where that is asked for: its results, gradients by the backend's own.

Which backend computes is what KERAS_BACKEND says; torch where it says nothing. Keras has one bias where torch has two,
and lengths as a mask. Reading off its layers, what it holds of the reverse direction runs backwards in time.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from conformance.errors import Unsupported
from conformance.subjects.jax_scan import in_full_precision
from conformance.subjects.time_major import TimeMajor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.cases import Problem
    from conformance.subjects.observation import Observation
    from refrnn import Array

    Network = Callable[[Any, Any], tuple[Any, Any]]
    """From x (B, T, I) and h_0 (L·D, B, H) to output (B, T, D·H) and h_n (L·D, B, H)."""


class Keras(Struct, frozen=True):
    """One call of Keras' layers, one above the other, and one backward pass."""

    name: str = "keras"
    description: str = "keras.layers.SimpleRNN on the backend of KERAS_BACKEND, its results only"

    @property
    def library(self) -> str:
        """The library that computes: the backend."""
        return os.environ.get("KERAS_BACKEND", "torch")

    def run(self, problem: Problem) -> Observation:
        """Run both passes in the problem's own precision."""
        os.environ.setdefault("KERAS_BACKEND", "torch")
        import keras

        _refuse(problem)
        if keras.backend.backend() == "jax":
            in_full_precision()
        plain = TimeMajor.of(problem)
        layers = _layers(problem)
        mask = None if problem.lengths is None else problem.active.T
        held = [variable for layer in layers for variable in layer.trainable_variables]
        results, gradients = GRADIENTS[keras.backend.backend()](
            lambda x, h_0: _called(layers, problem, mask, x, h_0),
            held,
            (np.ascontiguousarray(plain.x.swapaxes(0, 1)), plain.h_0),
            (np.ascontiguousarray(plain.d_output.swapaxes(0, 1)), plain.d_h_n),
        )
        (output, h_n), (d_x, d_h_0, *d_parameters) = results, gradients
        return plain.shown(
            output=output.swapaxes(0, 1),
            h_n=h_n,
            d_x=d_x.swapaxes(0, 1),
            d_h_0=d_h_0,
            parameters=_by_torchs_names(problem, d_parameters),
        )


def _refuse(problem: Problem) -> None:
    if problem.case.cell != "rnn":
        message = f"This network is one of SimpleRNN layers, not of an {problem.case.cell}."
        raise Unsupported(message)
    if not problem.format.decides:
        message = (
            f"Keras' backends sum {problem.format.name} in other precisions than the bounds here assume."
        )
        raise Unsupported(message)
    if problem.masks is not None:
        message = "Keras draws its own dropout masks, other ones than those of this case, and shows none."
        raise Unsupported(message)


def _layers(problem: Problem) -> list[Any]:
    """Return the layers, one above the other, that hold the problem's weights."""
    import keras

    case, made = problem.case, []
    for layer in range(case.layers):
        width = case.input_size if layer == 0 else case.directions * case.hidden_size
        sides = [
            keras.layers.SimpleRNN(
                case.hidden_size,
                activation=case.nonlinearity,
                use_bias=case.bias,
                return_sequences=True,
                return_state=True,
                go_backwards=d == 1,
                dtype=problem.format.name,
            )
            for d in range(case.directions)
        ]
        whole = sides[0]
        if case.bidirectional:
            whole = keras.layers.Bidirectional(sides[0], backward_layer=sides[1], dtype=problem.format.name)
        whole.build((case.batch, case.steps, width))
        whole.set_weights([array for d in range(case.directions) for array in _weights(problem, (layer, d))])
        made.append(whole)
    return made


def _weights(problem: Problem, place: tuple[int, int]) -> list[Array]:
    """Return the parameters of a place as Keras holds them: W_ihᵀ, W_hhᵀ and one bias, where there are biases."""
    w_ih, w_hh, *biases = problem.weights_at(place).values()
    return [w_ih.T, w_hh.T, *([np.sum(biases, axis=0)] if biases else [])]


def _called(
    layers: Sequence[Any],
    problem: Problem,
    mask: np.ndarray | None,
    x: Any,  # noqa: ANN401 - tensors of any backend
    h_0: Any,  # noqa: ANN401
) -> tuple[Any, Any]:
    """Call the layers one above the other; what a layer reads in the padding is 0."""
    from keras import ops

    finals, directions = [], problem.case.directions
    for n, layer in enumerate(layers):
        states = [h_0[n * directions + d] for d in range(directions)]
        x, *last = layer(x, initial_state=states, mask=mask)
        finals += last
        if mask is not None:
            x = ops.where(mask[:, :, np.newaxis], x, ops.zeros_like(x))
    return x, ops.stack(finals)


def _by_torchs_names(problem: Problem, gradients: Sequence[Array]) -> dict[str, Array]:
    """Return gradients that come in Keras' order and orientation; both biases have the gradient of its one."""
    found, rest = {}, iter(gradients)
    for place in problem.places:
        w_ih, w_hh, *biases = problem.weights_at(place)
        found[w_ih], found[w_hh] = next(rest).T, next(rest).T
        if biases:
            found |= dict.fromkeys(biases, next(rest))
    return found


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
"""For each backend: results and gradients by x, h_0 and what Keras holds, all of them arrays."""

SUBJECT = Keras()
