"""torch.nn.RNN as it is used: the whole module on the whole sequence, its inner steps read off the graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from conformance.subjects import torch_graph
from conformance.subjects.observation import Observation
from conformance.subjects.torch_modules import cotangent, numbers, seeded, shown, tensor, whole_module

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch

    from conformance.cases import Problem


class TorchFused(Struct, frozen=True):
    """One nn.RNN call and one backward call; ragged batches go in as packed sequences."""

    name: str = "torch"
    description: str = "torch.nn.RNN on whole sequences, every step read off its graph"

    def run(self, problem: Problem) -> Observation:
        """Run forward and backward and return every public quantity, and the inner ones where they show."""
        rnn = whole_module(problem)
        leaves = Leaves.of(problem, dict(rnn.named_parameters()))
        output, h_n = called(rnn, problem, leaves)
        inner = torch_graph.tap(problem, [output, h_n])
        found = differentiated(problem, output, h_n, leaves)
        return replace(found, **({} if inner is None else torch_graph.observed(problem, inner)))


class Leaves(Struct, frozen=True, kw_only=True):
    """The tensors of a run whose gradients are wanted."""

    x: torch.Tensor
    h_0: torch.Tensor | None
    parameters: dict[str, torch.Tensor]  # by torch's names; those that need no gradient are left out

    @classmethod
    def of(cls, problem: Problem, parameters: Mapping[str, torch.Tensor]) -> Leaves:
        """Return x and h_0 as leaves, next to the parameters that aren't frozen."""
        return cls(
            x=numbers(problem, problem.x, gradient=True),
            h_0=None if problem.h_0 is None else numbers(problem, problem.h_0, gradient=True),
            parameters={name: p for name, p in parameters.items() if p.requires_grad},
        )

    @property
    def all(self) -> list[torch.Tensor]:
        """x, the parameters, and h_0 where it is given."""
        return [self.x, *self.parameters.values(), *([] if self.h_0 is None else [self.h_0])]


def called(
    run: Callable[..., tuple[Any, torch.Tensor]],
    problem: Problem,
    leaves: Leaves,
    *,
    always_packed: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return output and h_n of `run(x, h_0)`, packing and unpacking where samples have lengths."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    case, ragged = problem.case, problem.lengths is not None
    if not (ragged or always_packed):
        with seeded(problem):
            return run(leaves.x, leaves.h_0)
    lengths = tensor(problem.lengths) if ragged else torch.full((case.batch,), case.steps)
    batch_first = case.layout == "batch-first"
    packed = pack_padded_sequence(leaves.x, lengths, batch_first=batch_first, enforce_sorted=not ragged)
    with seeded(problem):
        packed_output, h_n = run(packed, leaves.h_0)
    output, _ = pad_packed_sequence(packed_output, batch_first=batch_first, total_length=case.steps)
    return output, h_n


def differentiated(problem: Problem, output: torch.Tensor, h_n: torch.Tensor, leaves: Leaves) -> Observation:
    """Run one backward pass from the problem's cotangents and return both results and every gradient."""
    import torch

    results, cotangents = seen(problem, output, h_n)
    found = torch.autograd.grad(results, leaves.all, cotangents, allow_unused=True, materialize_grads=True)
    return observation(problem, output, h_n, leaves, found)


def seen(
    problem: Problem, output: torch.Tensor, h_n: torch.Tensor
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return those of the two results that the loss sees, and their cotangents."""
    pairs = [(output, problem.d_output), (h_n, problem.d_h_n)]
    given = [(result, cotangent(problem, d).to(result.device)) for result, d in pairs if d is not None]
    return [result for result, _ in given], [d for _, d in given]


def observation(
    problem: Problem,
    output: torch.Tensor,
    h_n: torch.Tensor,
    leaves: Leaves,
    gradients: Sequence[torch.Tensor],
) -> Observation:
    """Lay out what came of a run; `gradients` are in the order of `leaves.all`."""
    arrays = [shown(problem, gradient) for gradient in gradients]
    return Observation(
        output=shown(problem, output),
        h_n=shown(problem, h_n),
        d_x=arrays[0],
        d_h_0=None if leaves.h_0 is None else arrays[-1],
        parameters=dict(zip(leaves.parameters, arrays[1:], strict=False)),
    )


SUBJECT = TorchFused()
