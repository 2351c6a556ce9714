"""Reading the hidden steps of a fused torch.nn.RNN off its own autograd graph.

On the CPU nn.RNN is composed of ordinary operations, and every h_t is the result of one tanh or relu whose node in
the graph keeps it for the backward pass. Nodes are numbered as they are made: layer by layer, in each
layer forward then reverse, in each direction in the order of the scan. What flows into such a node in the
backward pass is dL/dh_t, what flows out of it is dL/da_t: nothing is recomputed, these are the fused module's
own numbers. Packed sequences go through the same steps with the samples sorted by length, of which
step t holds the first so many.

Where the graph looks different (another kernel, a compiled module) nothing is read off it, and the subject
shows its results only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct, field

from conformance.subjects.torch_modules import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from conformance.cases import Problem
    from conformance.subjects.observation import Place
    from refrnn import Array

ACTIVATIONS = {"tanh": "TanhBackward0", "relu": "ReluBackward0"}


class Tap(Struct):
    """The activation nodes of a graph in the order of their steps, and what passes through them."""

    nodes: list[Any]
    hidden: list[torch.Tensor]  # kept by the nodes only until the backward pass has run
    d_hidden: dict[int, torch.Tensor] = field(default_factory=dict)  # by position in `nodes`
    d_pre: dict[int, torch.Tensor] = field(default_factory=dict)

    def listen(self) -> None:
        """Note from now on what the backward pass sends into and out of every node."""
        for position, node in enumerate(self.nodes):
            node.register_prehook(_keep(self.d_hidden, position))
            node.register_hook(_keep(self.d_pre, position))


def tap(problem: Problem, results: list[torch.Tensor], *, listening: bool = True) -> Tap | None:
    """Return a tap on the graph behind `results`, or None where it has another shape."""
    wanted = ACTIVATIONS[problem.case.nonlinearity]
    nodes = [node for node in _graph(results) if node.name() == wanted]
    nodes.sort(key=lambda node: node._sequence_nr())  # noqa: SLF001 - torch's only handle on the order
    hidden = [node._saved_result.detach() for node in nodes]  # noqa: SLF001 - the kept h_t
    if [tuple(h.shape) for h in hidden] != [(rows, problem.case.hidden_size) for rows in _rows(problem)]:
        return None
    found = Tap(nodes, hidden)
    if listening:
        found.listen()
    return found


def observed(problem: Problem, found: Tap) -> dict[str, dict[Place, Array]]:
    """Return `hidden`, `d_hidden` and `d_pre` of every place after the backward pass."""
    values = {
        "hidden": found.hidden,
        "d_hidden": [found.d_hidden.get(n) for n in range(len(found.nodes))],
        "d_pre": [found.d_pre.get(n) for n in range(len(found.nodes))],
    }
    return {name: _placed(problem, tensors) for name, tensors in values.items()}


def _placed(problem: Problem, tensors: list[torch.Tensor | None]) -> dict[Place, Array]:
    """Lay the tensors of all steps out by place, time and sample; 0 where nothing flowed."""
    case, order = problem.case, _sorted_samples(problem)
    arrays: dict[Place, Array] = {}
    remaining = iter(tensors)
    for place in problem.places:
        array = arrays[place] = np.zeros((case.steps, case.batch, case.hidden_size), problem.dtype)
        for t in _scan_order(case.steps, reverse=place[1] == 1):
            if (tensor := next(remaining)) is not None:
                array[t, order[: len(tensor)]] = shown(problem, tensor)
    return arrays


def _graph(results: list[torch.Tensor]) -> set[Any]:
    """Return every node of the graph behind `results`."""
    seen: set[Any] = set()
    ahead = [result.grad_fn for result in results]
    while ahead:
        node = ahead.pop()
        if node is not None and node not in seen:
            seen.add(node)
            ahead += [below for below, _ in node.next_functions]
    return seen


def _rows(problem: Problem) -> list[int]:
    """Return how many samples take part in each activation, in the order in which they are made."""
    present = problem.active.sum(axis=1)
    scans = ([present, present[::-1]] if problem.case.bidirectional else [present]) * problem.case.layers
    return [int(n) for scan in scans for n in scan]


def _scan_order(steps: int, *, reverse: bool) -> range:
    return range(steps - 1, -1, -1) if reverse else range(steps)


def _sorted_samples(problem: Problem) -> Array:
    """Return the samples in the order in which packing puts them: torch's own sort, longest first."""
    import torch

    if problem.lengths is None:
        return np.arange(problem.case.batch)
    return torch.sort(torch.tensor(problem.lengths), descending=True).indices.numpy()


def _keep(store: dict[int, torch.Tensor], position: int) -> Callable[..., None]:
    def hook(gradients: tuple[torch.Tensor | None, ...], *_: object) -> None:
        if gradients and gradients[0] is not None:
            store[position] = gradients[0].detach().clone()

    return hook
