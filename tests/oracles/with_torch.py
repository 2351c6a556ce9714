"""The same experiments on the real torch: the fused module, and single cells with the graph kept."""

import warnings
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from oracles.problems import (
    Observation,
    Problem,
    from_layout,
    from_state,
    gradient_key,
    place_key,
    suffix,
    to_layout,
    to_state,
)


def torch_dtype(problem: Problem) -> torch.dtype:
    return {np.float32: torch.float32, np.float64: torch.float64}[problem.dtype]


def module(problem: Problem) -> torch.nn.RNN:
    """Build torch's module with the problem's weights, and verify the copies."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="dropout option adds dropout")
        rnn = torch.nn.RNN(
            problem.inputs,
            problem.hidden,
            problem.layers,
            problem.nonlinearity,
            problem.bias,
            problem.layout == "batch first",
            problem.dropout,
            problem.directions == 2,
            dtype=torch_dtype(problem),
        )
    rnn.load_state_dict({name: torch.tensor(array) for name, array in problem.weights.items()})
    for name, parameter in rnn.named_parameters():
        assert np.array_equal(parameter.detach().numpy(), problem.weights[name])
    return rnn


def tensor(array: np.ndarray | None, *, grad: bool = False) -> torch.Tensor | None:
    return None if array is None else torch.tensor(array, requires_grad=grad)


def observe(problem: Problem, *, seed: int | None = None) -> Observation:
    """Run the fused module; `seed` turns training mode on and seeds torch's generator before the call."""
    rnn, layout = module(problem), problem.layout
    rnn.train(seed is not None)
    zeros = np.zeros((problem.layers * problem.directions, problem.batch, problem.hidden), problem.dtype)
    x = tensor(to_layout(problem.x, layout), grad=True)
    h_0 = tensor(to_state(zeros if problem.h_0 is None else problem.h_0, layout), grad=True)
    assert x is not None
    assert h_0 is not None
    if seed is not None:
        torch.manual_seed(seed)
    given: tuple[Any, ...] = (x,) if problem.h_0 is None and seed is None else (x, h_0)
    if problem.lengths is None:
        output, h_n = rnn(*given)
    else:
        first = rnn.batch_first
        packed = pack_padded_sequence(
            x, torch.tensor(problem.lengths), batch_first=first, enforce_sorted=False
        )
        output, h_n = rnn(packed, *given[1:])
        output, _ = pad_packed_sequence(output, batch_first=first, total_length=problem.steps)
    d_output, d_h_n = to_layout(problem.d_output, layout), to_state(problem.d_h_n, layout)
    loss = sum(
        (value * torch.tensor(np.nan_to_num(cotangent))).sum()
        for value, cotangent in ((output, d_output), (h_n, d_h_n))
        if cotangent is not None
    )
    assert isinstance(loss, torch.Tensor)
    loss.backward()
    # where torch made the zeros itself, their gradient comes from a run that passes them
    d_h_0 = observe_initial(problem) if len(given) == 1 else array(h_0.grad)
    found = {
        "output": from_layout(output.detach().numpy(), layout),
        "h_n": from_state(h_n.detach().numpy(), layout),
        gradient_key("x"): from_layout(array(x.grad), layout),
        gradient_key("h_0"): from_state(d_h_0, layout),
    }
    return found | {gradient_key(name): array(p.grad) for name, p in rnn.named_parameters()}


def observe_initial(problem: Problem) -> np.ndarray:
    """Return dL/dh_0 of a problem without h_0, by passing zeros."""
    zeros = np.zeros((problem.layers * problem.directions, problem.batch, problem.hidden), problem.dtype)
    found = observe(problem.but(h_0=zeros))[gradient_key("h_0")]
    return found[:, 0] if problem.layout == "unbatched" else found


def array(gradient: torch.Tensor | None) -> np.ndarray:
    """Return a gradient that must be there."""
    assert gradient is not None
    return gradient.numpy()


def masks(problem: Problem, seed: int) -> np.ndarray:
    """Replay the dropout masks that torch draws after seeding: one a layer, over its whole output.

    The output of a layer is (T, B, D·H) inside torch whatever the layout, (T, D·H) for one sample, and the
    packed data (Σ lengths, D·H) for packed sequences.
    """
    torch.manual_seed(seed)
    ones = torch.ones(problem.steps, problem.batch, problem.directions * problem.hidden)
    ones = ones.to(torch_dtype(problem))
    drawn = []
    for _ in range(problem.layers - 1):
        if problem.lengths is None:
            mask = torch.nn.functional.dropout(ones, problem.dropout)
        else:
            packed = pack_padded_sequence(ones, torch.tensor(problem.lengths), enforce_sorted=False)
            data = torch.nn.functional.dropout(packed.data, problem.dropout)
            mask, _ = pad_packed_sequence(packed._replace(data=data), total_length=problem.steps)
        drawn.append((mask != 0).numpy())
    return np.stack(drawn)


def observe_steps(problem: Problem) -> Observation:
    """Run one torch cell per step and sample with the graph kept, and read every step's gradients.

    Every h_t goes on by two copies, to the layer's output and to the next step, so that the two sources
    of dL/dh_t show apart. Every step has its own copy of the parameters, whose gradients are its share.
    With truncation = k the carried copy is detached after every k steps of each sample's own scan.
    """
    found = blank(problem)
    for b in range(problem.batch):
        _Sample(problem, b, found).run()
    return found


def blank(problem: Problem) -> Observation:
    t, b, h = problem.steps, problem.batch, problem.hidden
    found: Observation = {}
    for place in problem.places:
        for quantity in STEP_QUANTITIES:
            found[place_key(quantity, *place)] = np.zeros((t, b, h), problem.dtype)
    for name, weights in problem.weights.items():
        found[f"every step's share in {name}"] = np.zeros((t, *weights.shape), problem.dtype)
    return found


STEP_QUANTITIES = (
    "h_t",
    "dL/dh_t",
    "dL/dh_t from the output",
    "dL/dh_t from the next step",
    "dL/da_t",
)


class _Sample:
    """One sample of a problem on its way through torch's cells."""

    def __init__(self, problem: Problem, b: int, found: Observation) -> None:
        assert problem.bias, "dL/da_t is read from the biases"
        self.problem, self.b, self.found = problem, b, found
        self.length = problem.steps if problem.lengths is None else problem.lengths[b]
        self.loss: torch.Tensor = torch.zeros((), dtype=torch_dtype(problem))
        self.kept: list[tuple[tuple[int, int], int, dict[str, torch.Tensor]]] = []

    def run(self) -> None:
        p = self.problem
        y = list(torch.tensor(p.x[: self.length, self.b : self.b + 1]))
        for layer in range(p.layers):
            sides = [self.scan(layer, d, y) for d in range(p.directions)]
            y = [torch.cat(parts, -1) for parts in zip(*sides, strict=True)]
            if p.masks is not None and layer < p.layers - 1:
                scale = 0 if p.dropout == 1 else 1 / (1 - p.dropout)
                keep = torch.tensor(p.masks[layer, : self.length, self.b : self.b + 1]) * scale
                y = [value * keep[t].to(value.dtype) for t, value in enumerate(y)]
        if p.d_output is not None:
            cotangent = torch.tensor(p.d_output[: self.length, self.b : self.b + 1])
            self.loss = self.loss + (torch.stack(y) * cotangent).sum()
        self.loss.backward()
        self.read()

    def scan(self, layer: int, d: int, y: list[torch.Tensor]) -> list[torch.Tensor]:
        p, end = self.problem, suffix(layer, d)
        cell = torch.nn.RNNCell(p.width(layer), p.hidden, p.bias, p.nonlinearity, dtype=torch_dtype(p))
        names = {f"{n}_{kind}": f"{n}_{kind}_{end}" for n in ("weight", "bias") for kind in ("ih", "hh")}
        state = layer * p.directions + d
        zeros = np.zeros((1, p.hidden), p.dtype)
        h = torch.tensor(zeros if p.h_0 is None else p.h_0[state, self.b : self.b + 1])
        outputs = list(y)
        for done, t in enumerate(range(self.length)[:: -1 if d else 1]):
            if p.truncation is not None and done > 0 and done % p.truncation == 0:
                h = h.detach()
            own = {short: torch.tensor(p.weights[full], requires_grad=True) for short, full in names.items()}
            new = torch.func.functional_call(cell, own, (y[t], h))
            outputs[t], h = new.clone(), new.clone()
            for value in (new, outputs[t], h):
                value.retain_grad()
            step = {"h": new, "out": outputs[t], "next": h}
            self.kept.append(((layer, d), t, step | {names[n]: value for n, value in own.items()}))
        if p.d_h_n is not None:
            self.loss = self.loss + (h * torch.tensor(p.d_h_n[state, self.b : self.b + 1])).sum()
        return outputs

    def read(self) -> None:
        for place, t, kept in self.kept:
            gradients = {name: 0 if v.grad is None else v.grad.numpy() for name, v in kept.items()}
            bias = f"bias_hh_{suffix(*place)}"
            for quantity, value in zip(
                STEP_QUANTITIES,
                (
                    kept["h"].detach().numpy(),
                    gradients["h"],
                    gradients["out"],
                    gradients["next"],
                    gradients[bias],
                ),
                strict=True,
            ):
                self.found[place_key(quantity, *place)][t, self.b] = np.squeeze(value)
            for name in self.problem.weights:
                if name in kept:
                    self.found[f"every step's share in {name}"][t] += gradients[name]
