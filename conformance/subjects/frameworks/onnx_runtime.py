"""ONNX Runtime's operators RNN, LSTM and GRU on the CPU: forward only, every h_t shown but of LSTMs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.errors import Unsupported
from conformance.subjects.frameworks.onnx_model import OnnxOperator

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
    from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except NoKernel as refusal:
        reason = str(refusal).splitlines()[0].rpartition(" : ")[2].partition(" with name")[0].rstrip(". ")
        message = f"ONNX Runtime {onnxruntime.__version__}: {reason} in this precision."
        raise Unsupported(message) from refusal
    try:
        return session.run(None, dict(inputs))
    except RuntimeException as refusal:  # what a kernel says that has another precision only
        _, refused, reason = str(refusal).partition("Status Message: ")
        if not refused or "does not support" not in reason:
            raise
        message = f"ONNX Runtime {onnxruntime.__version__}: {reason}."
        raise Unsupported(message) from refusal


def _evaluate(model: Any, inputs: Mapping[str, Array]) -> Sequence[Array]:  # noqa: ANN401 - an onnx.ModelProto
    return evaluated(model.SerializeToString(), inputs)


SUBJECT = OnnxOperator(
    "onnxruntime",
    "ONNX Runtime's operators RNN, LSTM and GRU on the CPU, every h_t shown but of LSTMs",
    _evaluate,
)
