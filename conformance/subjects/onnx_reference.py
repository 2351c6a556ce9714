"""The reference evaluator that comes with ONNX, which other runtimes are tested against: forward only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.subjects.onnx_model import OnnxOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from refrnn import Array


def _evaluate(model: Any, inputs: Mapping[str, Array]) -> Sequence[Array]:  # noqa: ANN401 - an onnx.ModelProto
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(model).run(None, dict(inputs))


SUBJECT = OnnxOperator(
    "onnx-reference", "the operator RNN in ONNX's reference evaluator, every state shown", _evaluate
)
