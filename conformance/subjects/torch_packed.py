"""torch.nn.RNN on packed sequences throughout, whether samples have lengths or not.

Ragged batches are packed in any order (`enforce_sorted=False`), so that torch sorts h_0 and h_n; full ones with
`enforce_sorted=True`, which is the other way through its code: no indices, nothing sorted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import Struct

from conformance.errors import Unsupported
from conformance.subjects import torch_graph
from conformance.subjects.observation import Observation
from conformance.subjects.torch_fused import Leaves, called, differentiated
from conformance.subjects.torch_modules import whole_module

if TYPE_CHECKING:
    from conformance.cases import Problem


class TorchPacked(Struct, frozen=True):
    """One nn.RNN call on a PackedSequence and one backward call."""

    name: str = "torch-packed"
    description: str = "torch.nn.RNN on packed sequences, equal lengths included"

    def run(self, problem: Problem) -> Observation:
        """Pack, run, unpack, and return every result with the inner steps that the graph shows."""
        if problem.case.layout == "unbatched":
            message = "An unbatched sample can't be packed: pack_padded_sequence takes batches only."
            raise Unsupported(message)
        rnn = whole_module(problem)
        leaves = Leaves.of(problem, dict(rnn.named_parameters()))
        output, finals = called(rnn, problem, leaves, always_packed=True)
        inner = torch_graph.tap(problem, [output, *finals.values()])
        shown = differentiated(problem, output, finals, leaves)
        return replace(shown, **({} if inner is None else torch_graph.observed(problem, inner)))


SUBJECT = TorchPacked()
