"""Contracts on the states of LSTM and GRU: the pair (h, c) of the one, the single h of the other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.subjects.contracts.contract import Contract, Refuses, Takes
from conformance.subjects.contracts.networks import B, H, I, T, apart, array, packed, shape_of, tensor
from refrnn import GRU, LSTM

if TYPE_CHECKING:
    import torch

P = 2


def _ours(kind: type[LSTM | GRU], **options: Any) -> Any:  # noqa: ANN401 - either network
    return kind(I, H, generator=np.random.default_rng(1), **options)


def _theirs(kind: str, **options: Any) -> torch.nn.RNNBase:  # noqa: ANN401
    """Return a torch.nn.LSTM or GRU in float64 with the same weights."""
    import torch

    made = getattr(torch.nn, kind)(I, H, dtype=torch.float64, **options)
    weights = _ours({"LSTM": LSTM, "GRU": GRU}[kind], **options).state_dict()
    made.load_state_dict({name: torch.tensor(values) for name, values in weights.items()})
    return made


def _projected(kind: str, width: int) -> str:
    import torch

    return str(getattr(torch.nn, kind)(I, H, proj_size=width))


def _called(kind: str, states: Any, **options: Any) -> str:  # noqa: ANN401 - right and wrong ones
    return shape_of(_theirs(kind, **options)(tensor(T, B, I), states))


def _called_here(kind: type[LSTM | GRU], states: Any, **options: Any) -> str:  # noqa: ANN401
    return shape_of(_ours(kind, **options)(array(T, B, I), states))


def _pair() -> tuple[torch.Tensor, torch.Tensor]:
    return tensor(1, B, H), 2 * tensor(1, B, H)


def _pair_here() -> tuple[Any, Any]:
    return array(1, B, H), 2 * array(1, B, H)


def _swapped() -> str:
    h, c = _pair()
    network, x = _theirs("LSTM"), tensor(T, B, I)
    other = apart(network(x, (c, h))[0].detach(), network(x, (h, c))[0].detach())
    return "another output" if other else "the same output"


def _swapped_here() -> str:
    h, c = _pair_here()
    network, x = _ours(LSTM), array(T, B, I)
    return "another output" if apart(network(x, (c, h))[0], network(x, (h, c))[0]) else "the same output"


def _broadcast_when_packed() -> str:
    network = _theirs("LSTM")
    _, (_, c_n) = network(packed([7, 5, 4]), (tensor(1, B, H), tensor(1, 1, H)))
    return f"c_n of {c_n.shape[1]} samples"


def _packed_here(c_rows: int) -> str:
    states = array(1, B, H), array(1, c_rows, H)
    return shape_of(_ours(LSTM)(array(T, B, I), states, lengths=[7, 5, 4]))


def _stacked_unbatched() -> str:
    return shape_of(_theirs("LSTM")(tensor(T, I), tensor(2, 1, H)))


def _c_of_another_type() -> str:
    import torch

    h, c = _pair()
    _, (_, c_n) = _theirs("LSTM")(tensor(T, B, I), (h, c.float()))
    return "c_n in float64" if c_n.dtype == torch.float64 else f"c_n in {c_n.dtype}"


def _forget_bias() -> str:
    """Draw many networks and see whether the forget gate's bias is set apart from the others."""
    import torch

    biases = torch.cat([torch.nn.LSTM(1, H).bias_ih_l0.detach().reshape(4, H) for _ in range(200)], dim=1)
    means = biases.mean(dim=1)
    return "no bias is set apart" if float(means.abs().max()) < 0.1 else "a bias is set apart"


def _lower_c_n() -> str:
    """See whether dropout reaches the final states of the layer below it."""
    import torch

    network = _theirs("LSTM", num_layers=2, dropout=0.5)
    x = tensor(T, B, I)
    (_, one), (_, other) = network(x), network(x)
    same = all(torch.equal(a[0], b[0]) for a, b in zip(one, other, strict=True))
    return "the lower layer's h_n and c_n don't see it" if same else "the lower layer's h_n or c_n sees it"


STATES = (
    Contract(
        id="lstm-one-tensor",
        statement="An LSTM is given one tensor for its pair of states.",
        torch=lambda: _called("LSTM", _pair()[0]),
        expected=Refuses("IndexError", "out of bounds"),
        refrnn=lambda: _called_here(LSTM, _pair_here()[0]),
        answer=Refuses("TypeError", "must be (h_0, c_0)"),
    ),
    Contract(
        id="lstm-three-states",
        statement="An LSTM is given three states.",
        torch=lambda: _called("LSTM", (*_pair(), _pair()[0])),
        expected=Refuses("RuntimeError", "expects two hidden states"),
        refrnn=lambda: _called_here(LSTM, (*_pair_here(), _pair_here()[0])),
        answer=Refuses("TypeError", "must be (h_0, c_0)"),
    ),
    Contract(
        id="lstm-states-swapped",
        statement="An LSTM is given (c_0, h_0), whose shapes are those of (h_0, c_0).",
        torch=_swapped,
        expected=Takes("another output"),
        refrnn=_swapped_here,
        answer=Takes("another output"),
        wrong=True,
    ),
    Contract(
        id="lstm-states-swapped-projected",
        statement="An LSTM with projections is given (c_0, h_0), whose shapes differ.",
        torch=lambda: _called("LSTM", (tensor(1, B, H), tensor(1, B, P)), proj_size=P),
        expected=Refuses("RuntimeError", "Expected hidden[0] size"),
        refrnn=lambda: _called_here(LSTM, (array(1, B, H), array(1, B, P)), proj_size=P),
        answer=Refuses("ValueError", "h_0 must have the shape"),
    ),
    Contract(
        id="lstm-c_0-batch",
        statement="c_0 is of another batch than h_0.",
        torch=lambda: _called("LSTM", (tensor(1, B, H), tensor(1, B - 1, H))),
        expected=Refuses("RuntimeError", "Expected hidden[1] size"),
        refrnn=lambda: _called_here(LSTM, (array(1, B, H), array(1, B - 1, H))),
        answer=Refuses("ValueError", "c_0 must have the shape"),
    ),
    Contract(
        id="lstm-c_0-broadcast-packed",
        statement="c_0 of one sample goes with a packed batch: it is broadcast, as its shape isn't looked at.",
        torch=_broadcast_when_packed,
        expected=Takes(f"c_n of {B} samples"),
        refrnn=partial(_packed_here, 1),
        answer=Refuses("ValueError", "c_0 must have the shape"),
        wrong=True,
    ),
    Contract(
        id="lstm-stacked-unbatched",
        statement="h_0 and c_0 of an unbatched sample come as one stacked tensor, which is iterated over.",
        torch=_stacked_unbatched,
        expected=Takes(f"output ({T}, {H})"),
        refrnn=lambda: shape_of(_ours(LSTM)(array(T, I), array(2, 1, H))),
        answer=Refuses("TypeError", "must be (h_0, c_0)"),
        wrong=True,
    ),
    Contract(
        id="lstm-c_0-dtype",
        statement="c_0 in float32 is promoted in a float64 LSTM, where such an h_0 is refused.",
        torch=_c_of_another_type,
        expected=Takes("c_n in float64"),
        refrnn=lambda: _called_here(LSTM, (array(1, B, H), array(1, B, H).astype(np.float32))),
        answer=Refuses("TypeError", "c_0 must be float64"),
        wrong=True,
    ),
    Contract(
        id="gru-pair",
        statement="A GRU is given a pair of states.",
        torch=lambda: _called("GRU", _pair()),
        expected=Refuses("AttributeError", "has no attribute 'dim'"),
        refrnn=lambda: _called_here(GRU, _pair_here()),
        answer=Refuses("ValueError", "h_0 must have the shape"),
    ),
    Contract(
        id="gru-projections",
        statement="A GRU is asked for projections.",
        torch=partial(_projected, "GRU", P),
        expected=Refuses("ValueError", "only supported for LSTM"),
        refrnn=lambda: str(_ours(GRU, proj_size=P)),
        answer=Refuses("TypeError", "proj_size"),
    ),
    Contract(
        id="lstm-projections-too-wide",
        statement="An LSTM is asked to project h to H numbers.",
        torch=partial(_projected, "LSTM", H),
        expected=Refuses("ValueError", "smaller than hidden_size"),
        refrnn=lambda: str(_ours(LSTM, proj_size=H)),
        answer=Refuses("ValueError", "proj_size must be below hidden_size"),
    ),
    Contract(
        id="lstm-forget-bias",
        statement="The bias of the forget gate is drawn like all others, not set to 1.",
        torch=_forget_bias,
        expected=Takes("no bias is set apart"),
        refrnn="refrnn draws as torch does",
    ),
    Contract(
        id="lstm-dropout-finals",
        statement="Dropout between layers acts on a layer's output, not on its final states.",
        torch=_lower_c_n,
        expected=Takes("the lower layer's h_n and c_n don't see it"),
        refrnn="the masks of a case are replayed in refrnn, whose results are compared",
    ),
)
"""What LSTM and GRU refuse and take of their states."""
