"""torch.nn.RNN exported to ONNX and run in ONNX Runtime, as models are deployed: forward only, its results.

The older exporter makes an operator RNN of each layer. `TorchOnnx(dynamo=True)` takes the newer one, which unrolls
the loop into products and additions, at seconds a case.
"""

from __future__ import annotations

import io
import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

from conformance.errors import Unsupported
from conformance.subjects import onnx_model, onnx_runtime
from conformance.subjects.observation import Observation
from conformance.subjects.torch_modules import tensor, whole_module

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from conformance.cases import Problem

OPSET = 17


class TorchOnnx(Struct, frozen=True):
    """One export of an nn.RNN in evaluation mode, and one run of what came of it."""

    name: str = "torch-onnx"
    description: str = "torch.nn.RNN exported to ONNX and run in ONNX Runtime, its results only"
    dynamo: bool = False

    def run(self, problem: Problem) -> Observation:
        """Export the module for this problem alone, run it, and return output and h_n."""
        onnx_model.refuse(problem)
        if problem.lengths is not None:
            message = "A packed sequence, torch's way of lengths, isn't asked of the exporter."
            raise Unsupported(message)
        inputs = {"x": tensor(problem.x)} | ({} if problem.h_0 is None else {"h_0": tensor(problem.h_0)})
        with _quiet():
            model = _exported(whole_module(problem).eval(), inputs, dynamo=self.dynamo)
        output, h_n = onnx_runtime.evaluated(model, {name: held.numpy() for name, held in inputs.items()})
        return Observation(output=output, h_n=h_n)


def _exported(rnn: torch.nn.RNN, inputs: dict[str, torch.Tensor], *, dynamo: bool) -> bytes:
    """Return the serialised model of a module, called with these inputs."""
    import torch

    names = {"input_names": list(inputs), "output_names": ["output", "h_n"]}
    if dynamo:
        program = torch.onnx.export(rnn, tuple(inputs.values()), dynamo=True, verbose=False, **names)
        return program.model_proto.SerializeToString()
    file = io.BytesIO()
    torch.onnx.export(rnn, tuple(inputs.values()), file, dynamo=False, opset_version=OPSET, **names)
    return file.getvalue()


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what exporters tell of themselves, which is nothing about the case."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


SUBJECT = TorchOnnx()
