"""What is known to be wrong in other frameworks: which records show it, and the script that tells by itself."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from conformance import Case, CaseRecord

SCRIPTS = Path(__file__).parents[2] / "docs" / "findings"
ORT = ("onnxruntime", "torch-onnx")
JAX = ("jax", "flax")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mistake of another framework.

    Attributes
    ----------
    id
        The name of its script and of its bug report in docs/findings.
    title
        What is wrong, in words.
    labels
        The entrants that may show it.
    shows
        Whether a case that differs, or an error, is of this kind; never, where it was found by hand.
    """

    id: str
    title: str
    labels: tuple[str, ...]
    shows: Callable[[Case, CaseRecord], bool] = lambda case, record: False  # noqa: ARG005 - found by hand

    def confirmed(self) -> str:
        """Run the script; return what it says: that the mistake is there, that it isn't, or that it can't run."""
        command = [sys.executable, str(SCRIPTS / f"{self.id}.py")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - one of ours
        if "Traceback" in done.stderr:
            return f"the script failed: {done.stderr.strip().splitlines()[-1]}"
        return "confirmed" if done.returncode else "not there"


def _is_nan(case: Case) -> bool:
    return case.regime in ("nan", "inf")


FINDINGS = (
    Finding(
        id="onnxruntime_rnn_tanh",
        title="ONNX Runtime's operator RNN computes tanh with cancellation near 0: tanh(1e-8) is 0",
        labels=ORT,
        shows=lambda case, record: (
            case.nonlinearity == "tanh" and record.verdict == "differs" and not _is_nan(case)
        ),
    ),
    Finding(
        id="onnxruntime_rnn_relu_nan",
        title="ONNX Runtime's operator RNN with Relu turns NaN into 0",
        labels=ORT,
        shows=lambda case, record: (
            case.nonlinearity == "relu" and record.verdict == "differs" and _is_nan(case)
        ),
    ),
    Finding(
        id="onnxruntime_rnn_empty_sample",
        title="ONNX Runtime's Y_h of a sample of length 0 is 0, not its initial_h",
        labels=ORT,
    ),
    Finding(
        id="onnx_reference_rnn_lengths",
        title="onnx.reference's RNN, LSTM and GRU ignore sequence_lens",
        labels=("onnx-reference",),
        shows=lambda case, record: bool(case.lengths) and record.verdict == "differs",
    ),
    Finding(
        id="onnx_reference_rnn_relu",
        title="onnx.reference's RNN refuses Relu",
        labels=("onnx-reference",),
        shows=lambda _, record: (
            record.verdict == "error" and "Unknown activation function 'Relu'" in record.reason
        ),
    ),
    Finding(
        id="jax_float64_lstm_gradient",
        title="JAX's gradient of an LSTM's scan is wrong in float64 unless jit is around it",
        labels=JAX,
    ),
    Finding(
        id="jax_relu_nan_slope",
        title="JAX's relu passes NaN on, and has slope 0 there: gradients don't show it",
        labels=(*JAX, "keras on jax"),
        shows=lambda case, record: (
            case.nonlinearity == "relu" and record.verdict == "differs" and _is_nan(case)
        ),
    ),
    Finding(
        id="flax_rnn_nan_in_padding",
        title="flax.nnx.RNN's gradient by x in the padding is NaN where a bias is",
        labels=JAX,
        shows=lambda case, record: bool(case.lengths and case.poisoned) and record.verdict == "differs",
    ),
    Finding(
        id="keras_gru_without_bias_on_jax",
        title="Keras' GRU without biases fails on JAX where float64 is enabled",
        labels=("keras on jax",),
        shows=lambda case, record: (
            case.cell == "gru" and not case.bias and case.reset == "after" and record.verdict == "error"
        ),
    ),
    Finding(
        id="keras_float64_on_torch",
        title="Keras computes float64 layers in float32 on other backends than TensorFlow",
        labels=("keras on torch", "keras on jax"),
        shows=lambda case, record: case.dtype == "f64" and record.verdict in ("differs", "error"),
    ),
)
"""All of them; of several that a record shows, the first counts."""
