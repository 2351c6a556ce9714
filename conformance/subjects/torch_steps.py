"""torch's modules called one step at a time, graph kept, so that nothing inside stays hidden.

Every layer and direction is a real one-layer nn.RNN, LSTM or GRU with its share of the copied weights, called with
sequences of length 1. One backward pass over the whole graph then shows dL/dh_t at every state, and what later steps
pass back to c_t of an LSTM. The parameters of every step enter as views of one leaf, so that autograd shows both what
each step adds to a parameter's gradient and the sum that it accumulates itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct, field

from conformance.subjects.observation import Observation, Place, Quantity
from conformance.subjects.torch_modules import cotangent, handed, module, numbers, shown, tensor, undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from conformance.cases import Problem
    from refrnn import Array

    States = tuple[torch.Tensor, ...]


class Graph(Struct):
    """The tensors of one run whose gradients are wanted."""

    states: dict[Quantity, list[torch.Tensor]] = field(
        default_factory=dict
    )  # carried vectors (B, ·), by time
    leaves: dict[str, torch.Tensor] = field(default_factory=dict)  # parameters by torch's names
    uses: dict[str, list[torch.Tensor]] = field(default_factory=dict)  # the view of each at every step


class Stepper(Struct, frozen=True):
    """How one step of one layer and direction is made.

    Attributes
    ----------
    names
        What the parameters are called in the module that makes it, in torch's order.
    build
        Makes that module from a problem and its share of the weights.
    step
        Calls it with other parameters on x_t (B, I) and the states before (B, ·), and returns those after.
    """

    names: Callable[[Problem], tuple[str, ...]]
    build: Callable[[Problem, dict[str, Array]], torch.nn.Module]
    step: Callable[[torch.nn.Module, dict[str, torch.Tensor], torch.Tensor, States], States]


def _sequence_of_one(
    made: Any,  # noqa: ANN401 - a module of torch; what it computes with is no public attribute
    parameters: dict[str, torch.Tensor],
    x_t: torch.Tensor,
    states: States,
) -> States:
    """Call the module with other parameters, as `functional_call` does in three times the time of a step."""
    before = tuple(state.unsqueeze(0) for state in states)
    object.__setattr__(
        made, "_flat_weights", [*parameters.values()]
    )  # torch's own looks for parameters in it
    _, after = made(x_t.unsqueeze(0), handed(before))
    return tuple(state.squeeze(0) for state in (after if len(before) > 1 else (after,)))


SEQUENCES_OF_ONE = Stepper(lambda problem: problem.case.parameters_at(0, 0), module, _sequence_of_one)


class TorchSteps(Struct, frozen=True):
    """A module stepped by hand, with every state and gradient in sight."""

    name: str = "torch-steps"
    description: str = "torch.nn.RNN, LSTM and GRU called one step at a time, every step shown"
    stepper: Stepper = SEQUENCES_OF_ONE

    def run(self, problem: Problem) -> Observation:
        """Run forward step by step and one backward pass over the graph."""
        import torch

        graph = Graph()
        x = numbers(problem, problem.layout.time_major(problem.x), gradient=True)
        initial = {
            letter: numbers(problem, state, gradient=True) for letter, state in problem.initial_states.items()
        }
        below = list(x.unbind(0))
        for layer in range(problem.case.layers):
            with undisturbed():
                sides = [
                    _scan(
                        self.stepper,
                        problem,
                        graph,
                        (layer, d),
                        below,
                        tuple(state[layer * problem.case.directions + d] for state in initial.values()),
                    )
                    for d in range(problem.case.directions)
                ]
            output = torch.stack(
                [torch.cat(side, dim=-1) if len(side) > 1 else side[0] for side in zip(*sides, strict=True)]
            )
            below = list(_dropped(problem, layer, output).unbind(0))
        finals = {
            letter: torch.stack(
                [graph.states[letter, place][0 if place[1] else -1] for place in problem.places]
            )
            for letter in problem.case.carried
        }
        return _observed(problem, graph, x, initial, _shown_output(problem, output), finals)


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
    carried: States,
) -> list[torch.Tensor]:
    """Step one layer in one direction and return h_t by time; samples without a step hold their states."""
    named, names = problem.weights_at(place), stepper.names(problem)
    made = stepper.build(problem, dict(zip(names, named.values(), strict=True)))
    parameters = dict(zip(named, made.parameters(), strict=True))
    graph.leaves |= parameters
    graph.uses |= {name: [] for name in named}

    steps, active = range(problem.case.steps), problem.active
    states: dict[int, States] = {}
    for t in reversed(steps) if place[1] else steps:
        views = [leaf.view_as(leaf) for leaf in parameters.values()]
        for name, view in zip(named, views, strict=True):
            graph.uses[name].append(view)
        own = dict(zip(names, views, strict=True))
        present = active[t]
        if not present.any():
            carried = tuple(state.view_as(state) for state in carried)
        elif present.all():
            after = stepper.step(made, own, below[t], carried)
            carried = tuple(state.view_as(state) for state in after)
        else:
            rows = tensor(np.flatnonzero(present))
            after = stepper.step(made, own, below[t][rows], tuple(state[rows] for state in carried))
            pairs = zip(carried, after, strict=True)
            carried = tuple(state.index_copy(0, rows, own_rows) for state, own_rows in pairs)
        states[t] = carried  # beside h_t, which is used here alone, seen from the steps after it only
    for n, letter in enumerate(problem.case.carried):
        graph.states[letter, place] = [states[t][n] for t in steps]
    if place[1]:
        for name in named:
            graph.uses[name].reverse()
    return graph.states["h", place]


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
    initial: dict[str, torch.Tensor],
    output: torch.Tensor,
    finals: dict[str, torch.Tensor],
) -> Observation:
    """Run the backward pass and lay everything out as the problem does."""
    import torch

    layout = problem.layout
    seen: list[tuple[torch.Tensor, Array]] = []
    if problem.d_output is not None:
        seen.append((output, layout.time_major(problem.d_output)))
    seen += [(finals[letter], layout.batched_state(d)) for letter, d in problem.seen_finals.items()]

    wanted = [x, *initial.values(), *graph.leaves.values()]
    wanted += [state for states in graph.states.values() for state in states]
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
    # The gradients come in the order of `wanted`, and are taken below in that order.
    steps = range(problem.case.steps)
    d_x = layout.restored(shown(problem, next(found)))
    d_initial = {letter: layout.restored_state(shown(problem, next(found))) for letter in initial}
    parameters = {name: shown(problem, next(found)) for name in graph.leaves}
    inner = {quantity: _stacked(problem, states) for quantity, states in graph.states.items()}
    d_inner = {quantity: _stacked(problem, [next(found) for _ in steps]) for quantity in graph.states}
    return Observation(
        output=layout.restored(shown(problem, output)),
        **{f"{letter}_n": layout.restored_state(shown(problem, final)) for letter, final in finals.items()},
        d_x=d_x,
        **{f"d_{letter}_0": d_initial[letter] for letter in problem.given_states},
        parameters=parameters,
        hidden={place: inner.pop(("h", place)) for place in problem.places},
        d_hidden={place: d_inner.pop(("h", place)) for place in problem.places},
        inner=inner,
        d_passed=d_inner,
        step_parameters={name: _stacked(problem, [next(found) for _ in steps]) for name in graph.uses},
    )


def _stacked(problem: Problem, tensors: list[torch.Tensor]) -> Array:
    import torch

    return shown(problem, torch.stack(tensors))


SUBJECT = TorchSteps()
