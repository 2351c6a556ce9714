"""torch's modules as they are used: the whole module on the whole sequence, its inner steps read off the graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from conformance.subjects import torch_graph
from conformance.subjects.observation import Observation
from conformance.subjects.torch_modules import (
    by_letter,
    cotangent,
    handed,
    numbers,
    seeded,
    shown,
    tensor,
    whole_module,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch

    from conformance.cases import Problem

    States = dict[str, torch.Tensor]


class TorchFused(Struct, frozen=True):
    """One call of nn.RNN, LSTM or GRU and one backward call; ragged batches go in as packed sequences."""

    name: str = "torch"
    description: str = "torch.nn.RNN, LSTM and GRU on whole sequences, every step read off the graph"

    def run(self, problem: Problem) -> Observation:
        """Run forward and backward and return every public quantity, and the inner ones where they show."""
        made = whole_module(problem)
        leaves = Leaves.of(problem, dict(made.named_parameters()))
        output, finals = called(made, problem, leaves)
        inner = torch_graph.tap(problem, [output, *finals.values()])
        found = differentiated(problem, output, finals, leaves)
        return replace(found, **({} if inner is None else torch_graph.observed(problem, inner)))


class Leaves(Struct, frozen=True, kw_only=True):
    """The tensors of a run whose gradients are wanted."""

    x: torch.Tensor
    states: States  # the initial values that are given, by letter
    parameters: dict[str, torch.Tensor]  # by torch's names; those that need no gradient are left out

    @classmethod
    def of(cls, problem: Problem, parameters: Mapping[str, torch.Tensor]) -> Leaves:
        """Return x and the initial states as leaves, next to the parameters that aren't frozen."""
        return cls(
            x=numbers(problem, problem.x, gradient=True),
            states={
                letter: numbers(problem, state, gradient=True)
                for letter, state in problem.given_states.items()
            },
            parameters={name: p for name, p in parameters.items() if p.requires_grad},
        )

    @property
    def all(self) -> list[torch.Tensor]:
        """x, the parameters, and the initial states that are given."""
        return [self.x, *self.parameters.values(), *self.states.values()]


def called(
    run: Callable[..., tuple[Any, Any]],
    problem: Problem,
    leaves: Leaves,
    *,
    always_packed: bool = False,
) -> tuple[torch.Tensor, States]:
    """Return what `run(x, states)` gives, output and final states, packing and unpacking where samples have lengths."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    case, ragged = problem.case, problem.lengths is not None
    states = handed(_completed(problem, leaves))
    if not (ragged or always_packed):
        with seeded(problem):
            output, finals = run(leaves.x, states)
            return output, by_letter(problem, finals)
    lengths = tensor(problem.lengths) if ragged else torch.full((case.batch,), case.steps)
    batch_first = case.layout == "batch-first"
    packed = pack_padded_sequence(leaves.x, lengths, batch_first=batch_first, enforce_sorted=not ragged)
    with seeded(problem):
        packed_output, finals = run(packed, states)
    output, _ = pad_packed_sequence(packed_output, batch_first=batch_first, total_length=case.steps)
    return output, by_letter(problem, finals)


def _completed(problem: Problem, leaves: Leaves) -> tuple[torch.Tensor, ...]:
    """Return the initial states with zeros for those that aren't given beside others: torch takes all or none."""
    if not leaves.states:
        return ()
    zeros, layout = problem.initial_states, problem.layout
    return tuple(
        leaves.states[letter]
        if letter in leaves.states
        else numbers(problem, layout.restored_state(zeros[letter])).to(leaves.x.device)
        for letter in problem.case.carried
    )


def differentiated(problem: Problem, output: torch.Tensor, finals: States, leaves: Leaves) -> Observation:
    """Run one backward pass from the problem's cotangents and return all results and every gradient."""
    import torch

    results, cotangents = seen(problem, output, finals)
    found = torch.autograd.grad(results, leaves.all, cotangents, allow_unused=True, materialize_grads=True)
    return observation(problem, output, finals, leaves, found)


def seen(
    problem: Problem, output: torch.Tensor, finals: States
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return those of the results that the loss sees, and their cotangents."""
    pairs = [] if problem.d_output is None else [(output, problem.d_output)]
    pairs += [(finals[letter], d) for letter, d in problem.seen_finals.items()]
    given = [(result, cotangent(problem, d).to(result.device)) for result, d in pairs]
    return [result for result, _ in given], [d for _, d in given]


def observation(
    problem: Problem,
    output: torch.Tensor,
    finals: States,
    leaves: Leaves,
    gradients: Sequence[torch.Tensor],
) -> Observation:
    """Lay out what came of a run; `gradients` are in the order of `leaves.all`."""
    arrays = [shown(problem, gradient) for gradient in gradients]
    count = 1 + len(leaves.parameters)
    initial = dict(zip(leaves.states, arrays[count:], strict=True))
    return Observation(
        output=shown(problem, output),
        **{f"{letter}_n": shown(problem, final) for letter, final in finals.items()},
        d_x=arrays[0],
        **{f"d_{letter}_0": gradient for letter, gradient in initial.items()},
        parameters=dict(zip(leaves.parameters, arrays[1:count], strict=True)),
    )


SUBJECT = TorchFused()
