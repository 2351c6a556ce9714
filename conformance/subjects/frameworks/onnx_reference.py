"""The reference evaluator that comes with ONNX, which other runtimes are tested against: forward only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.subjects.frameworks.onnx_model import OnnxOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from refrnn import Array


def _evaluate(model: Any, inputs: Mapping[str, Array]) -> Sequence[Array]:  # noqa: ANN401 - an onnx.ModelProto
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(model).run(None, dict(inputs))


SUBJECT = OnnxOperator(
    "onnx-reference",
    "the operators RNN, LSTM and GRU in ONNX's reference evaluator, every h_t shown but of LSTMs",
    _evaluate,
)
