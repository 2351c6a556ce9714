"""Reading the steps of a fused module of torch off its own autograd graph.

On the CPU nn.RNN, GRU and (but for float32) LSTM are composed of ordinary operations, and what a step computes is the
result of nodes in the graph that keep it for the backward pass. Nodes are numbered as they are made: layer by layer,
in each layer forward then reverse, in each direction in the order of the scan. What flows into such a node in the
backward pass is dL/d of its result, what flows out of it dL/d of what it was made of: nothing is recomputed, these are
the fused module's own numbers. Packed sequences go through the same steps with the samples sorted by length, of which
step t holds the first so many.

Where the graph looks different (another kernel, a compiled module, projections) nothing is read off it, and the subject
shows its results only. So it is with the float32 LSTM, which is one node of oneDNN: see `torch_native.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct, field

from conformance.subjects.torch_modules import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    from conformance.cases import Problem
    from conformance.subjects.observation import Place, Quantity
    from refrnn import Array

ACTIVATIONS = {"tanh": "TanhBackward0", "relu": "ReluBackward0"}


class Step(Struct):
    """One step as the graph holds it."""

    values: dict[str, torch.Tensor]  # by letter; kept by the nodes only until the backward pass has run
    nodes: dict[str, Any]  # by letter: what flows into them is dL/d of the carried vectors
    before: Any  # the node of which what flows out is dL/da


class Tap(Struct):
    """The steps of a graph in the order in which they were made, and what passes through them."""

    steps: list[Step]
    arriving: dict[tuple[str, int], torch.Tensor] = field(default_factory=dict)  # by letter and step
    leaving: dict[int, torch.Tensor] = field(default_factory=dict)  # by step

    @property
    def nodes(self) -> dict[tuple[str, int], Any]:
        """The nodes of the carried vectors, by letter and step."""
        return {(letter, n): node for n, step in enumerate(self.steps) for letter, node in step.nodes.items()}

    def listen(self) -> None:
        """Note from now on what the backward pass sends into and out of every step."""
        for key, node in self.nodes.items():
            node.register_prehook(_keep(self.arriving, key))
        for position, step in enumerate(self.steps):
            step.before.register_hook(_keep(self.leaving, position))


def tap(problem: Problem, results: list[torch.Tensor], *, listening: bool = True) -> Tap | None:
    """Return a tap on the graph behind `results`, or None where it has another shape."""
    if problem.case.proj_size:
        return None
    nodes = sorted(_graph(results), key=lambda node: node._sequence_nr())  # noqa: SLF001 - torch's only handle
    read = {"rnn": _elman_step, "lstm": _lstm_step, "gru": _gru_step}[problem.case.cell]
    steps = [step for node in nodes if (step := read(problem, node)) is not None]
    if [tuple(step.values["h"].shape) for step in steps] != [
        (rows, problem.case.hidden_size) for rows in _rows(problem)
    ]:
        return None
    found = Tap(steps)
    if listening:
        found.listen()
    return found


def _elman_step(problem: Problem, node: Any) -> Step | None:  # noqa: ANN401
    """Read h = f(a) off its node."""
    if node.name() != ACTIVATIONS[problem.case.nonlinearity]:
        return None
    return Step({"h": _result(node)}, {"h": node}, node)


def _lstm_step(_: Problem, node: Any) -> Step | None:  # noqa: ANN401
    """Read h = o ⊙ tanh(c), c = f ⊙ c' + i ⊙ g off the node of h."""
    if not _is(node, "Mul", "Sigmoid", "Tanh"):
        return None
    o, tanh_c = _inputs(node)
    (c,) = _inputs(tanh_c)
    if not _is(c, "Add", "Mul", "Mul"):
        return None
    forgotten, new = _inputs(c)
    f, (i, g) = _inputs(forgotten)[0], _inputs(new)
    values = {"i": _result(i), "f": _result(f), "g": _result(g), "o": _result(o)}
    held = values["f"] * forgotten._saved_other.detach()  # noqa: SLF001 - c', f is kept only where c' has a gradient
    values["c"] = held + _product(new)  # as torch adds them: no node of the step keeps it
    values["h"] = _product(node)
    return Step(values, {"h": node, "c": c}, _inputs(f)[0])


def _gru_step(_: Problem, node: Any) -> Step | None:  # noqa: ANN401
    """Read h = (h' − n) ⊙ z + n, n = tanh(… + r ⊙ m) off the node of h."""
    if not _is(node, "Add", "Mul", "Tanh") or not _is(_inputs(node)[0], "Mul", "Sub", "Sigmoid"):
        return None
    held, n = _inputs(node)
    (share, reset), z = _inputs(_inputs(n)[0]), _inputs(held)[1]
    r = _inputs(reset)[1]
    values = {"r": _result(r), "z": _result(z), "n": _result(n), "m": reset._saved_self.detach()}  # noqa: SLF001
    values["h"] = _product(held) + values["n"]
    return Step(values, {"h": node}, share)


def _is(node: Any, kind: str, *inputs: str) -> bool:  # noqa: ANN401
    """Tell whether a node is of a kind, and made of results of such kinds."""
    names = ["" if below is None else below.name() for below in _inputs(node)]
    return node.name() == f"{kind}Backward0" and names == [f"{name}Backward0" for name in inputs]


def _inputs(node: Any) -> list[Any]:  # noqa: ANN401
    return [below for below, _ in node.next_functions]


def _result(node: Any) -> torch.Tensor:  # noqa: ANN401
    return node._saved_result.detach()  # noqa: SLF001 - the kept value


def _product(node: Any) -> torch.Tensor:  # noqa: ANN401
    """Return the product that a node makes, from its two factors."""
    return node._saved_self.detach() * node._saved_other.detach()  # noqa: SLF001


def observed(problem: Problem, found: Tap) -> dict[str, dict[Any, Array]]:
    """Return everything about steps that an observation shows of every place, after the backward pass."""
    letters = found.steps[0].values
    values = {letter: _placed(problem, [step.values[letter] for step in found.steps]) for letter in letters}
    gradients = {
        letter: _placed(problem, [found.arriving.get((letter, n)) for n in range(len(found.steps))])
        for letter in problem.case.carried
    }
    return {
        "hidden": values.pop("h"),
        "d_hidden": gradients.pop("h"),
        "d_pre": _placed(problem, [found.leaving.get(n) for n in range(len(found.steps))]),
        "inner": _by_quantity(values),
        "d_inner": _by_quantity(gradients),
    }


def _by_quantity(found: dict[str, dict[Place, Array]]) -> dict[Quantity, Array]:
    return {(letter, place): array for letter, by_place in found.items() for place, array in by_place.items()}


def _placed(problem: Problem, tensors: Sequence[torch.Tensor | None]) -> dict[Place, Array]:
    """Lay the tensors of all steps out by place, time and sample; 0 where nothing flowed, nothing where none did."""
    case, order = problem.case, _sorted_samples(problem)
    width = next((tensor.shape[1] for tensor in tensors if tensor is not None), case.hidden_size)
    arrays: dict[Place, Array] = {}
    remaining = iter(tensors)
    for place in problem.places:
        array = arrays[place] = np.zeros((case.steps, case.batch, width), problem.dtype)
        for t in _scan_order(_taken(problem), reverse=place[1] == 1):
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
    """Return how many samples take part in each step, in the order in which they are made."""
    present = problem.active.sum(axis=1)[: _taken(problem)]
    scans = ([present, present[::-1]] if problem.case.bidirectional else [present]) * problem.case.layers
    return [int(n) for scan in scans for n in scan]


def _taken(problem: Problem) -> int:
    """Return how many steps are made: those that the longest sample has."""
    return problem.case.steps if problem.lengths is None else int(problem.lengths.max())


def _scan_order(steps: int, *, reverse: bool) -> range:
    return range(steps - 1, -1, -1) if reverse else range(steps)


def _sorted_samples(problem: Problem) -> Array:
    """Return the samples in the order in which packing puts them: torch's own sort, longest first."""
    import torch

    if problem.lengths is None:
        return np.arange(problem.case.batch)
    return torch.sort(torch.tensor(problem.lengths), descending=True).indices.numpy()


def _keep(store: dict[Any, torch.Tensor], key: object) -> Callable[..., None]:
    def hook(gradients: tuple[torch.Tensor | None, ...], *_: object) -> None:
        if gradients and gradients[0] is not None:
            store[key] = gradients[0].detach().clone()

    return hook
