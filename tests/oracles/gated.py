"""Experiments with LSTMs and GRUs: drawn, run by the reference and by torch, and by loops of this file step by step.

Sequences are (T, B, ·) and states (L·D, B, ·) here, whatever the layout that an experiment is run in.
"""

import warnings
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import refrnn
from oracles.problems import from_layout, from_state, suffix, to_layout, to_state

Observation = dict[str, np.ndarray]

LETTERS = {"RNN": "h", "GRU": "h", "LSTM": "hc"}
"""The vectors that a network carries."""
BLOCKS = {"RNN": 1, "GRU": 3, "LSTM": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Sizes, options, weights under torch's names, data and cotangents."""

    kind: str
    steps: int = 6
    batch: int = 4
    inputs: int = 3
    hidden: int = 5
    layers: int = 1
    directions: int = 1
    bias: bool = True
    proj: int = 0
    reset: str = "after"
    layout: str = "time first"
    dtype: Any = np.float64
    lengths: tuple[int, ...] | None = None
    dropout: float = 0.0
    truncation: int | None = None

    weights: dict[str, np.ndarray] = field(repr=False)
    x: np.ndarray = field(repr=False)
    initial: dict[str, np.ndarray | None] = field(repr=False)  # by letter
    d_output: np.ndarray | None = field(repr=False)
    d_final: dict[str, np.ndarray | None] = field(repr=False)
    masks: np.ndarray | None = field(default=None, repr=False)

    @property
    def letters(self) -> str:
        return LETTERS[self.kind]

    @property
    def places(self) -> list[tuple[int, int]]:
        return [(layer, d) for layer in range(self.layers) for d in range(self.directions)]

    @property
    def width(self) -> int:
        """P, the length of h."""
        return self.proj or self.hidden

    @property
    def options(self) -> dict[str, Any]:
        """What torch's constructors take beside the sizes."""
        found = {"num_layers": self.layers, "bias": self.bias, "bidirectional": self.directions == 2}
        found |= {"batch_first": self.layout == "batch first", "dropout": self.dropout}
        return found | ({"proj_size": self.proj} if self.proj else {})

    def but(self, **changes: object) -> "Experiment":
        return replace(self, **changes)


def drawn(kind: str, *, gain: float = 1.0, seed: int = 0, **options: Any) -> Experiment:
    """Draw an experiment in which nothing is degenerate; padding is NaN, since it must never be read."""
    empty = Experiment(kind=kind, weights={}, x=np.empty(0), initial={}, d_output=None, d_final={}, **options)
    e, rng = empty, np.random.default_rng([seed, zlib.crc32(repr(empty).encode())])
    module = torch_module(e)
    bound = gain / np.sqrt(e.hidden)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(e.dtype)

    count, widths = e.layers * e.directions, {"h": e.width, "c": e.hidden}
    x, d_output = normal(e.steps, e.batch, e.inputs), normal(e.steps, e.batch, e.directions * e.width)
    if e.lengths is not None:
        gone = np.arange(e.steps)[:, np.newaxis] >= np.array(e.lengths)
        x[gone] = d_output[gone] = np.nan
    return e.but(
        weights={
            name: rng.uniform(-bound, bound, tuple(p.shape)).astype(e.dtype)
            for name, p in module.named_parameters()
        },
        x=x,
        initial={letter: normal(count, e.batch, widths[letter]) for letter in e.letters},
        d_output=d_output,
        d_final={letter: normal(count, e.batch, widths[letter]) for letter in e.letters},
    )


def handed(e: Experiment, states: dict[str, np.ndarray | None]) -> Any:
    """Lay states out as a network takes them: an array, or an LSTM's pair."""
    laid = tuple(to_state(states[letter], e.layout) for letter in e.letters)
    return laid if len(laid) > 1 else laid[0]


def network(e: Experiment) -> Any:
    more = {"reset": e.reset} if e.kind == "GRU" else {}
    found = getattr(refrnn, e.kind)(e.inputs, e.hidden, dtype=e.dtype, **e.options, **more)
    found.load_state_dict(e.weights)
    return found


def run(e: Experiment) -> tuple[refrnn.Trace, refrnn.Gradients]:
    """Run the reference forward and backward."""
    net = network(e)
    x, d_output = (to_layout(a, e.layout) for a in (e.x, e.d_output))
    trace = net.forward(x, handed(e, e.initial), lengths=e.lengths, dropout_masks=e.masks)
    return trace, net.backward(trace, d_output, handed(e, e.d_final), truncation=e.truncation)


def observe(e: Experiment) -> Observation:
    """Return what the reference gives as a whole."""
    trace, gradients = run(e)
    found = {"output": from_layout(trace.output, e.layout), "dL/dx": from_layout(gradients.x, e.layout)}
    for letter in e.letters:
        found[f"{letter}_n"] = from_state(getattr(trace, f"{letter}_n"), e.layout)
        found[f"dL/d{letter}_0"] = from_state(getattr(gradients, f"{letter}_0"), e.layout)
    return found | {f"dL/d{name}": array for name, array in gradients.parameters.items()}


def torch_module(e: Experiment) -> Any:
    """Build torch's module, with the weights of the experiment once it has some."""
    dtype = {np.float32: torch.float32, np.float64: torch.float64}[e.dtype]
    module = getattr(torch.nn, e.kind)(e.inputs, e.hidden, dtype=dtype, **e.options)
    if e.weights:
        module.load_state_dict({name: torch.tensor(array) for name, array in e.weights.items()})
    return module


def observe_torch(e: Experiment, seed: int | None = None) -> Observation:
    """Return the same of torch's module; `seed` turns training mode on and seeds its masks."""
    module = torch_module(e).train(seed is not None)
    x = torch.tensor(to_layout(e.x, e.layout), requires_grad=True)
    first = {
        letter: torch.tensor(to_state(e.initial[letter], e.layout), requires_grad=True)
        for letter in e.letters
    }
    given: Any = tuple(first.values()) if len(first) > 1 else first["h"]
    if seed is not None:
        torch.manual_seed(seed)
    fed: Any = x
    if e.lengths is not None:
        lengths = torch.tensor(e.lengths)
        fed = pack_padded_sequence(x, lengths, batch_first=module.batch_first, enforce_sorted=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="LSTM with projections")  # of its kernels
        output, final = module(fed, given)
    if e.lengths is not None:
        output, _ = pad_packed_sequence(output, batch_first=module.batch_first, total_length=e.steps)
    last = dict(zip(e.letters, final if len(first) > 1 else (final,), strict=True))
    loss = torch.zeros((), dtype=x.dtype)
    for value, cotangent in [
        (output, to_layout(e.d_output, e.layout)),
        *((last[letter], to_state(e.d_final[letter], e.layout)) for letter in e.letters),
    ]:
        if cotangent is not None:
            loss = loss + (value * torch.tensor(np.nan_to_num(cotangent))).sum()
    loss.backward()
    found = {
        "output": from_layout(output.detach().numpy(), e.layout),
        "dL/dx": from_layout(grad(x), e.layout),
    }
    for letter in e.letters:
        found[f"{letter}_n"] = from_state(last[letter].detach().numpy(), e.layout)
        found[f"dL/d{letter}_0"] = from_state(grad(first[letter]), e.layout)
    return found | {f"dL/d{name}": grad(p) for name, p in module.named_parameters()}


def grad(tensor: torch.Tensor) -> np.ndarray:
    return np.zeros(tuple(tensor.shape)) if tensor.grad is None else tensor.grad.numpy()


def torch_masks(e: Experiment, seed: int) -> np.ndarray:
    """Replay the dropout masks that torch draws after seeding."""
    torch.manual_seed(seed)
    ones = torch.ones(e.steps, e.batch, e.directions * e.width, dtype=torch.float64)
    return np.stack(
        [(torch.nn.functional.dropout(ones, e.dropout) != 0).numpy() for _ in range(e.layers - 1)]
    )


def assert_agree(found: Observation, expected: Observation, e: Experiment) -> None:
    """Assert that two correct programs could differ so, to first order.

    The scale is as many unit roundoffs of the largest value as the longest chain of sums has terms: in every layer T
    steps of B rows, I inputs and the columns of W_hh.
    """
    assert set(found) == set(expected)
    assert found
    terms = e.layers * e.steps * (e.batch + e.inputs + e.directions * e.hidden * BLOCKS[e.kind])
    for name, array in found.items():
        other = expected[name]
        assert array.shape == other.shape, f"{name}: {array.shape}, expected {other.shape}"
        assert array.size
        bound = terms * np.finfo(e.dtype).eps / 2 * max(1, np.abs(other).max())
        error = np.abs(array - other).max()
        assert error <= bound, f"{name}: off by {error:.1e}, more than {bound:.1e}"


# Step by step: the recurrence written out, by torch's autograd


def step_by_step(e: Experiment) -> Observation:
    """Return every quantity of every step of one layer, and its gradient, from loops that autograd differentiates."""
    assert e.layers == 1
    assert e.lengths is None
    leaves = {name: torch.tensor(array, requires_grad=True) for name, array in e.weights.items()}
    loss: Any = 0
    kept: list[tuple[int, int, dict[str, torch.Tensor]]] = []
    for d in range(e.directions):
        p = {
            name.removesuffix(f"_{suffix(0, d)}"): w
            for name, w in leaves.items()
            if name.endswith(f"_{suffix(0, d)}")
        }
        state = {letter: torch.tensor(e.initial[letter][d]) for letter in e.letters}  # type: ignore[index]
        for t in range(e.steps)[:: -1 if d else 1]:
            step = STEPS[e.kind, e.reset](p, torch.tensor(e.x[t]), state)
            for letter in e.letters:  # two copies of a state: for the output, and for the next step
                step[f"{letter} next"] = step[letter].clone()
            step["out"] = step["h"].clone()
            for value in step.values():
                value.retain_grad()
            own = torch.tensor(e.d_output[t, :, d * e.width : (d + 1) * e.width])  # type: ignore[index]
            loss = loss + (step["out"] * own).sum()
            kept.append((t, d, step))
            state = {letter: step[f"{letter} next"] for letter in e.letters}
        for letter in e.letters:
            loss = loss + (state[letter] * torch.tensor(e.d_final[letter][d])).sum()  # type: ignore[index]
    loss.backward()
    found: Observation = {f"dL/d{name}": grad(leaf) for name, leaf in leaves.items()}
    for d in range(e.directions):
        steps = {t: step for t, side, step in kept if side == d}
        for name in steps[0]:
            values = [steps[t][name].detach().numpy() for t in range(e.steps)]
            slopes = [grad(steps[t][name]) for t in range(e.steps)]
            if not name.endswith(("next", "out", "a", "recurrent")):
                found[f"{name} {d}"] = np.stack(values)
            found[f"dL/d{name} {d}"] = np.stack(slopes)
    return found


def lstm_step(p: dict[str, torch.Tensor], x: torch.Tensor, state: dict[str, torch.Tensor]) -> dict:
    share = x @ p["weight_ih"].T + p["bias_ih"]
    recurrent = state["h"] @ p["weight_hh"].T + p["bias_hh"]
    a = share + recurrent
    i, f, g, o = a.chunk(4, 1)
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
    c = f * state["c"] + i * g
    h = o * torch.tanh(c)
    if "weight_hr" in p:
        h = h @ p["weight_hr"].T
    return {"a": a, "recurrent": recurrent, "i": i, "f": f, "g": g, "o": o, "c": c, "h": h}


def gru_step(p: dict[str, torch.Tensor], x: torch.Tensor, state: dict[str, torch.Tensor]) -> dict:
    share = x @ p["weight_ih"].T + p["bias_ih"]
    recurrent = state["h"] @ p["weight_hh"].T + p["bias_hh"]
    s_rz, s_n = share[:, : -recurrent.shape[1] // 3], share[:, -recurrent.shape[1] // 3 :]
    rz, m = recurrent[:, : s_rz.shape[1]], recurrent[:, s_rz.shape[1] :]
    r, z = torch.sigmoid(s_rz + rz).chunk(2, 1)
    n = torch.tanh(s_n + r * m)
    h = (1 - z) * n + z * state["h"]
    return {"a": share, "recurrent": recurrent, "r": r, "z": z, "n": n, "m": m, "h": h}


def gru_step_reset_before(
    p: dict[str, torch.Tensor], x: torch.Tensor, state: dict[str, torch.Tensor]
) -> dict:
    share = x @ p["weight_ih"].T + p["bias_ih"] + p["bias_hh"]
    w_r, w_z, w_n = p["weight_hh"].chunk(3)
    s_r, s_z, s_n = share.chunk(3, 1)
    r, z = torch.sigmoid(s_r + state["h"] @ w_r.T), torch.sigmoid(s_z + state["h"] @ w_z.T)
    n = torch.tanh(s_n + (r * state["h"]) @ w_n.T)
    return {"a": share, "r": r, "z": z, "n": n, "h": (1 - z) * n + z * state["h"]}


STEPS = {
    ("LSTM", "after"): lstm_step,
    ("GRU", "after"): gru_step,
    ("GRU", "before"): gru_step_reset_before,
}


def observe_steps(e: Experiment) -> Observation:
    """Return what the reference shows of every step, under the names of `step_by_step`."""
    trace, gradients = run(e)
    found: Observation = {f"dL/d{name}": array for name, array in gradients.parameters.items()}
    names = {"LSTM": "ifgo", "GRU": "rznm"}[e.kind] if e.reset == "after" else "rzn"
    for d in range(e.directions):
        for name in (*names, *e.letters):
            found[f"{name} {d}"] = trace.quantity(name, 0, d)
        found[f"dL/da {d}"] = gradients.d_a(0, d)
        found[f"dL/drecurrent {d}"] = gradients.d_recurrent(0, d)
        found[f"dL/dh {d}"] = gradients.d_h(0, d)
        found[f"dL/dout {d}"] = gradients.d_h_from_output(0, d)
        found[f"dL/dh next {d}"] = gradients.d_h_from_next(0, d)
        if "c" in e.letters:
            found[f"dL/dc {d}"] = gradients.d_c(0, d)
            found[f"dL/dc next {d}"] = gradients.d_c_from_next(0, d)
    return found
