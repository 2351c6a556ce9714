"""Drivers of cells that are not Elman's: their own loss anew, and the arrays that it depends on."""

import numpy as np

from gallery.definitions import columns
from gallery.drivers.tools import columns_of, put
from gallery.question import Question, Shown


def sigmoid_states(names: dict, q: Question) -> Shown:
    net = names["SigmoidRNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "W", "w_hh": "U", "w_hy": "V", "b_ih": "b", "b_y": "c"}
    put(net, columns_of(q, theirs))
    net.forward(q.x[:, 0])
    found = dict(zip(theirs.values(), net.backward(q.d_y[:, 0]), strict=True))
    return Shown(
        gradients=found,
        own=lambda: np.sum(net.forward(q.x[:, 0]) * q.d_y[:, 0]),
        at={name: getattr(net, name) for name in found},
    )


def sigmoid_wrong(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden)
    put(net, columns_of(q, {"w_ih": "Wx", "w_hh": "Wh", "b_ih": "bh"}))
    net.forward(columns(q.x))
    return Shown(
        gradients=net.backward(columns(q.d_h)),
        own=lambda: np.sum(np.array(net.forward(columns(q.x))) * np.array(columns(q.d_h))),
        at={name: getattr(net, name) for name in ("Wx", "Wh", "bh")},
    )


def lstm(names: dict, q: Question) -> Shown:
    net = names.get("LSTM", names.get("MyLSTM"))(q.inputs, q.hidden)
    x, d = q.x.transpose(1, 0, 2).copy(), q.d_h.transpose(1, 0, 2)
    rng = np.random.default_rng(3)
    put(net, {name: 0.5 * rng.standard_normal(getattr(net, name).shape) for name in ("Wx", "Wh", "b")})
    net.forward(x)
    dx, dWx, dWh, db = net.backward(d)
    return Shown(
        gradients={"x": dx, "Wx": dWx, "Wh": dWh, "b": db},
        own=lambda: np.sum(net.forward(x) * d),
        at={"x": x, "Wx": net.Wx, "Wh": net.Wh, "b": net.b},
    )


def gru(names: dict, q: Question) -> Shown:
    net = names["GRU"](q.inputs, q.hidden)
    rng = np.random.default_rng(3)
    for name in ("bz", "br", "bh"):
        setattr(net, name, 0.5 * rng.standard_normal((q.hidden, 1)))
    net.forward(columns(q.x))
    found = net.backward(columns(q.d_h))
    return Shown(
        gradients=found,
        own=lambda: np.sum(np.array(net.forward(columns(q.x))) * np.array(columns(q.d_h))),
        at={name: getattr(net, name) for name in found},
    )
