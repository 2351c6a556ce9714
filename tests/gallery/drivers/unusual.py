"""Drivers of networks in unusual forms: one structure or vector for all, generators, pullbacks, cells with gates."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gallery import losses
from gallery.drivers.combined import BATCH_FIRST
from gallery.drivers.faulty import named, picked
from gallery.drivers.tools import columns_of, put, rows_of
from gallery.drivers.unseen_others import consistent
from gallery.question import Question, Shown

FEATURES_FIRST = (2, 1, 0)


def toolbox(names: dict, q: Question) -> Shown:
    net, w = names["netsetup"](q.inputs, q.hidden, q.outputs), q.weights
    net.W.rec = np.hstack((w["b_ih"][:, None], w["w_hh"], w["w_ih"]))
    net.W.out = np.hstack((w["b_y"][:, None], w["w_hy"]))
    names["netff"](net, q.x[:, 0].T, np.zeros((q.outputs, q.steps)))
    net.err = -q.d_y[:, 0].T
    y, h = net.out.T[:, None], net.act.T[:, None]
    names["netbp"](net)
    end = 1 + q.hidden
    gradients = {"b_ih": net.G.rec[:, 0], "w_hh": net.G.rec[:, 1:end], "w_ih": net.G.rec[:, end:]}
    gradients |= {"b_y": net.G.out[:, 0], "w_hy": net.G.out[:, 1:]}
    return Shown(loss=losses.every(q.d_y), y=y, h=h, gradients=gradients)


def one_vector(names: dict, q: Question) -> Shown:
    net, order = names["VectorRNN"](q.inputs, q.hidden, q.outputs), ("w_ih", "w_hh", "b_ih", "w_hy", "b_y")
    net.theta = np.concatenate([q.weights[name].ravel() for name in order])
    y = net.predict(q.x[:, 0])
    _, found = net.objective(net.theta, q.x[:, 0], y - q.d_y[:, 0])
    return Shown(loss=losses.every(q.d_y), y=y[:, None], gradients=named(net.matrices(found), order))


def by_differences(names: dict, q: Question) -> Shown:
    net, w = names["MeasuredRNN"](q.inputs, q.hidden, q.outputs), q.weights
    cell = np.hstack((w["w_ih"], w["w_hh"], w["b_ih"][:, None]))
    net.w = np.concatenate((cell.ravel(), w["w_hy"].ravel()))
    return Shown(loss=losses.every(q.d_y), y=net.run(q.x[:, 0])[:, None])


def gates_of(q: Question) -> dict[str, np.ndarray]:
    """Return weights of four gates side by side."""
    rng, side = np.random.default_rng(7), 4 * q.hidden
    shapes = {"Wx": (q.inputs, side), "Wh": (q.hidden, side), "b": (side,)}
    return {name: 0.5 * rng.standard_normal(shape) for name, shape in shapes.items()}


def lstm_functions(names: dict, q: Question) -> Shown:
    at, zeros, x = gates_of(q), np.zeros((q.batch, q.hidden)), q.x.transpose(BATCH_FIRST)

    def forward() -> tuple[np.ndarray, Any]:
        return names["lstm_forward"](x, zeros, zeros, *at.values())

    def backward(d: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(at, names["lstm_backward"](d, forward()[1]), strict=True))

    return consistent(at, lambda: forward()[0], backward, q.d_h.transpose(BATCH_FIRST))


def lstm_by_steps(names: dict, q: Question) -> Shown:
    at = gates_of(q)

    def steps() -> list[tuple[np.ndarray, np.ndarray, Any]]:
        h = c = np.zeros((q.batch, q.hidden))
        done = []
        for x in q.x:
            h, c, cache = names["lstm_step"](x, h, c, *at.values())
            done.append((h, c, cache))
        return done

    def backward(d: np.ndarray) -> dict[str, np.ndarray]:
        dh = dc = np.zeros((q.batch, q.hidden))
        found = dict.fromkeys(at, 0.0)
        for (_, _, cache), d_t in zip(reversed(steps()), d[::-1], strict=True):
            _, dh, dc, *more = names["lstm_step_backward"](d_t + dh, dc, cache)
            found = {name: found[name] + g for name, g in zip(at, more, strict=True)}
        return found

    return consistent(at, lambda: np.array([h for h, _, _ in steps()]), backward, q.d_h)


def gru_dict(names: dict, q: Question) -> Shown:
    rng, sizes = (
        np.random.default_rng(7),
        {"W": (q.hidden, q.inputs), "U": (q.hidden, q.hidden), "b": (q.hidden,)},
    )
    at = {kind + gate: 0.5 * rng.standard_normal(shape) for kind, shape in sizes.items() for gate in "zrn"}

    def forward() -> tuple[np.ndarray, Any]:
        return names["gru"](q.x[:, 0], np.zeros(q.hidden), at)

    return consistent(
        at, lambda: forward()[0], lambda d: names["gru_backward"](d, forward()[1], at), q.d_h[:, 0]
    )


def pullback(names: dict, q: Question) -> Shown:
    w = q.weights
    params = names["Params"](w["w_ih"], w["w_hh"], w["b_ih"][:, None], w["w_hy"], w["b_y"][:, None])
    ys, back = names["rnn_pullback"](params, [x.T for x in q.x])
    found = named(back([d.T for d in q.d_y]), ("w_ih", "w_hh", "b_ih", "w_hy", "b_y"))
    return Shown(loss=losses.every(q.d_y), y=np.array(ys).transpose(0, 2, 1), gradients=found)


def head_forward_only(names: dict, q: Question) -> Shown:
    theirs = {"w_ih": "Wax", "w_hh": "Waa", "w_hy": "Wya"}
    params = columns_of(q, theirs) | {"ba": q.weights["b_ih"][:, None], "by": q.weights["b_y"][:, None]}
    states, _, caches = names["forward"](q.x.transpose(FEATURES_FIRST), q.h_0.T, params)
    found = names["backward"](q.d_h.transpose(FEATURES_FIRST), caches)
    gradients = {"w_ih": found["dWax"], "w_hh": found["dWaa"], "b_ih": found["dba"], "h_0": found["da0"].T}
    return Shown(loss=losses.states(q.d_h), h=states.transpose(FEATURES_FIRST), gradients=gradients)


def bit_parity(names: dict, q: Question) -> Shown:
    theirs = {"w_ih": "W_in", "w_hh": "W_rec", "w_hy": "w_out"}
    names |= {name: w.copy() for name, w in rows_of(q, theirs).items()}  # it changes them in place
    before = {ours: names[name].copy() for ours, name in theirs.items()}
    xs, odd = [x[None] for x in q.x[:, 0]], 1.0
    _, trace = names["look"](xs)
    names["learn"](xs, odd, 1.0)
    gradients = {ours: (before[ours] - names[name]).T for ours, name in theirs.items()}
    return Shown(loss=last_binary(odd), h=np.array(trace), gradients=gradients)


def last_binary(target: float) -> Callable:
    """Return binary cross-entropy of sigmoid(y) of the last step."""
    import torch

    wanted = torch.tensor([[target]], dtype=torch.float64)
    return lambda y, _: torch.nn.functional.binary_cross_entropy_with_logits(y[-1], wanted, reduction="sum")


def yields(names: dict, q: Question) -> Shown:
    net, theirs = names["StreamNet"](q.inputs, q.hidden, q.outputs), {"w_ih": "B", "w_hh": "A", "w_hy": "C"}
    theirs |= {"b_ih": "b", "b_y": "d"}
    put(net, columns_of(q, theirs))
    y = np.array(list(net.forward(q.x[:, 0])))[:, None]
    found = picked(net.backward(q.d_y[:, 0]), theirs)
    return Shown(loss=losses.every(q.d_y), y=y, h=np.array(net.s[1:])[:, None], gradients=found)


def shows_its_steps(names: dict, q: Question) -> Shown:
    theirs = {"w_ih": "Wx", "w_hh": "Wh", "w_hy": "Wo", "b_ih": "b", "b_y": "bo"}
    params = rows_of(q, theirs)
    y, h = names["forward"](params, q.x)
    found, _ = names["backward"](params, q.x, h, q.d_y)
    gradients = {ours: g.T for ours, g in picked(found, theirs).items()}
    return Shown(loss=losses.every(q.d_y), y=y, h=h[1:], gradients=gradients)


def counts_back(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "Wxh", "w_hh": "Whh", "w_hy": "Why", "b_ih": "bh", "b_y": "by"}
    put(net, columns_of(q, theirs))
    y = np.array(net.forward(q.x[:, 0]))[:, None]
    return Shown(loss=losses.every(q.d_y), y=y, gradients=picked(net.backward(q.d_y[:, 0]), theirs))


def verse(names: dict, q: Question) -> Shown:
    net, rng = names["Verse"](q.inputs, q.hidden), np.random.default_rng(7)
    net.p = {name: 0.5 * rng.standard_normal(w.shape) for name, w in net.p.items()}
    targets, start = q.targets[:, 0] % q.inputs, np.zeros((q.hidden, 1))

    def run() -> tuple[float, dict, Any]:
        return net.loss_fun(q.ids[:, 0], targets, start)

    return Shown(gradients=run()[1], own=lambda: run()[0], at=net.p)


def rates(names: dict, q: Question) -> Shown:
    net = names["Rates"].random(q.hidden, q.inputs, q.outputs)
    at = {name: getattr(net, name) for name in ("J", "B", "c", "W")}

    def forward() -> Any:
        return names["simulate"](net, q.x)

    def backward(d: np.ndarray) -> dict[str, np.ndarray]:
        path = forward()
        return names["adjoint"](net, q.x, path, path.z - d)

    return consistent(at, lambda: forward().z, backward, q.d_y)


def letras(names: dict, q: Question) -> Shown:
    theirs = {"w_ih": "U", "w_hh": "W", "w_hy": "V"}
    params = columns_of(q, theirs) | {"b": q.weights["b_ih"][:, None], "c": q.weights["b_y"][:, None]}
    _, memory = names["ida"](q.ids[:, 0], q.targets[:, 0], q.h_0.T, params)
    h = np.array([memory[1][t].T for t in range(q.steps)])
    found = picked(names["vuelta"](memory, params), theirs | {"b_ih": "b", "b_y": "c"})
    return Shown(loss=losses.crossed(q), h=h, gradients=found)
