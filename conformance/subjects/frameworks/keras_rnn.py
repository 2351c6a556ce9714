"""keras.layers.SimpleRNN, LSTM and GRU, in Bidirectional where that is asked for; gradients by the backend's own.

Which backend computes is what KERAS_BACKEND says; torch where it says nothing. Keras has one bias where torch has two,
but for a GRU whose reset gate comes after the product; its GRU's gates are z r n; its lengths are a mask. Reading off
its layers, what it holds of the reverse direction runs backwards in time.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from conformance.errors import Unsupported
from conformance.subjects.frameworks.jax_scan import in_full_precision
from conformance.subjects.frameworks.keras_backends import GRADIENTS
from conformance.subjects.time_major import TimeMajor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.cases import Case, Problem
    from conformance.subjects.observation import Observation
    from refrnn import Array

LAYERS = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}
"""Keras' layer with each cell."""


class Keras(Struct, frozen=True):
    """One call of Keras' layers, one above the other, and one backward pass."""

    name: str = "keras"
    description: str = (
        "keras.layers.SimpleRNN, LSTM and GRU on the backend of KERAS_BACKEND, their results only"
    )

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
        plain, carried = TimeMajor.of(problem), problem.case.carried
        layers = _layers(problem)
        mask = None if problem.lengths is None else problem.active.T
        held = [variable for layer in layers for variable in layer.trainable_variables]
        results, gradients = GRADIENTS[keras.backend.backend()](
            lambda x, *states: _called(layers, problem, mask, x, states),
            held,
            (_by_sample(plain.x), *(getattr(plain, f"{letter}_0") for letter in carried)),
            (_by_sample(plain.d_output), *(getattr(plain, f"d_{letter}_n") for letter in carried)),
        )
        (output, *last), (d_x, *others) = results, gradients
        d_initial, d_parameters = others[: len(carried)], others[len(carried) :]
        return plain.shown(
            output=output.swapaxes(0, 1),
            **{f"{letter}_n": final for letter, final in zip(carried, last, strict=True)},
            d_x=d_x.swapaxes(0, 1),
            **{f"d_{letter}_0": d for letter, d in zip(carried, d_initial, strict=True)},
            parameters=_by_torchs_names(problem, d_parameters),
        )


def _refuse(problem: Problem) -> None:
    if problem.case.proj_size:
        message = "Keras' LSTM has no projection."
        raise Unsupported(message)
    if not problem.format.decides:
        message = (
            f"Keras' backends sum {problem.format.name} in other precisions than the bounds here assume."
        )
        raise Unsupported(message)
    if problem.masks is not None:
        message = "Keras draws its own dropout masks, other ones than those of this case, and shows none."
        raise Unsupported(message)


def _by_sample(sequence: Array) -> Array:
    """Return (T, B, ·) as (B, T, ·), which is all that Keras reads."""
    return np.ascontiguousarray(sequence.swapaxes(0, 1))


def _layers(problem: Problem) -> list[Any]:
    """Return the layers, one above the other, that hold the problem's weights."""
    import keras

    case, made = problem.case, []
    own = {"rnn": {"activation": case.nonlinearity}, "gru": {"reset_after": case.reset == "after"}}
    for layer in range(case.layers):
        width = case.input_size if layer == 0 else case.directions * case.hidden_size
        sides = [
            getattr(keras.layers, LAYERS[case.cell])(
                case.hidden_size,
                use_bias=case.bias,
                return_sequences=True,
                return_state=True,
                go_backwards=d == 1,
                dtype=problem.format.name,
                **own.get(case.cell, {}),
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
    """Return the parameters of a place as Keras holds them: W_ihᵀ, W_hhᵀ and its bias, where there are biases."""
    w_ih, w_hh, *biases = (_reordered(problem.case, w) for w in problem.weights_at(place).values())
    if not biases:
        return [w_ih.T, w_hh.T]
    return [w_ih.T, w_hh.T, np.stack(biases) if _has_both(problem.case) else np.sum(biases, axis=0)]


def _has_both(case: Case) -> bool:
    """Return whether Keras' bias (2, 3H) is torch's two."""
    return case.cell == "gru" and case.reset == "after"


def _reordered(case: Case, rows: Array) -> Array:
    """Return a parameter (G·H, ·) with its gates in Keras' order instead of torch's, or the other way round."""
    if case.cell != "gru":
        return rows
    first, second, last = np.split(rows, 3)
    return np.concatenate([second, first, last])


def _called(
    layers: Sequence[Any],
    problem: Problem,
    mask: np.ndarray | None,
    x: Any,  # noqa: ANN401 - tensors of any backend
    states: Sequence[Any],
) -> tuple[Any, ...]:
    """Call the layers one above the other; what a layer reads in the padding is 0."""
    from keras import ops

    finals, directions, letters = [], problem.case.directions, len(states)
    for n, layer in enumerate(layers):
        places = range(n * directions, (n + 1) * directions)
        x, *last = layer(x, initial_state=[state[p] for p in places for state in states], mask=mask)
        finals += last
        if mask is not None:
            x = ops.where(mask[:, :, np.newaxis], x, ops.zeros_like(x))
    return x, *(ops.stack(finals[n::letters]) for n in range(letters))


def _by_torchs_names(problem: Problem, gradients: Sequence[Array]) -> dict[str, Array]:
    """Return gradients that come in Keras' order and orientation; two biases have the gradient of its one."""
    case, found, rest = problem.case, {}, iter(gradients)
    for place in problem.places:
        w_ih, w_hh, *biases = problem.weights_at(place)
        found[w_ih], found[w_hh] = next(rest).T, next(rest).T
        if biases:
            bias = next(rest)
            found |= dict(zip(biases, bias if _has_both(case) else (bias, bias), strict=True))
    return {name: _reordered(case, gradient) for name, gradient in found.items()}


SUBJECT = Keras()
