"""Small networks of both sides with the same weights, and their data, on which contracts are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from refrnn import RNN, Array

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

T, B, I, H = 7, 3, 4, 5  # noqa: E741 - the letters of the formulas


def ours(**options: Any) -> RNN:  # noqa: ANN401 - those of the constructor
    """Return a refrnn network with fixed weights."""
    return RNN(I, H, generator=np.random.default_rng(1), **options)


def theirs(**options: Any) -> torch.nn.RNN:  # noqa: ANN401
    """Return a torch.nn.RNN in float64 (or another dtype) with the same weights."""
    import torch

    dtype = options.pop("dtype", torch.float64)
    rnn = torch.nn.RNN(I, H, dtype=dtype, **options)
    rnn.load_state_dict(state(**options))
    return rnn


def state(**options: Any) -> dict[str, torch.Tensor]:  # noqa: ANN401
    """Return the weights of both as torch's state dict."""
    import torch

    return {name: torch.tensor(values) for name, values in ours(**options).state_dict().items()}


def array(*shape: int) -> Array:
    """Return random numbers, the same ones for the same shape."""
    return np.random.default_rng(2).standard_normal(shape)


def tensor(*shape: int) -> torch.Tensor:
    """Return the same numbers as a tensor."""
    import torch

    return torch.tensor(array(*shape))


def packed(lengths: Sequence[float], *, in_any_order: bool = False) -> torch.nn.utils.rnn.PackedSequence:
    """Return a batch (T, B, I) packed by `lengths`."""
    from torch.nn.utils.rnn import pack_padded_sequence

    return pack_padded_sequence(tensor(T, B, I), lengths, enforce_sorted=not in_any_order)


def shape_of(result: tuple[Any, Any]) -> str:
    """Return the shape of the output of a call in words: a fact."""
    return f"output {tuple(result[0].shape)}"


def apart(one: torch.Tensor | Array, other: torch.Tensor | Array) -> bool:
    """Return whether two results are plainly not the same."""
    return float(abs(one - other).max()) > 0.01
