"""A problem as an ONNX model: an operator RNN, LSTM or GRU for each layer, weights inside; run by whoever runs ONNX.

Of the operator, with D directions, G gates in its own order, and torch's parameters of a layer stacked over them:

    W (D, G·H, I)    R (D, G·H, H)    B (D, 2G·H), both biases one after the other
    Y (T, D, B, H)   Y_h (D, B, H)    Y_c (D, B, H) of an LSTM

Source: the specifications of the operators RNN, LSTM and GRU in ONNX, version 14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from conformance.errors import Unsupported
from conformance.subjects.time_major import TimeMajor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conformance.cases import Problem
    from conformance.subjects.observation import Observation
    from refrnn import Array

    Run = Callable[[Any, Mapping[str, Array]], Sequence[Array]]

OPSET, IR = 14, 8
"""The first version of the operator as it is today, and the format of the file that goes with it."""

ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu"}

OPERATORS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}

GATES = {"rnn": (0,), "lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}
"""Which of torch's gates (i f g o; r z n) each of the operator's is: i o f g, and z r n."""


class OnnxOperator(Struct, frozen=True):
    """The operators in some runtime: forward only, every h_t of RNN and GRU shown.

    `evaluate` takes a model and its inputs by name, and returns its outputs in their order.
    """

    name: str
    description: str
    evaluate: Run

    def run(self, problem: Problem) -> Observation:
        """Make the model of a problem, run it and lay its states out."""
        refuse(problem)
        plain, case = TimeMajor.of(problem), problem.case
        outputs = self.evaluate(model_of(problem), _inputs(plain))
        every, hidden = 1 + len(case.carried), {}
        if len(case.carried) == 1:  # h_t alone is no step of an LSTM
            for layer, y in enumerate(outputs[::every]):  # (T, B, D·H)
                for d, side in enumerate(np.split(y, case.directions, axis=-1)):
                    hidden[layer, d] = side
        finals = {
            f"{letter}_n": np.concatenate(outputs[n::every]) for n, letter in enumerate(case.carried, 1)
        }
        return plain.shown(output=outputs[-every], hidden=hidden, **finals)


def refuse(problem: Problem) -> None:
    """Raise `Unsupported` for what a network of these operators can't be asked."""
    case = problem.case
    operator = f"The operator {OPERATORS[case.cell]}"
    if case.proj_size:
        message = f"{operator} has no projection."
        raise Unsupported(message)
    if not problem.format.decides:
        message = f"{operator} is asked in float32 and float64 alone, not in {problem.format.name}."
        raise Unsupported(message)
    if problem.masks is not None:
        message = f"{operator} has no dropout between layers; this case drops with p = {case.dropout:g}."
        raise Unsupported(message)


def _inputs(plain: TimeMajor) -> dict[str, Array]:
    """Return what the model is fed; initial states that aren't given are left to the operator."""
    problem, case = plain.problem, plain.problem.case
    fed = {"x": plain.x}
    if problem.lengths is not None:
        fed["lengths"] = problem.lengths.astype(np.int32)
    for letter in problem.given_states:
        layers = np.split(problem.initial_states[letter], case.layers)
        fed |= {f"{letter}_0 of {layer}": state for layer, state in enumerate(layers)}  # (D, B, H)
    return fed


def model_of(problem: Problem) -> Any:  # noqa: ANN401 - an onnx.ModelProto, which is imported when it is wanted
    """Return the model: outputs (T, B, D·H) and last states (D, B, H) of every layer, one after the other."""
    from onnx import TensorProto, helper, numpy_helper

    case, layers = problem.case, range(problem.case.layers)
    number = {"f32": TensorProto.FLOAT, "f64": TensorProto.DOUBLE}[case.dtype]
    own: dict[str, Any] = {
        "rnn": {"activations": [ACTIVATIONS[case.nonlinearity]] * case.directions},
        "gru": {"linear_before_reset": int(case.reset == "after")},
    }.get(case.cell, {})
    constants = [numpy_helper.from_array(np.array([0, 0, -1]), "flat")]
    nodes, below = [], "x"
    for layer in layers:
        weights = _stacked(problem, layer)
        constants += [numpy_helper.from_array(array, name) for name, array in weights.items()]
        given = [
            below,
            f"W{layer}",
            f"R{layer}",
            f"B{layer}" if case.bias else "",
            "lengths" if case.lengths else "",
        ]
        given += [
            f"{letter}_0 of {layer}" if letter in problem.given_states else "" for letter in case.carried
        ]
        nodes += [
            helper.make_node(
                OPERATORS[case.cell],
                given,
                [f"Y{layer}", *(f"{letter}_n of {layer}" for letter in case.carried)],
                hidden_size=case.hidden_size,
                direction="bidirectional" if case.bidirectional else "forward",
                **own,
            ),
            helper.make_node("Transpose", [f"Y{layer}"], [f"by sample {layer}"], perm=[0, 2, 1, 3]),
            helper.make_node("Reshape", [f"by sample {layer}", "flat"], [f"output of {layer}"]),
        ]
        below = f"output of {layer}"
    state = [case.directions, case.batch, case.hidden_size]
    sequence = [case.steps, case.batch, case.directions * case.hidden_size]
    inputs = [("x", number, [case.steps, case.batch, case.input_size])]
    inputs += [("lengths", TensorProto.INT32, [case.batch])] if case.lengths else []
    inputs += [(f"{a}_0 of {layer}", number, state) for a in problem.given_states for layer in layers]
    outputs = [
        (f"{name} of {layer}", number, shape)
        for layer in layers
        for name, shape in (("output", sequence), *((f"{letter}_n", state) for letter in case.carried))
    ]
    graph = helper.make_graph(
        nodes,
        "layers",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)


def _stacked(problem: Problem, layer: int) -> dict[str, Array]:
    """Return W, R and (with biases) B of a layer, by names that begin with these letters."""
    sides = []
    for d in range(problem.case.directions):
        weights = problem.weights_at((layer, d)).values()
        sides.append([_reordered(problem, w) for w in weights])
    found = {
        f"W{layer}": np.stack([side[0] for side in sides]),
        f"R{layer}": np.stack([side[1] for side in sides]),
    }
    if problem.case.bias:
        found[f"B{layer}"] = np.stack([np.concatenate(side[2:]) for side in sides])
    return found


def _reordered(problem: Problem, rows: Array) -> Array:
    """Return a parameter (G·H, ·) with its gates in the operator's order."""
    order = GATES[problem.case.cell]
    blocks = np.split(rows, len(order))
    return np.concatenate([blocks[gate] for gate in order])
