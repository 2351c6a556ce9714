"""ONNX Runtime's operator RNN on the CPU: forward only, every state shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.errors import Unsupported
from conformance.subjects.onnx_model import OnnxOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from refrnn import Array

QUIET = 4
"""The level of its log that tells of nothing but what ends the process."""


def evaluated(model: bytes, inputs: Mapping[str, Array]) -> Sequence[Array]:
    """Run a serialised model in one thread.

    Raises
    ------
    Unsupported
        If this build has no kernel for one of its operators in the precision of the model.
    """
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except NoKernel as refusal:
        reason = str(refusal).splitlines()[0].rpartition(" : ")[2].partition(" with name")[0].rstrip(". ")
        message = f"ONNX Runtime {onnxruntime.__version__}: {reason} in this precision."
        raise Unsupported(message) from refusal
    return session.run(None, dict(inputs))


def _evaluate(model: Any, inputs: Mapping[str, Array]) -> Sequence[Array]:  # noqa: ANN401 - an onnx.ModelProto
    return evaluated(model.SerializeToString(), inputs)


SUBJECT = OnnxOperator("onnxruntime", "ONNX Runtime's operator RNN on the CPU, every state shown", _evaluate)
