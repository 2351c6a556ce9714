"""torch.nn.RNN called with foreign parameters: plain tensors, none of them contiguous, some of them frozen.

`functional_call` puts them in place of the module's own for one call, as meta-learning and per-sample gradients do.
Every third parameter, from W_hh of the first layer on, is frozen, which reaches each of the four kinds. Its
gradient doesn't exist and isn't shown; all others must be what they are without frozen ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from conformance.subjects import torch_graph
from conformance.subjects.observation import Observation
from conformance.subjects.torch_fused import Leaves, called, differentiated
from conformance.subjects.torch_modules import numbers, whole_module

if TYPE_CHECKING:
    import torch

    from conformance.cases import Problem


class TorchFunctional(Struct, frozen=True):
    """One functional call of nn.RNN and one backward call."""

    name: str = "torch-functional"
    description: str = "torch.nn.RNN by functional_call with strided and partly frozen parameters"

    def run(self, problem: Problem) -> Observation:
        """Run with foreign parameters and return every result, without gradients of what is frozen."""
        import torch

        rnn = whole_module(problem)
        parameters = {
            name: _strided(numbers(problem, values)).requires_grad_(n % 3 != 1)
            for n, (name, values) in enumerate(problem.weights.items())
        }
        leaves = Leaves.of(problem, parameters)

        def run(*arguments: Any) -> tuple[Any, torch.Tensor]:  # noqa: ANN401 - x may be packed
            return torch.func.functional_call(rnn, parameters, arguments)

        output, finals = called(run, problem, leaves)
        inner = torch_graph.tap(problem, [output, *finals.values()])
        shown = differentiated(problem, output, finals, leaves)
        return replace(shown, **({} if inner is None else torch_graph.observed(problem, inner)))


def _strided(values: torch.Tensor) -> torch.Tensor:
    """Return a copy of `values` with room between its elements and its axes in reverse order in memory."""
    import torch

    wide = torch.zeros((*values.shape[::-1], 2), dtype=values.dtype)
    view = wide[..., 0].permute(*reversed(range(values.ndim)))
    return view.copy_(values)


SUBJECT = TorchFunctional()
