"""Contracts on loading and replacing parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from conformance.subjects.contracts.contract import ByRelease, Contract, Refuses, Takes
from conformance.subjects.contracts.networks import B, H, I, T, apart, array, ours, state, tensor, theirs
from refrnn import Array

if TYPE_CHECKING:
    import torch

Change = Callable[[str, Array], Array]
"""From the name and value of a parameter to another value."""

SHAPE_IS_RIGHT = "loaded: nothing in the arrays tells"
"""What refrnn can't see either; a check on data does."""


def _torch_loads(change: Change) -> str:
    """Load changed parameters and return whether torch now computes something else."""
    import torch

    changed = {name: torch.tensor(change(name, w.numpy())) for name, w in state().items()}
    rnn = theirs()
    right, _ = rnn(tensor(T, B, I))
    rnn.load_state_dict(changed)
    return "output is wrong" if apart(rnn(tensor(T, B, I))[0].detach(), right.detach()) else "output is right"


def _we_load(change: Change) -> str:
    ours().load_state_dict({name: change(name, w) for name, w in ours().state_dict().items()})
    return SHAPE_IS_RIGHT


def _transposed(name: str) -> Change:
    return lambda other, w: np.ascontiguousarray(w.T) if name in other else w


def _bias_of_one(name: str, w: Array) -> Array:
    return w[:1] if name == "bias_ih_l0" else w


def _bias_of_batch(name: str, w: Array) -> Array:
    return array(B, H) if name == "bias_ih_l0" else w


def _torch_replaces(change: Change) -> str:
    """Put a bias of another shape in place of the module's own, and return what it does with it."""
    import torch

    rnn = theirs()
    given = torch.tensor(change("bias_ih_l0", state()["bias_ih_l0"].numpy()))
    rnn.bias_ih_l0 = torch.nn.Parameter(given)
    output, _ = rnn(tensor(T, B, I))
    output.sum().backward()
    return (
        "broadcast" if output.shape == (T, B, H) and rnn.bias_ih_l0.shape == given.shape else "not broadcast"
    )


def _rounded() -> str:
    import torch

    rnn = theirs(dtype=torch.float32)
    rnn.load_state_dict(state())
    exact, held = state()["weight_hh_l0"], rnn.weight_hh_l0.detach()
    return "rounded to float32" if held.dtype == torch.float32 and apart_at_all(held, exact) else "held"


def apart_at_all(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Return whether two tensors differ in anything."""
    return bool((one.double() != other.double()).any())


def _we_round() -> str:
    ours(dtype=np.float32).load_state_dict(ours().state_dict())
    return "rounded"


def _other_nonlinearity() -> str:
    right, relu = theirs(), theirs(nonlinearity="relu")
    relu.load_state_dict(right.state_dict())
    wrong = apart(relu(tensor(T, B, I))[0].detach(), right(tensor(T, B, I))[0].detach())
    return "output is wrong" if wrong else "output is right"


def _our_other_nonlinearity() -> str:
    ours(nonlinearity="relu").load_state_dict(ours().state_dict())
    return SHAPE_IS_RIGHT


def _h_0_square() -> str:
    """Give h_0 as (B, L·D, H), which has the right shape where B = L·D."""
    rnn, h = theirs(num_layers=B, batch_first=True), tensor(B, B, H)
    x = tensor(B, T, I)
    return (
        "output is wrong"
        if apart(rnn(x, h)[0].detach(), rnn(x, h.transpose(0, 1))[0].detach())
        else "output is right"
    )


def _our_h_0_square() -> str:
    ours(num_layers=B, batch_first=True)(array(B, T, I), array(B, B, H))
    return SHAPE_IS_RIGHT


def _incomplete() -> str:
    theirs().load_state_dict({})
    return "loaded"


def _our_incomplete() -> str:
    ours().load_state_dict({})
    return "loaded"


def _too_much() -> str:
    theirs().load_state_dict(state(num_layers=2))
    return "loaded"


def _our_too_much() -> str:
    ours().load_state_dict(ours(num_layers=2).state_dict())
    return "loaded"


WEIGHTS = (
    Contract(
        id="state-missing",
        statement="A state dict without the parameters.",
        torch=_incomplete,
        expected=Refuses("RuntimeError", "Missing key"),
        refrnn=_our_incomplete,
        answer=Refuses("ValueError", "missing: weight_ih_l0"),
    ),
    Contract(
        id="state-unexpected",
        statement="A state dict of two layers, in a network of one.",
        torch=_too_much,
        expected=Refuses("RuntimeError", "Unexpected key"),
        refrnn=_our_too_much,
        answer=Refuses("ValueError", "unknown: weight_ih_l1"),
    ),
    Contract(
        id="state-transposed",
        statement="W_ih transposed in a state dict, I ≠ H.",
        torch=lambda: _torch_loads(_transposed("weight_ih")),
        expected=Refuses("RuntimeError", "size mismatch"),
        refrnn=lambda: _we_load(_transposed("weight_ih")),
        answer=Refuses("ValueError", "weight_ih_l0 must have the shape"),
    ),
    Contract(
        id="state-transposed-square",
        statement="W_hh transposed in a state dict.",
        torch=lambda: _torch_loads(_transposed("weight_hh")),
        expected=Takes("output is wrong"),
        refrnn=lambda: _we_load(_transposed("weight_hh")),
        answer=Takes(SHAPE_IS_RIGHT),
        wrong=True,
    ),
    Contract(
        id="state-bias-of-one",
        statement="A bias of shape (1,) in a state dict.",
        torch=lambda: _torch_loads(_bias_of_one),
        expected=Refuses("RuntimeError", "size mismatch"),
        refrnn=lambda: _we_load(_bias_of_one),
        answer=Refuses("ValueError", "bias_ih_l0 must have the shape"),
    ),
    Contract(
        id="bias-of-one",
        statement="A bias of shape (1,) put in place of the module's own.",
        torch=lambda: _torch_replaces(_bias_of_one),
        expected=Takes("broadcast"),
        refrnn=lambda: _we_load(_bias_of_one),
        answer=Refuses("ValueError", "bias_ih_l0 must have the shape"),
        wrong=True,
    ),
    Contract(
        id="bias-of-batch",
        statement="A bias of shape (B, H) put in place of the module's own.",
        torch=lambda: _torch_replaces(_bias_of_batch),
        expected=ByRelease((("2.6", Refuses("RuntimeError", "expanded size")), ("2.10", Takes("broadcast")))),
        refrnn=lambda: _we_load(_bias_of_batch),
        answer=Refuses("ValueError", "bias_ih_l0 must have the shape"),
        wrong=True,
    ),
    Contract(
        id="state-float64",
        statement="A float64 state dict in a float32 network.",
        torch=_rounded,
        expected=Takes("rounded to float32"),
        refrnn=_we_round,
        answer=Refuses("TypeError", "digits would be lost"),
        wrong=True,
    ),
    Contract(
        id="state-nonlinearity",
        statement="Weights of a tanh network in a ReLU network.",
        torch=_other_nonlinearity,
        expected=Takes("output is wrong"),
        refrnn=_our_other_nonlinearity,
        answer=Takes(SHAPE_IS_RIGHT),
        wrong=True,
    ),
    Contract(
        id="h_0-batch-first-square",
        statement="h_0 (B, L·D, H) in a batch-first network, B = L·D.",
        torch=_h_0_square,
        expected=Takes("output is wrong"),
        refrnn=_our_h_0_square,
        answer=Takes(SHAPE_IS_RIGHT),
        wrong=True,
    ),
)
