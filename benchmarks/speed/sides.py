"""The three sides that are timed, each as two calls that take nothing: "forward" and "both" (forward + BPTT).

All hold the same weights and inputs, in the same dtype, made before the clock starts. "forward" gives output and
h_n, torch under `no_grad`; "both" gives the gradients of x, h_0 and every parameter, from random cotangents on output
and h_n. An LSTM's c_0 and dL/dc_n are given too. Where lengths vary, torch reads a PackedSequence that was packed
beforehand, longest first, and its output stays packed; refrnn reads padded arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from columns import ColumnRNN, forward_all, gradients_all
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence
from workloads import Problem, Workload

import refrnn

T = TypeVar("T")
Calls = Mapping[str, Callable[[], Sequence[np.ndarray | torch.Tensor]]]


def torch_module(work: Workload, dtype: str, cell: str) -> torch.nn.RNNBase:
    """Return a network of that kind with torch's own random weights."""
    torch.manual_seed(0)
    both = work.directions == 2
    kind = {"RNN": torch.nn.RNN, "LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU}[cell]
    return kind(work.I, work.H, work.layers, bidirectional=both, dtype=getattr(torch, dtype))


def reference_side(module: torch.nn.RNNBase, problem: Problem) -> Calls:
    """Return what is timed of refrnn."""
    p, d = problem, module.bidirectional
    kind = {"RNN": refrnn.RNN, "LSTM": refrnn.LSTM, "GRU": refrnn.GRU}[type(module).__name__]
    rnn = kind(module.input_size, module.hidden_size, module.num_layers, bidirectional=d, dtype=p.x.dtype)
    rnn.load_state_dict(module.state_dict())
    initial, d_final = as_state(p.initial), as_state(p.d_final)

    def forward() -> Sequence[np.ndarray]:
        trace = rnn.forward(p.x, initial, lengths=p.lengths)
        return [trace.output, trace.h_n]

    def both() -> Sequence[np.ndarray]:
        trace = rnn.forward(p.x, initial, lengths=p.lengths)
        found = rnn.backward(trace, p.d_output, d_final)
        return [found.x, found.h_0, *found.parameters.values()]

    return {"forward": forward, "both": both}


def as_state(vectors: tuple[T, ...]) -> Any:  # noqa: ANN401 - what networks take
    """Return the state of a network as it takes it: one vector, or the pair."""
    return vectors if len(vectors) > 1 else vectors[0]


def torch_side(module: torch.nn.RNNBase, problem: Problem) -> Calls:
    """Return what is timed of torch."""
    whole = torch.tensor(packed(problem.x, problem))
    initial = tuple(torch.tensor(state).requires_grad_() for state in problem.initial)
    cotangents = [torch.tensor(packed(problem.d_output, problem)), *map(torch.tensor, problem.d_final)]
    leaves = [whole.requires_grad_(), *initial[:1], *module.parameters(), *initial[1:]]
    x = whole if problem.lengths is None else PackedSequence(whole, batch_sizes(problem))

    def output_of() -> tuple[torch.Tensor, ...]:
        output, final = module(x, as_state(initial))
        output = output.data if isinstance(output, PackedSequence) else output
        return output, *(final if isinstance(final, tuple) else (final,))

    def forward() -> Sequence[torch.Tensor]:
        with torch.no_grad():
            return output_of()[:2]

    def both() -> Sequence[torch.Tensor]:
        for leaf in leaves:
            leaf.grad = None
        torch.autograd.backward(output_of(), cotangents)
        return [leaf.grad for leaf in leaves[: 2 + len(list(module.parameters()))] if leaf.grad is not None]

    return {"forward": forward, "both": both}


def column_side(module: torch.nn.RNNBase, problem: Problem) -> Calls:
    """Return what is timed of the code that takes one sample at a time."""
    p, rnn = problem, ColumnRNN(*(parameter.detach().numpy() for parameter in module.parameters()))

    def forward() -> Sequence[np.ndarray]:
        states = np.array(forward_all(rnn, p.x, p.h_0))[..., 0].swapaxes(0, 1)  # (T + 1, B, H)
        return [states[1:], states[-1:]]

    def both() -> Sequence[np.ndarray]:
        *found, db = gradients_all(rnn, p.x, p.h_0, p.d_output, p.d_h_n)
        return [*found, db.ravel(), db.ravel()]

    return {"forward": forward, "both": both}


def packed(steps: np.ndarray, problem: Problem) -> np.ndarray:
    """Return a sequence (T, B, ·) as torch packs it, or as it is where every sample has all steps."""
    if problem.lengths is None:
        return steps
    return pack_padded_sequence(torch.tensor(steps), torch.tensor(problem.lengths)).data.numpy()


def batch_sizes(problem: Problem) -> torch.Tensor:
    """Return how many samples have each step."""
    steps = torch.tensor(problem.x)
    return pack_padded_sequence(steps, torch.tensor(problem.lengths)).batch_sizes


def verify(reference: Calls, other: Calls, problem: Problem, work: Workload) -> None:
    """Refuse to time two sides that compute different things.

    The scale is first-order: as many unit roundoffs as the longest chain of sums has terms, T steps of B + I and the
    rows of the weights (up to 4H) each in every layer.
    """
    terms = work.layers * work.T * (work.B + work.I + 4 * work.directions * work.H)
    for name, call in reference.items():
        ours, theirs = list(call()), [np.asarray(found) for found in other[name]()]
        ours[0] = packed(np.array(ours[0]), problem)
        for one, two in zip(ours, theirs, strict=True):
            bound = terms * np.finfo(one.dtype).eps / 2 * np.abs(two).max()
            error = np.abs(one - two).max()
            if not error <= bound:
                message = f"{name} at {work}: the sides differ by {error:.1e}, more than {bound:.1e}."
                raise SystemExit(message)
