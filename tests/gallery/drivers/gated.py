"""Drivers of LSTMs and GRUs: weights of torch's, gate by gate in a subject's layout, and its gradients by autograd."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from gallery.definitions import columns
from gallery.drivers.tools import put
from gallery.question import Question, Shown

Layout = Mapping[str, Callable[["Gates"], np.ndarray]]
"""By the name of each array of a subject: how it is made of gates."""


@dataclass(frozen=True, slots=True)
class Gates:
    """Parameters (or their gradients) of torch's cell by the letters of its gates, with those of a head."""

    letters: str
    arrays: Mapping[str, np.ndarray]

    def _block(self, name: str, letter: str) -> np.ndarray:
        return np.split(self.arrays[name], len(self.letters))[self.letters.index(letter)]

    def x(self, letter: str) -> np.ndarray:
        """W_ih of a gate, (H, I)."""
        return self._block("w_ih", letter)

    def h(self, letter: str) -> np.ndarray:
        """W_hh of a gate, (H, H)."""
        return self._block("w_hh", letter)

    def b(self, letter: str) -> np.ndarray:
        """b_ih of a gate, (H,)."""
        return self._block("b_ih", letter)


def drawn(cell: str, q: Question, *, two: bool = False) -> Gates:
    """Draw weights of a cell; b_hh is 0 unless there are `two` biases."""
    letters, rng = {"lstm": "ifgo"}.get(cell, "rzn"), np.random.default_rng(3)
    rows = len(letters) * q.hidden
    shapes = {
        "w_ih": (rows, q.inputs),
        "w_hh": (rows, q.hidden),
        "b_ih": (rows,),
        "b_hh": (rows,),
        "w_hy": (q.outputs, q.hidden),
        "b_y": (q.outputs,),
    }
    arrays = {name: 0.5 * rng.standard_normal(shape) for name, shape in shapes.items()}
    arrays["b_hh"] *= two
    return Gates(letters, arrays)


def by_autograd(
    cell: str, weights: Gates, q: Question, loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
) -> Gates:
    """Return the gradients of a loss of y (T, B, O) and h (T, B, H) by torch's autograd, from h_0 = 0; x's as well."""
    w = {name: torch.tensor(array, requires_grad=True) for name, array in weights.arrays.items()}
    x = w["x"] = torch.tensor(q.x, requires_grad=True)
    if cell == "gru before":
        hidden = _reset_before(w, x)
    else:
        kind = torch.nn.LSTM if cell == "lstm" else torch.nn.GRU
        network = kind(q.inputs, q.hidden, dtype=torch.float64)
        names = {
            f"{kind}_{way}_l0": w[f"{kind[0]}_{way}"] for kind in ("weight", "bias") for way in ("ih", "hh")
        }
        hidden, _ = torch.func.functional_call(network, names, (x,))
    loss(hidden @ w["w_hy"].T + w["b_y"], hidden).backward()
    return Gates(
        weights.letters,
        {name: np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy() for name, leaf in w.items()},
    )


def _reset_before(w: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Return the states of a GRU whose reset gate comes before the product, which torch has not."""
    (w_r, w_z, w_n), (u_r, u_z, u_n), (b_r, b_z, b_n) = (
        w[name].chunk(3) for name in ("w_ih", "w_hh", "b_ih")
    )
    h, states = torch.zeros(x.shape[1], len(u_r), dtype=x.dtype), []
    for x_t in x:
        r = torch.sigmoid(x_t @ w_r.T + h @ u_r.T + b_r)
        z = torch.sigmoid(x_t @ w_z.T + h @ u_z.T + b_z)
        n = torch.tanh(x_t @ w_n.T + (r * h) @ u_n.T + b_n)
        h = (1 - z) * n + z * h
        states.append(h)
    return torch.stack(states)


def _states(q: Question) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    return lambda _, h: (torch.tensor(q.d_h) * h).sum()


def _shown(
    cell: str,
    weights: Gates,
    layout: Layout,
    found: Mapping[str, np.ndarray],
    q: Question,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None,
) -> Shown:
    """Return what a subject showed, and what autograd says of it in the same layout."""
    right = by_autograd(cell, weights, q, loss or _states(q))
    return Shown(gradients=found, right={name: lay(right) for name, lay in layout.items()})


def _joint(letter: str) -> Callable[[Gates], np.ndarray]:
    return lambda g: np.hstack([g.h(letter), g.x(letter)])


def _column(letter: str) -> Callable[[Gates], np.ndarray]:
    return lambda g: g.b(letter)[:, None]


def lstm_concat(names: dict, q: Question) -> Shown:
    theirs = {"f": "f", "i": "i", "c": "g", "o": "o"}
    layout = {f"W{t}": _joint(ours) for t, ours in theirs.items()}
    layout |= {f"b{t}": _column(ours) for t, ours in theirs.items()}
    weights, net = drawn("lstm", q), names["LSTM"](q.inputs, q.hidden)
    put(net, {name: lay(weights) for name, lay in layout.items()})
    net.forward(columns(q.x))
    return _shown("lstm", weights, layout, net.backward(columns(q.d_h)), q)


def lstm_torch_like(names: dict, q: Question) -> Shown:
    layout = {
        f"{kind}_{way}": lambda g, name=f"{kind[0]}_{way}": g.arrays[name]
        for kind in ("weight", "bias")
        for way in ("ih", "hh")
    }
    weights, net = drawn("lstm", q, two=True), names["Lstm"](q.inputs, q.hidden)
    put(net, {name: lay(weights) for name, lay in layout.items()})
    net.forward(q.x)
    net.backward(q.d_h)
    return _shown("lstm", weights, layout, {name: getattr(net, f"grad_{name}") for name in layout}, q)


def lstm_samples(names: dict, q: Question) -> Shown:
    theirs = {"f": "f", "i": "i", "c": "g", "o": "o"}
    layout = {f"W{t}": _joint(ours) for t, ours in theirs.items()}
    layout |= {f"b{t}": _column(ours) for t, ours in theirs.items()}
    weights = drawn("lstm", q)
    params = {name: lay(weights) for name, lay in layout.items()}
    x, d = q.x.transpose(2, 1, 0), q.d_h.transpose(2, 1, 0)
    _, caches = names["lstm_forward"](x, np.zeros((q.hidden, q.batch)), params)
    return _shown("lstm", weights, layout, names["lstm_backward"](d, caches, params), q)


def lstm_outer(names: dict, q: Question) -> Shown:
    layout = {f"U{g}": lambda gates, g=g: gates.x(g) for g in "ifog"}
    layout |= {f"V{g}": lambda gates, g=g: gates.h(g) for g in "ifog"}
    layout |= {f"b{g}": lambda gates, g=g: gates.b(g) for g in "ifog"}
    weights, net = drawn("lstm", q), names["Memoria"](q.inputs, q.hidden)
    put(net, {name: lay(weights) for name, lay in layout.items()})
    net.forward(q.x[:, 0])
    return _shown("lstm", weights, layout, net.backward(q.d_h[:, 0]), q)


def lstm_rows(names: dict, q: Question) -> Shown:
    layout = {"W": lambda g: np.vstack([np.hstack([g.x(k), g.h(k)]) for k in "fiog"]).T}
    weights, net = drawn("lstm", q), names["LSTMLayer"](q.inputs, q.hidden)
    weights.arrays["b_ih"][...] = 0
    put(net, {name: lay(weights) for name, lay in layout.items()})
    net.forward(q.x.transpose(1, 0, 2))
    dW, dX = net.backward(q.d_h.transpose(1, 0, 2))
    layout["x"] = lambda g: g.arrays["x"].transpose(1, 0, 2)
    return _shown("lstm", weights, layout, {"W": dW, "x": dX}, q)


def lstm_head(names: dict, q: Question) -> Shown:
    theirs = {"f": "f", "i": "i", "c": "g", "o": "o"}
    layout = {f"W{t}": _joint(ours) for t, ours in theirs.items()}
    layout |= {f"b{t}": _column(ours) for t, ours in theirs.items()}
    layout |= {"Wy": lambda g: g.arrays["w_hy"], "by": lambda g: g.arrays["b_y"][:, None]}
    alike = replace(q, outputs=q.inputs)
    weights, net = drawn("lstm", alike), names["CharLSTM"](q.inputs, q.hidden)
    put(net.params, {name: lay(weights) for name, lay in layout.items()})
    targets = [int(k) % q.inputs for k in q.targets[:, 0]]
    net.forward([int(k) for k in q.ids[:, 0]])

    def loss(y: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(y[:, 0], torch.tensor(targets), reduction="sum")

    return _shown("lstm", weights, layout, net.backward(targets), alike, loss)


def gru_rows(names: dict, q: Question) -> Shown:
    layout = {}
    for theirs, ours, sign in (("z", "z", -1), ("r", "r", 1), ("h", "n", 1)):
        layout[f"W{theirs}"] = lambda g, k=ours, s=sign: s * g.x(k).T
        layout[f"U{theirs}"] = lambda g, k=ours, s=sign: s * g.h(k).T
        layout[f"b{theirs}"] = lambda g, k=ours, s=sign: s * g.b(k)
    weights, net = drawn("gru before", q), names["GRU"](q.inputs, q.hidden)
    put(net, {name: lay(weights) for name, lay in layout.items()})
    net.forward(q.x.transpose(1, 0, 2))
    return _shown("gru before", weights, layout, net.backward(q.d_h.transpose(1, 0, 2))[1], q)


def gru_torch_like(names: dict, q: Question) -> Shown:
    layout = {name: lambda g, name=name: g.arrays[name] for name in ("w_ih", "w_hh", "b_ih", "b_hh")}
    weights, net = drawn("gru", q, two=True), names["GRULayer"](q.inputs, q.hidden)
    put(net, {name: lay(weights) for name, lay in layout.items()})
    net.forward(q.x)
    return _shown("gru", weights, layout, dict(zip(layout, net.backward(q.d_h), strict=True)), q)


def gru_functions(names: dict, q: Question) -> Shown:
    layout = {f"W{g}": lambda gates, g=g: gates.x(g).T for g in "zrn"}
    layout |= {f"U{g}": lambda gates, g=g: gates.h(g).T for g in "zrn"}
    weights = drawn("gru before", q)
    weights.arrays["b_ih"][...] = 0
    params = {name: lay(weights) for name, lay in layout.items()}
    _, cache = names["gru_forward"](q.x.transpose(1, 0, 2), np.zeros((q.batch, q.hidden)), params)
    found = names["gru_backward"](q.d_h.transpose(1, 0, 2), cache, params)
    return _shown("gru before", weights, layout, found, q)


def gru_last(names: dict, q: Question) -> Shown:
    signs = {"z": -1, "r": 1, "n": 1}
    layout: dict[str, Callable[[Gates], np.ndarray]] = {
        f"W_{g}": lambda gates, g=g, s=s: s * np.hstack([gates.h(g), gates.x(g)]) for g, s in signs.items()
    }
    layout["W_out"] = lambda gates: gates.arrays["w_hy"]
    layout |= {f"b_{g}": lambda gates, g=g, s=s: s * gates.b(g)[:, None] for g, s in signs.items()}
    layout["b_out"] = lambda gates: gates.arrays["b_y"][:, None]
    weights, net = drawn("gru before", q), names["SequenceRegressor"](q.inputs, q.hidden, q.outputs)
    put(net, {name: lay(weights) for name, lay in layout.items()})
    net.forward(columns(q.x))
    d_y = q.d_y[-1].T
    found = dict(zip(layout, net.backward(d_y), strict=True))
    return _shown("gru before", weights, layout, found, q, lambda y, _: (y[-1] * torch.tensor(d_y.T)).sum())
