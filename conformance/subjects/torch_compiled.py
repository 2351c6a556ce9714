"""torch.nn.RNN through torch.compile, which sees the recurrence only where `allow_rnn` is set.

Without that flag the compiler leaves recurrent modules alone, and compiling one whole is refused. With it the loop
over t is unrolled into one graph, whose backward pass is derived ahead of time: operations, their order and their
derivatives are the compiler's. The backend is `aot_eager`, which runs that graph by torch's ordinary kernels and
needs no C++ compiler; `TorchCompiled(backend="inductor")` also generates code, at minutes a case.

Unrolling takes time that grows faster than the number of steps, so that long sequences are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from conformance.errors import Unsupported
from conformance.subjects.observation import Observation
from conformance.subjects.torch_fused import Leaves, called, differentiated
from conformance.subjects.torch_modules import whole_module

if TYPE_CHECKING:
    from conformance.cases import Problem

MOST_STEPS = 64
"""Unrolled steps over all layers and directions; 200 of them took half a minute to compile."""


class TorchCompiled(Struct, frozen=True):
    """One call of a compiled nn.RNN and one backward call."""

    name: str = "torch-compiled"
    description: str = "torch.compile of torch.nn.RNN, its results only"
    backend: str = "aot_eager"

    def run(self, problem: Problem) -> Observation:
        """Compile the module for this problem alone, run it, and return every result."""
        import torch

        unrolled = problem.case.steps * len(problem.places)
        if unrolled > MOST_STEPS:
            message = (
                f"torch.compile unrolls the recurrence, and {unrolled} steps are more than the {MOST_STEPS} "
                "that it does in reasonable time."
            )
            raise Unsupported(message)
        if problem.masks is not None and problem.case.dropout < 1:
            message = (
                "torch.compile draws dropout masks in a way of its own, other ones than those of this case."
            )
            raise Unsupported(message)
        if not hasattr(torch._dynamo.config, "allow_rnn"):  # noqa: SLF001 - where the flag lives
            message = (
                f"torch {torch.__version__} has no allow_rnn, so that torch.compile leaves nn.RNN alone."
            )
            raise Unsupported(message)
        return self._compiled(problem)

    def _compiled(self, problem: Problem) -> Observation:
        import torch
        from torch import _dynamo

        rnn = whole_module(problem)
        leaves = Leaves.of(problem, dict(rnn.named_parameters()))
        _dynamo.reset()  # what earlier problems left would count against the limit of recompilations
        try:
            with _dynamo.config.patch(allow_rnn=True):
                run = torch.compile(rnn, backend=self.backend, fullgraph=True)
                output, finals = called(run, problem, leaves)
                return differentiated(problem, output, finals, leaves)
        except _dynamo.exc.TorchDynamoException as refusal:
            reason = str(refusal).strip().splitlines()[0].rstrip(" .")
            message = f"torch.compile refuses this: {reason}."
            raise Unsupported(message) from refusal
        finally:
            _dynamo.reset()


SUBJECT = TorchCompiled()
