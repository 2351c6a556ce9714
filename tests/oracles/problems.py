"""One experiment with all its arrays, and what the reference makes of it.

A problem is stored time-major and batched whatever its layout, and observations come back that way,
so that every oracle deals with one layout only and a wrong transposition shows as a difference.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import refrnn

Observation = dict[str, np.ndarray]
"""Named arrays, all time-major and batched; names are built by `place_key` and `gradient_key`."""


HEAD_WEIGHT, HEAD_BIAS = "head weight", "head bias"


def suffix(layer: int, direction: int) -> str:
    return f"l{layer}" + "_reverse" * direction


def place_key(quantity: str, layer: int, direction: int) -> str:
    return f"{quantity} {suffix(layer, direction)}"


def gradient_key(name: str) -> str:
    return f"gradient of {name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Sizes, options, weights under torch's names, data and cotangents of one experiment."""

    steps: int = 7
    batch: int = 5
    inputs: int = 3
    hidden: int = 4
    layers: int = 1
    directions: int = 1
    nonlinearity: str = "tanh"
    bias: bool = True
    layout: str = "time first"
    dtype: Any = np.float64
    lengths: tuple[int, ...] | None = None
    dropout: float = 0.0
    truncation: int | None = None

    weights: dict[str, np.ndarray] = field(repr=False)
    x: np.ndarray = field(repr=False)  # (T, B, I)
    h_0: np.ndarray | None = field(repr=False)  # (L·D, B, H)
    d_output: np.ndarray | None = field(repr=False)  # (T, B, D·H)
    d_h_n: np.ndarray | None = field(repr=False)  # (L·D, B, H)
    masks: np.ndarray | None = field(default=None, repr=False)  # (L-1, T, B, D·H)
    head: dict[str, np.ndarray] = field(default_factory=dict, repr=False)  # (O, D·H) and (O,), or empty
    d_y: np.ndarray | None = field(default=None, repr=False)  # (T, B, O), in place of d_output

    @property
    def outputs(self) -> int:
        """O of the head, 0 without one."""
        return len(self.head[HEAD_BIAS]) if self.head else 0

    @property
    def places(self) -> list[tuple[int, int]]:
        return [(layer, d) for layer in range(self.layers) for d in range(self.directions)]

    @property
    def present(self) -> np.ndarray:
        """True (T, B) where a sample has a step."""
        lengths = np.full(self.batch, self.steps) if self.lengths is None else np.array(self.lengths)
        return np.arange(self.steps)[:, np.newaxis] < lengths

    def width(self, layer: int) -> int:
        return self.inputs if layer == 0 else self.directions * self.hidden

    def but(self, **changes: object) -> "Problem":
        """Return this problem with some fields replaced."""
        return replace(self, **changes)


def weight_shapes(
    inputs: int, hidden: int, layers: int, directions: int, *, bias: bool
) -> Iterator[tuple[str, tuple[int, ...]]]:
    for layer in range(layers):
        width = inputs if layer == 0 else directions * hidden
        for d in range(directions):
            end = suffix(layer, d)
            yield f"weight_ih_{end}", (hidden, width)
            yield f"weight_hh_{end}", (hidden, hidden)
            if bias:
                yield f"bias_ih_{end}", (hidden,)
                yield f"bias_hh_{end}", (hidden,)


def make(*, seed: int = 0, initial: bool = True, gain: float | None = None, **options: object) -> Problem:
    """Draw a problem in which nothing is degenerate, the same for the same arguments.

    Weights and biases come from ±gain/√H, torch's own range at gain 1, the default; it is ½ in float32, where
    bounds on the rounding of three layers would otherwise grow too wide to tell much. Padding of x and of
    d_output is NaN: it must never be read.
    """
    empty = Problem(weights={}, x=np.empty(0), h_0=None, d_output=None, d_h_n=None, **options)  # type: ignore[arg-type]
    key = zlib.crc32(repr((empty, initial, gain)).encode())
    rng = np.random.default_rng([seed, key])
    if gain is None:
        gain = 0.5 if empty.dtype is np.float32 else 1.0
    dtype, states = empty.dtype, (empty.layers * empty.directions, empty.batch, empty.hidden)
    bound = gain / np.sqrt(empty.hidden)
    named = weight_shapes(empty.inputs, empty.hidden, empty.layers, empty.directions, bias=empty.bias)
    x = rng.standard_normal((empty.steps, empty.batch, empty.inputs)).astype(dtype)
    d_output = rng.standard_normal((empty.steps, empty.batch, empty.directions * empty.hidden)).astype(dtype)
    x[~empty.present] = np.nan
    d_output[~empty.present] = np.nan
    return empty.but(
        weights={name: rng.uniform(-bound, bound, shape).astype(dtype) for name, shape in named},
        x=x,
        h_0=rng.uniform(-0.9, 0.9, states).astype(dtype) if initial else None,
        d_output=d_output,
        d_h_n=rng.standard_normal(states).astype(dtype),
    )


def to_layout(sequence: np.ndarray | None, layout: str) -> np.ndarray | None:
    """Lay a sequence (T, B, ·) out as a caller would."""
    if sequence is None or layout == "time first":
        return sequence
    return sequence[:, 0] if layout == "unbatched" else np.ascontiguousarray(sequence.swapaxes(0, 1))


def from_layout(sequence: np.ndarray, layout: str) -> np.ndarray:
    """Bring a caller's sequence back to (T, B, ·)."""
    if layout == "time first":
        return sequence
    return sequence[:, np.newaxis] if layout == "unbatched" else sequence.swapaxes(0, 1)


def to_state(state: np.ndarray | None, layout: str) -> np.ndarray | None:
    """Lay h_0 or dL/dh_n (L·D, B, H) out as a caller would."""
    return state[:, 0] if state is not None and layout == "unbatched" else state


def from_state(state: np.ndarray, layout: str) -> np.ndarray:
    """Bring a caller's state back to (L·D, B, H)."""
    return state[:, np.newaxis] if layout == "unbatched" else state


def network(problem: Problem) -> refrnn.RNN:
    """Build the reference network of a problem."""
    rnn = refrnn.RNN(
        problem.inputs,
        problem.hidden,
        problem.layers,
        problem.nonlinearity,  # type: ignore[arg-type]
        problem.bias,
        problem.layout == "batch first",
        problem.dropout,
        problem.directions == 2,
        dtype=problem.dtype,
    )
    rnn.load_state_dict(problem.weights)
    return rnn


def run(problem: Problem) -> tuple[refrnn.Trace, refrnn.Gradients]:
    """Run the reference forward and backward in the problem's layout."""
    rnn, layout = network(problem), problem.layout
    trace = rnn.forward(
        to_layout(problem.x, layout),
        to_state(problem.h_0, layout),
        lengths=problem.lengths,
        dropout_masks=problem.masks,
    )
    gradients = rnn.backward(
        trace,
        to_layout(problem.d_output, layout),
        to_state(problem.d_h_n, layout),
        truncation=problem.truncation,
    )
    return trace, gradients


def observe(problem: Problem) -> Observation:
    """Return what the reference gives as a whole: output, h_n and all gradients, those of a head too."""
    if problem.head:
        return observe_with_head(problem)
    return whole(problem, *run(problem))


def observe_with_head(problem: Problem) -> Observation:
    """Run the reference with `refrnn.Linear` on its outputs, through which the loss sees them."""
    rnn, layout = network(problem), problem.layout
    head = refrnn.Linear(rnn.directions * rnn.hidden_size, problem.outputs, dtype=problem.dtype)
    head.load_state_dict({"weight": problem.head[HEAD_WEIGHT], "bias": problem.head[HEAD_BIAS]})
    trace = rnn.forward(
        to_layout(problem.x, layout), to_state(problem.h_0, layout), dropout_masks=problem.masks
    )
    read = head.forward(trace.output)
    above = head.backward(read, to_layout(problem.d_y, layout))
    gradients = rnn.backward(trace, above.x, to_state(problem.d_h_n, layout), truncation=problem.truncation)
    return whole(problem, trace, gradients) | {
        "y": from_layout(read.y, layout),
        gradient_key(HEAD_WEIGHT): above.parameters["weight"],
        gradient_key(HEAD_BIAS): above.parameters["bias"],
    }


def whole(problem: Problem, trace: refrnn.Trace, gradients: refrnn.Gradients) -> Observation:
    layout = problem.layout
    return {
        "output": from_layout(trace.output, layout),
        "h_n": from_state(trace.h_n, layout),
        gradient_key("x"): from_layout(gradients.x, layout),
        gradient_key("h_0"): from_state(gradients.h_0, layout),
    } | {gradient_key(name): array for name, array in gradients.parameters.items()}


def observe_steps(problem: Problem) -> Observation:
    """Return all that the reference tells of single steps, with zeros in the padding."""
    trace, gradients = run(problem)
    found: Observation = {}
    gone = ~problem.present
    for place in problem.places:
        for quantity, array in (
            ("h_t", trace.hidden(*place)),
            ("dL/dh_t", gradients.d_h(*place)),
            ("dL/dh_t from the output", gradients.d_h_from_output(*place)),
            ("dL/dh_t from the next step", gradients.d_h_from_next(*place)),
            ("dL/da_t", gradients.d_a(*place)),
        ):
            found[place_key(quantity, *place)] = np.where(gone[:, :, np.newaxis], 0, array)
    for name in problem.weights:
        found[f"every step's share in {name}"] = gradients.step_contributions(name)
    return found
