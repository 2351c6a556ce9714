"""torch.nn.RNNCell, LSTMCell and GRUCell in a loop that the caller writes: the same formulas by other kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.errors import Unsupported
from conformance.subjects.torch_modules import handed, loaded, name_of_module, precision
from conformance.subjects.torch_steps import Stepper, TorchSteps

if TYPE_CHECKING:
    import torch

    from conformance.cases import Problem
    from conformance.subjects.torch_steps import States
    from refrnn import Array


def _names(problem: Problem) -> tuple[str, ...]:
    if problem.case.proj_size:
        message = "torch.nn.LSTMCell has no projections."
        raise Unsupported(message)
    return tuple(name.removesuffix("_l0") for name in problem.case.parameters_at(0, 0))


def _cell(problem: Problem, weights: dict[str, Array]) -> torch.nn.RNNCellBase:
    """Return a cell of the problem's kind that holds exactly `weights`."""
    import torch

    case = problem.case
    own: dict[str, Any] = {"nonlinearity": case.nonlinearity} if case.cell == "rnn" else {}
    cell = getattr(torch.nn, f"{name_of_module(problem)}Cell")(
        weights["weight_ih"].shape[1], case.hidden_size, bias=case.bias, dtype=precision(problem), **own
    )
    return loaded(cell, problem, weights)


def _step(
    cell: torch.nn.Module, parameters: dict[str, torch.Tensor], x_t: torch.Tensor, states: States
) -> States:
    import torch

    after = torch.func.functional_call(cell, parameters, (x_t, handed(states)))
    return after if len(states) > 1 else (after,)


SUBJECT = TorchSteps(
    "torch-cells",
    "torch.nn.RNNCell, LSTMCell and GRUCell in a loop, every step shown",
    Stepper(_names, _cell, _step),
)
