r"""First-order gradients of torch.nn.RNN, LSTM and GRU by way of their double backward.

Backpropagation computes g(c) = Jᵀc, linear in the cotangents c of the results. Differentiating <g(c), v> by c gives
Jv, and differentiating <Jv, d> by v gives Jᵀd, the gradients of the problem:

    g = ∂<output, c>/∂θ         a backward pass that keeps a graph of itself (create_graph)
    z = ∂<g, v>/∂c = Jv         a backward pass through that backward pass, graph kept again
    ∂<z, d>/∂v = Jᵀd            a third pass, through the graph of the second one

Every number shown in the backward half comes out of the third pass. So this checks that the double backward of each
operation transposes the backward one, at every step: θ is x, h_0, the parameters and every h_t. The values of c and v
cancel, and they are random, so that nothing hides in zeros. What it doesn't check are the second derivatives by the
parameters themselves (tanh″ and its like), of which the reference knows nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import Struct

from conformance.subjects import torch_graph
from conformance.subjects.observation import Observation
from conformance.subjects.torch_fused import Leaves, called, observation, seen
from conformance.subjects.torch_modules import whole_module

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch.autograd.graph import GradientEdge

    from conformance.cases import Problem

    Wanted = Sequence[torch.Tensor | GradientEdge]


class TorchDouble(Struct, frozen=True):
    """One call of nn.RNN, LSTM or GRU and three nested backward calls."""

    name: str = "torch-double"
    description: str = "torch.nn.RNN, its gradients by double backward"

    def run(self, problem: Problem) -> Observation:
        """Run forward once, and transpose twice."""
        from torch.autograd.graph import GradientEdge

        made = whole_module(problem)
        leaves = Leaves.of(problem, dict(made.named_parameters()))
        output, finals = called(made, problem, leaves)
        inner = torch_graph.tap(problem, [output, *finals.values()], listening=False)
        nodes = {} if inner is None else inner.nodes
        wanted = [*leaves.all, *(GradientEdge(node, 0) for node in nodes.values())]
        found = _transposed_twice(*seen(problem, output, finals), wanted)
        count = len(leaves.all)
        gradients = [
            g if g is not None else leaf.new_zeros(leaf.shape)
            for g, leaf in zip(found, leaves.all, strict=False)
        ]
        shown = observation(problem, output, finals, leaves, gradients)
        if inner is None:
            return shown
        inner.arriving = {key: g for key, g in zip(nodes, found[count:], strict=True) if g is not None}
        return replace(shown, **(torch_graph.observed(problem, inner) | {"d_pre": {}}))


def _transposed_twice(
    results: list[torch.Tensor], cotangents: list[torch.Tensor], wanted: Wanted
) -> list[torch.Tensor | None]:
    """Return Jᵀd for everything wanted, None for what the results don't depend on."""
    import torch

    generator = torch.Generator().manual_seed(0)

    def drawn(like: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Return random leaves of the same shapes."""
        return [torch.randn(t.shape, dtype=t.dtype, generator=generator).requires_grad_() for t in like]

    c = drawn(results)
    g = torch.autograd.grad(results, wanted, c, create_graph=True, allow_unused=True)
    reached = [one for one in g if one is not None]
    v = drawn(reached)
    z = torch.autograd.grad(reached, c, v, create_graph=True)
    found = iter(torch.autograd.grad(z, v, cotangents))
    return [None if one is None else next(found) for one in g]


SUBJECT = TorchDouble()
