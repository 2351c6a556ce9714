"""torch.nn.RNNCell in a loop that the caller writes: the same formulas by another of torch's kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.subjects.torch_modules import loaded, precision
from conformance.subjects.torch_steps import Stepper, TorchSteps

if TYPE_CHECKING:
    import torch

    from conformance.cases import Problem
    from refrnn import Array


def _cell(problem: Problem, weights: dict[str, Array]) -> torch.nn.RNNCell:
    """Return an nn.RNNCell that holds exactly `weights`."""
    import torch

    case = problem.case
    cell = torch.nn.RNNCell(
        weights["weight_ih"].shape[1],
        case.hidden_size,
        bias=case.bias,
        nonlinearity=case.nonlinearity,
        dtype=precision(problem),
    )
    return loaded(cell, problem, weights)


def _step(
    cell: torch.nn.Module, parameters: dict[str, torch.Tensor], x_t: torch.Tensor, h: torch.Tensor
) -> torch.Tensor:
    import torch

    return torch.func.functional_call(cell, parameters, (x_t, h))


SUBJECT = TorchSteps(
    "torch-cells",
    "torch.nn.RNNCell in a loop, every step shown",
    Stepper(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), _cell, _step),
)
