"""torch.nn.RNN on a GPU, where cuDNN runs all layers and steps in one kernel of its own: results only.

For the call, TF32 is off (it would cut float32 products to 10 bits) and cuDNN is asked for deterministic
algorithms without a search for the fastest; afterwards everything is as it was.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from conformance.errors import Unsupported
from conformance.subjects.observation import Observation
from conformance.subjects.torch_fused import Leaves, called, differentiated
from conformance.subjects.torch_modules import whole_module

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.cases import Problem

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
"""cuBLAS reads it when it is first used: without such a workspace, two runs of an RNN may round differently."""


class TorchCuda(Struct, frozen=True):
    """One nn.RNN call and one backward call on a device."""

    name: str = "torch-cuda"
    description: str = "torch.nn.RNN on a GPU, its results only"
    device: str = "cuda"

    def run(self, problem: Problem) -> Observation:
        """Copy the problem to the device, run it there, and return every result."""
        import torch

        if not torch.cuda.is_available():
            message = "There is no CUDA device here, or this build of torch doesn't use it."
            raise Unsupported(message)
        if problem.masks is not None:
            message = "Dropout on a GPU draws other masks than those of this case, and shows none."
            raise Unsupported(message)
        with full_precision():
            rnn = whole_module(problem).to(self.device)
            host = Leaves.of(problem, dict(rnn.named_parameters()))
            leaves = replace(
                host,
                x=host.x.detach().to(self.device).requires_grad_(),
                states={
                    letter: state.detach().to(self.device).requires_grad_()
                    for letter, state in host.states.items()
                },
            )
            output, finals = called(rnn, problem, leaves)
            return differentiated(problem, output, finals, leaves)


@contextmanager
def full_precision() -> Iterator[None]:
    """Switch TF32 and everything nondeterministic off, and back to what it was."""
    import torch

    matmul, workspace = torch.backends.cuda.matmul, os.environ.get(WORKSPACE)
    tf32 = matmul.allow_tf32
    os.environ[WORKSPACE] = ":4096:8" if workspace is None else workspace
    matmul.allow_tf32 = False
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        matmul.allow_tf32 = tf32
        if workspace is None:
            del os.environ[WORKSPACE]


SUBJECT = TorchCuda()
