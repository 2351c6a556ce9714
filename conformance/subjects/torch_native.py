"""torch's modules with oneDNN off: the float32 LSTM by torch's own kernels, whose graph shows every step.

With oneDNN a float32 LSTM is one node of the graph, and while gradients are recorded its bits depend on T·B and on the
lengths: `torch` shows its results alone. Its steps are shown here by torch's own kernels, and by `torch-steps` one call
of oneDNN after another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from conformance.subjects.torch_fused import TorchFused

if TYPE_CHECKING:
    from conformance.cases import Problem
    from conformance.subjects.observation import Observation


class TorchNative(Struct, frozen=True):
    """One call and one backward call without oneDNN."""

    name: str = "torch-native"
    description: str = "torch.nn.RNN, LSTM and GRU with oneDNN off, every step read off the graph"

    def run(self, problem: Problem) -> Observation:
        """Run as `torch` does, by torch's own kernels."""
        import torch

        enabled = torch._C._get_mkldnn_enabled()  # noqa: SLF001 - mkldnn.flags warns of hardware that isn't there
        torch._C._set_mkldnn_enabled(False)  # noqa: SLF001
        try:
            return TorchFused().run(problem)
        finally:
            torch._C._set_mkldnn_enabled(enabled)  # noqa: SLF001


SUBJECT = TorchNative()
