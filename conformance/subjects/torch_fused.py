"""torch.nn.RNN as it is used: the whole module on the whole sequence, its inner steps read off the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.observation import Observation
from conformance.subjects import torch_graph
from conformance.subjects.torch_modules import module, tensor

if TYPE_CHECKING:
    import torch

    from conformance.cases import Problem


@dataclass(frozen=True, slots=True)
class TorchFused:
    """One nn.RNN call and one backward call; ragged batches go in as packed sequences."""

    name: str = "torch"
    description: str = "torch.nn.RNN on whole sequences, every step read off its graph"

    def run(self, problem: Problem) -> Observation:
        """Run forward and backward and return every public quantity, and the inner ones where they show."""
        import torch

        case = problem.case
        rnn = module(
            problem,
            problem.weights,
            num_layers=case.layers,
            bidirectional=case.bidirectional,
            batch_first=case.layout == "batch-first",
        )
        x = tensor(problem.x, gradient=True)
        h_0 = None if problem.h_0 is None else tensor(problem.h_0, gradient=True)
        output, h_n = _call(rnn, problem, x, h_0)
        inner = torch_graph.tap(problem, [output, h_n])

        seen = [(output, problem.d_output), (h_n, problem.d_h_n)]
        seen = [(result, tensor(d)) for result, d in seen if d is not None]
        named = dict(rnn.named_parameters())
        inputs = [x, *named.values(), *([] if h_0 is None else [h_0])]
        found = torch.autograd.grad(
            [result for result, _ in seen],
            inputs,
            [d for _, d in seen],
            allow_unused=True,
            materialize_grads=True,
        )
        arrays = [gradient.numpy() for gradient in found]
        return Observation(
            output=output.detach().numpy(),
            h_n=h_n.detach().numpy(),
            d_x=arrays[0],
            d_h_0=None if h_0 is None else arrays[-1],
            parameters=dict(zip(named, arrays[1:], strict=False)),
            **({} if inner is None else torch_graph.observed(problem, inner)),
        )


def _call(
    rnn: torch.nn.RNN, problem: Problem, x: torch.Tensor, h_0: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return output and h_n, packing and unpacking where samples have lengths."""
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    if problem.lengths is None:
        return rnn(x, h_0)
    packed = pack_padded_sequence(
        x, tensor(problem.lengths), batch_first=rnn.batch_first, enforce_sorted=False
    )
    packed_output, h_n = rnn(packed, h_0)
    output, _ = pad_packed_sequence(
        packed_output, batch_first=rnn.batch_first, total_length=problem.case.steps
    )
    return output, h_n


SUBJECT = TorchFused()
