"""A problem as an ONNX model: an operator RNN for each layer, its weights inside; run by whoever runs ONNX.

Of the operator, with D directions and torch's parameters of a layer stacked over them:

    W (D, H, I)    R (D, H, H)    B (D, 2H), both biases one after the other    Y (T, D, B, H)    Y_h (D, B, H)

Source: the specification of the operator RNN in ONNX, version 14.
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


class OnnxOperator(Struct, frozen=True):
    """The operator RNN in some runtime: forward only, every state of every layer shown.

    `run` takes a model and its inputs by name, and returns its outputs in their order.
    """

    name: str
    description: str
    evaluate: Run

    def run(self, problem: Problem) -> Observation:
        """Make the model of a problem, run it and lay its states out."""
        refuse(problem)
        plain, case = TimeMajor.of(problem), problem.case
        outputs = self.evaluate(model_of(problem), _inputs(plain))
        states, finals, hidden = outputs[::2], outputs[1::2], {}
        for layer, y in enumerate(states):  # (T, B, D·H)
            for d, side in enumerate(np.split(y, case.directions, axis=-1)):
                hidden[layer, d] = side
        return plain.shown(output=states[-1], h_n=np.concatenate(finals), hidden=hidden)


def refuse(problem: Problem) -> None:
    """Raise `Unsupported` for what a network of operators RNN can't be asked."""
    case = problem.case
    if case.cell != "rnn":
        message = f"The operator RNN is asked for no {case.cell}."
        raise Unsupported(message)
    if not problem.format.decides:
        message = f"The operator RNN is asked in float32 and float64 alone, not in {problem.format.name}."
        raise Unsupported(message)
    if problem.masks is not None:
        message = (
            f"The operator RNN has no dropout between layers; this case drops with p = {case.dropout:g}."
        )
        raise Unsupported(message)


def _inputs(plain: TimeMajor) -> dict[str, Array]:
    """Return what the model is fed; an h_0 that isn't given is left to the operator."""
    problem, directions = plain.problem, plain.problem.case.directions
    fed = {"x": plain.x}
    if problem.lengths is not None:
        fed["lengths"] = problem.lengths.astype(np.int32)
    if problem.h_0 is not None:
        layers = np.split(plain.h_0, problem.case.layers)
        fed |= {
            f"h_0 of {layer}": h_0.reshape(directions, *h_0.shape[1:]) for layer, h_0 in enumerate(layers)
        }
    return fed


def model_of(problem: Problem) -> Any:  # noqa: ANN401 - an onnx.ModelProto, which is imported when it is wanted
    """Return the model: outputs (T, B, D·H) and last states (D, B, H) of every layer, one after the other."""
    from onnx import TensorProto, helper, numpy_helper

    case = problem.case
    number = {"f32": TensorProto.FLOAT, "f64": TensorProto.DOUBLE}[case.dtype]
    constants = [numpy_helper.from_array(np.array([0, 0, -1]), "flat")]
    nodes, below = [], "x"
    for layer in range(case.layers):
        weights = _stacked(problem, layer)
        constants += [numpy_helper.from_array(array, name) for name, array in weights.items()]
        given = {
            "x": below,
            **dict.fromkeys(("W", "R", "B"), ""),
            "lengths": "lengths" if case.lengths else "",
            "h_0": f"h_0 of {layer}" if case.h_0 else "",
        } | {name[0]: name for name in weights}
        nodes += [
            helper.make_node(
                "RNN",
                list(given.values()),
                [f"Y{layer}", f"h_n of {layer}"],
                hidden_size=case.hidden_size,
                direction="bidirectional" if case.bidirectional else "forward",
                activations=[ACTIVATIONS[case.nonlinearity]] * case.directions,
            ),
            helper.make_node("Transpose", [f"Y{layer}"], [f"by sample {layer}"], perm=[0, 2, 1, 3]),
            helper.make_node("Reshape", [f"by sample {layer}", "flat"], [f"output of {layer}"]),
        ]
        below = f"output of {layer}"
    inputs = [("x", number, [case.steps, case.batch, case.input_size])]
    inputs += [("lengths", TensorProto.INT32, [case.batch])] if case.lengths else []
    state = [case.directions, case.batch, case.hidden_size]
    inputs += [(f"h_0 of {layer}", number, state) for layer in range(case.layers)] if case.h_0 else []
    sequence = [case.steps, case.batch, case.directions * case.hidden_size]
    outputs = [
        (f"{name} of {layer}", number, shape)
        for layer in range(case.layers)
        for name, shape in (("output", sequence), ("h_n", state))
    ]
    graph = helper.make_graph(
        nodes,
        "rnn",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)


def _stacked(problem: Problem, layer: int) -> dict[str, Array]:
    """Return W, R and (with biases) B of a layer, by names that begin with these letters."""
    sides = [list(problem.weights_at((layer, d)).values()) for d in range(problem.case.directions)]
    found = {
        f"W{layer}": np.stack([side[0] for side in sides]),
        f"R{layer}": np.stack([side[1] for side in sides]),
    }
    if problem.case.bias:
        found[f"B{layer}"] = np.stack([np.concatenate(side[2:]) for side in sides])
    return found
