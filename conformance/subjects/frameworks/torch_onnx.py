"""torch.nn.RNN, LSTM and GRU exported to ONNX and run in ONNX Runtime, as models are deployed: forward only, results.

The older exporter makes an operator of each layer. `TorchOnnx(dynamo=True)` takes the newer one, which unrolls
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
from conformance.subjects.frameworks import onnx_model, onnx_runtime
from conformance.subjects.observation import Observation
from conformance.subjects.torch_modules import handed, tensor, whole_module

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from conformance.cases import Problem

OPSET = 17


class TorchOnnx(Struct, frozen=True):
    """One export of a module in evaluation mode, and one run of what came of it."""

    name: str = "torch-onnx"
    description: str = (
        "torch.nn.RNN, LSTM and GRU exported to ONNX and run in ONNX Runtime, their results only"
    )
    dynamo: bool = False

    def run(self, problem: Problem) -> Observation:
        """Export the module for this problem alone, run it, and return output and h_n."""
        onnx_model.refuse(problem)
        if problem.lengths is not None:
            message = "A packed sequence, torch's way of lengths, isn't asked of the exporter."
            raise Unsupported(message)
        x, states = tensor(problem.x), _states(problem)
        with _quiet():
            model = _exported(whole_module(problem).eval(), x, states, dynamo=self.dynamo)
        fed = {"x": x, **states}
        output, *finals = onnx_runtime.evaluated(model, {name: held.numpy() for name, held in fed.items()})
        return Observation(
            output=output,
            **{f"{letter}_n": final for letter, final in zip(problem.case.carried, finals, strict=True)},
        )


def _states(problem: Problem) -> dict[str, torch.Tensor]:
    """Return the initial states by name, in the layout of the problem: all or none, as torch takes them."""
    if problem.h_0 is None:
        return {}
    zeros = problem.initial_states
    return {
        f"{letter}_0": tensor(problem.given_states.get(letter, problem.layout.restored_state(zeros[letter])))
        for letter in problem.case.carried
    }


def _exported(
    made: torch.nn.RNNBase, x: torch.Tensor, states: dict[str, torch.Tensor], *, dynamo: bool
) -> bytes:
    """Return the serialised model of a module, called with x and these states."""
    import torch

    call = (x, handed(tuple(states.values()))) if states else (x,)
    finals = ("h_n", "c_n")[: 2 if isinstance(made, torch.nn.LSTM) else 1]
    names = {"input_names": ["x", *states], "output_names": ["output", *finals]}
    if dynamo:
        program = torch.onnx.export(made, call, dynamo=True, verbose=False, **names)
        return program.model_proto.SerializeToString()
    file = io.BytesIO()
    torch.onnx.export(made, call, file, dynamo=False, opset_version=OPSET, **names)
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
