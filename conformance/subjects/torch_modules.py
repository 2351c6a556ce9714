"""Building torch.nn.RNN modules with copied weights, shared by the subjects that run torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from conformance.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from conformance.cases import Problem
    from refrnn import Array


def tensor(values: Array, *, gradient: bool = False) -> torch.Tensor:
    """Return a tensor that holds a copy of `values`."""
    import torch

    return torch.tensor(values.copy(order="C"), requires_grad=gradient)


def module(problem: Problem, weights: Mapping[str, Array], **options: bool | int) -> torch.nn.RNN:
    """Return an nn.RNN of the problem's kind that holds exactly `weights`.

    Raises
    ------
    ConformanceError
        If the module doesn't hold the same bits under the same names afterwards.
    """
    import torch

    case = problem.case
    rnn = torch.nn.RNN(
        weights["weight_ih_l0"].shape[1],
        case.hidden_size,
        nonlinearity=case.nonlinearity,
        bias=case.bias,
        dtype=torch.float32 if case.dtype == "f32" else torch.float64,
        **options,
    )
    rnn.load_state_dict({name: tensor(values) for name, values in weights.items()})
    for name, parameter in rnn.named_parameters():
        held = parameter.detach().numpy()
        if held.dtype != problem.dtype or held.tobytes() != np.ascontiguousarray(weights[name]).tobytes():
            message = f"torch.nn.RNN doesn't hold the weights it was given: {name} differs after loading."
            raise ConformanceError(message)
    return rnn
