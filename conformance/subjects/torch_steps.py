"""torch.nn.RNN called one step at a time, graph kept, so that nothing inside stays hidden.

Every layer and direction is a real one-layer nn.RNN with its share of the copied weights, called with sequences
of length 1. One backward pass over the whole graph then shows dL/dh_t at every state. The parameters of every
step enter as views of one leaf, so that autograd shows both what each step adds to a parameter's gradient
and the sum that it accumulates itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct, field

from conformance.subjects.observation import Observation, Place
from conformance.subjects.torch_modules import cotangent, module, numbers, shown, tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from conformance.cases import Problem
    from refrnn import Array


class Graph(Struct):
    """The tensors of one run whose gradients are wanted."""

    states: dict[Place, list[torch.Tensor]] = field(default_factory=dict)  # h_t (B, H), by time
    leaves: dict[str, torch.Tensor] = field(default_factory=dict)  # parameters by torch's names
    uses: dict[str, list[torch.Tensor]] = field(default_factory=dict)  # the view of each at every step


class Stepper(Struct, frozen=True):
    """How one step of one layer and direction is made.

    Attributes
    ----------
    names
        What the parameters are called in the module that makes it: weights, then biases.
    build
        Makes that module from a problem and its share of the weights.
    step
        Calls it with other parameters on x_t (B, I) and h_{t-1} (B, H), and returns h_t (B, H).
    """

    names: tuple[str, ...]
    build: Callable[[Problem, dict[str, Array]], torch.nn.Module]
    step: Callable[[torch.nn.Module, dict[str, torch.Tensor], torch.Tensor, torch.Tensor], torch.Tensor]


def _sequence_of_one(
    rnn: torch.nn.Module, parameters: dict[str, torch.Tensor], x_t: torch.Tensor, h: torch.Tensor
) -> torch.Tensor:
    import torch

    _, h_next = torch.func.functional_call(rnn, parameters, (x_t.unsqueeze(0), h.unsqueeze(0)))
    return h_next.squeeze(0)


SEQUENCES_OF_ONE = Stepper(
    ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), module, _sequence_of_one
)


class TorchSteps(Struct, frozen=True):
    """A module stepped by hand, with every state and gradient in sight."""

    name: str = "torch-steps"
    description: str = "torch.nn.RNN called one step at a time, every step shown"
    stepper: Stepper = SEQUENCES_OF_ONE

    def run(self, problem: Problem) -> Observation:
        """Run forward step by step and one backward pass over the graph."""
        import torch

        graph = Graph()
        x = numbers(problem, problem.layout.time_major(problem.x), gradient=True)
        h_0 = numbers(problem, problem.initial_state, gradient=True)
        below = list(x.unbind(0))
        for layer in range(problem.case.layers):
            sides = [
                _scan(
                    self.stepper, problem, graph, (layer, d), below, h_0[layer * problem.case.directions + d]
                )
                for d in range(problem.case.directions)
            ]
            output = torch.stack(
                [torch.cat(side, dim=-1) if len(side) > 1 else side[0] for side in zip(*sides, strict=True)]
            )
            below = list(_dropped(problem, layer, output).unbind(0))
        h_n = torch.stack([graph.states[place][0 if place[1] else -1] for place in problem.places])
        return _observed(problem, graph, x, h_0, _shown_output(problem, output), h_n)


def _dropped(problem: Problem, layer: int, output: torch.Tensor) -> torch.Tensor:
    """Return what the layer above reads of a layer's output (T, B, D·H): dropout by the problem's masks."""
    if problem.masks is None or layer == problem.case.layers - 1:
        return output
    ones = np.ones(tuple(output.shape), problem.dtype)
    return output * numbers(problem, problem.dropped(layer, ones))


def _scan(
    stepper: Stepper,
    problem: Problem,
    graph: Graph,
    place: Place,
    below: list[torch.Tensor],
    h: torch.Tensor,
) -> list[torch.Tensor]:
    """Step one layer in one direction and return h_t by time; samples without a step hold their state."""
    named = problem.weights_at(place)
    made = stepper.build(problem, dict(zip(stepper.names, named.values(), strict=False)))
    parameters = dict(zip(named, made.parameters(), strict=True))
    graph.leaves |= parameters
    graph.uses |= {name: [] for name in named}

    steps = range(problem.case.steps)
    states: dict[int, torch.Tensor] = {}
    for t in reversed(steps) if place[1] else steps:
        views = [leaf.view_as(leaf) for leaf in parameters.values()]
        for name, view in zip(named, views, strict=True):
            graph.uses[name].append(view)
        own = dict(zip(stepper.names, views, strict=False))
        rows = None if problem.active[t].all() else tensor(np.flatnonzero(problem.active[t]))
        x_t, h_prev = (below[t], h) if rows is None else (below[t][rows], h[rows])
        h_next = stepper.step(made, own, x_t, h_prev)
        h = h_next if rows is None else h.index_copy(0, rows, h_next)
        states[t] = h
    graph.states[place] = [states[t] for t in steps]
    if place[1]:
        for name in named:
            graph.uses[name].reverse()
    return graph.states[place]


def _shown_output(problem: Problem, output: torch.Tensor) -> torch.Tensor:
    """Return the states of the last layer (T, B, D·H) as output: 0 in the padding."""
    import torch

    if problem.lengths is None:
        return output
    active = tensor(problem.active).unsqueeze(-1)
    return torch.where(active, output, torch.zeros((), dtype=output.dtype))


def _observed(
    problem: Problem,
    graph: Graph,
    x: torch.Tensor,
    h_0: torch.Tensor,
    output: torch.Tensor,
    h_n: torch.Tensor,
) -> Observation:
    """Run the backward pass and lay everything out as the problem does."""
    import torch

    layout = problem.layout
    seen: list[tuple[torch.Tensor, Array]] = []
    if problem.d_output is not None:
        seen.append((output, layout.time_major(problem.d_output)))
    if problem.d_h_n is not None:
        seen.append((h_n, layout.batched_state(problem.d_h_n)))

    wanted = [x, h_0, *graph.leaves.values()]
    wanted += [h for states in graph.states.values() for h in states]
    wanted += [view for views in graph.uses.values() for view in views]
    found = iter(
        torch.autograd.grad(
            [result for result, _ in seen],
            wanted,
            [cotangent(problem, d) for _, d in seen],
            allow_unused=True,
            materialize_grads=True,
        )
    )
    # The gradients come in the order of `wanted`, and the arguments below are evaluated in that order.
    steps = range(problem.case.steps)
    d_x, d_h_0 = shown(problem, next(found)), shown(problem, next(found))
    return Observation(
        output=layout.restored(shown(problem, output)),
        h_n=layout.restored_state(shown(problem, h_n)),
        d_x=layout.restored(d_x),
        d_h_0=None if problem.h_0 is None else layout.restored_state(d_h_0),
        parameters={name: shown(problem, next(found)) for name in graph.leaves},
        hidden={place: _stacked(problem, states) for place, states in graph.states.items()},
        d_hidden={place: _stacked(problem, [next(found) for _ in steps]) for place in graph.states},
        step_parameters={name: _stacked(problem, [next(found) for _ in steps]) for name in graph.uses},
    )


def _stacked(problem: Problem, tensors: list[torch.Tensor]) -> Array:
    import torch

    return shown(problem, torch.stack(tensors))


SUBJECT = TorchSteps()
