"""Drivers of further faulty subjects."""

import numpy as np

from gallery import losses
from gallery.definitions import columns
from gallery.drivers.combined import BATCH_FIRST, PLAIN
from gallery.drivers.faulty import named, picked
from gallery.drivers.tools import columns_of, put, rows_of, written
from gallery.question import Question, Shown


def joint_matrix(names: dict, q: Question) -> Shown:
    net, w = names["JointRNN"](q.inputs, q.hidden, q.outputs), q.weights
    put(net, {"W": np.hstack((w["w_ih"], w["w_hh"])), "b": w["b_ih"], "W_out": w["w_hy"], "b_out": w["b_y"]})
    y = net.forward(q.x.transpose(0, 2, 1))
    found = net.backward(q.d_y[-1].T)
    gradients = {"w_ih": found["W"][:, : q.inputs], "w_hh": found["W"][:, q.inputs :], "b_ih": found["b"]}
    return Shown(
        loss=losses.last(q.d_y[-1]),
        y=y.T,
        gradients=gradients | {"w_hy": found["W_out"], "b_y": found["b_out"]},
    )


def one_ahead(names: dict, q: Question) -> Shown:
    net = names["Net"](q.inputs, q.hidden, q.outputs)
    put(net, rows_of(q, {"w_ih": "Wx", "w_hh": "Wh", "w_hy": "Wy", "b_ih": "bh", "b_y": "by"}))
    y, cache = net.fwd(q.x)
    gradients = {name: g.T for name, g in named(net.bwd(q.d_y, cache)).items()}
    return Shown(loss=losses.every(q.d_y), y=y, gradients=gradients)


def rows_of_bias(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden)
    put(net, rows_of(q, {"w_ih": "w", "w_hh": "u", "b_ih": "b"}))
    h = net.forward(q.x.transpose(BATCH_FIRST)).transpose(BATCH_FIRST)
    found = net.backward(q.d_h.transpose(BATCH_FIRST))
    gradients = {"w_ih": found["w"].T, "w_hh": found["u"].T, "b_ih": found["b"]}
    return Shown(loss=losses.states(q.d_h), h=h, gradients=gradients)


def second_bias(names: dict, q: Question) -> Shown:
    net = names["ElmanRNN"](q.inputs, q.hidden)
    theirs = {"w_ih": "weight_ih", "w_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}
    put(net, columns_of(q, theirs))
    h, _ = net.forward(q.x, q.h_0)
    return Shown(loss=losses.states(q.d_h), h=h, gradients=picked(net.backward(q.d_h), theirs))


def leaky_state(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    put(net, columns_of(q, PLAIN))
    net.forward(q.x[:, 0])
    net.backward(int(q.targets[-1, 0]))
    gradients = {ours: getattr(net, f"d{name}") for ours, name in PLAIN.items()}
    return Shown(loss=losses.last_crossed(q), h=net.h.T, gradients=gradients)


def last_loss_only(names: dict, q: Question) -> Shown:
    net = names["Tagger"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "P", "w_hh": "Q", "w_hy": "R", "b_ih": "p", "b_y": "r"}
    put(net, rows_of(q, theirs))
    y = np.array(net.forward(list(q.x)))
    net.backward(list(q.d_y))
    gradients = {ours: getattr(net, f"g{name}").T for ours, name in theirs.items()}
    return Shown(loss=losses.squares(q.d_y, 0.5), y=y, gradients=gradients)


def short_memory(names: dict, q: Question) -> Shown:
    names["BACK"] = 4
    w = tuple(q.weights[name] for name in ("w_ih", "w_hh", "b_ih", "w_hy", "b_y"))
    y, h = names["rnn_forward"](q.x[:, 0], *w)
    found = named(
        names["rnn_backward"](q.d_y[-1, 0], q.x[:, 0], h, *w), ("w_ih", "w_hh", "b_ih", "w_hy", "b_y")
    )
    return Shown(loss=losses.last(q.d_y[-1]), y=y[None], h=np.array(h[1:])[:, None], gradients=found)


def global_char(names: dict, q: Question) -> Shown:
    names |= {theirs: q.weights[ours] for ours, theirs in PLAIN.items()} | {"vocab_size": q.inputs}
    names |= {"bh": q.weights["b_ih"][:, None], "by": q.weights["b_y"][:, None]}
    xs, hs, ps = names["forward"](list(q.ids[:, 0]), q.h_0.T)
    found = named(names["backward"](xs, hs, ps, list(q.targets[:, 0])))
    h = np.array([hs[t].T for t in range(q.steps)])
    return Shown(loss=losses.crossed(q), h=h, gradients=found)


def relu_slope(names: dict, q: Question) -> Shown:
    net = names["ReluRNN"](q.inputs, q.hidden, q.outputs)
    put(net, columns_of(q, {"w_ih": "Wih", "w_hh": "Whh", "w_hy": "Who", "b_ih": "bh", "b_y": "bo"}))
    y = np.array(net.forward(columns(q.x))).transpose(0, 2, 1)
    return Shown(loss=losses.every(q.d_y), y=y, gradients=named(net.backward(columns(q.d_y))))


def start_state_lost(names: dict, q: Question) -> Shown:
    w = tuple(q.weights[name] for name in ("w_ih", "w_hh", "b_ih"))
    hs = names["run"](q.x[:, 0], q.h_0[0], *w)
    found = named(names["backprop"](q.d_h[:, 0], q.x[:, 0], hs, *w), ("w_ih", "w_hh", "b_ih", "x", "h_0"))
    return Shown(loss=losses.states(q.d_h), h=hs[1:, None], gradients=found)


def mean_rows(names: dict, q: Question) -> Shown:
    net = names["Model"](q.inputs, q.hidden, q.outputs)
    put(net.weights, rows_of(q, {"w_ih": "in", "w_hh": "rec", "w_hy": "out"}))
    put(net.biases, {"rec": q.weights["b_ih"], "out": q.weights["b_y"]})
    y = net.forward(q.x.transpose(BATCH_FIRST)).transpose(BATCH_FIRST)
    d_weights, d_biases = net.backward(q.d_y.transpose(BATCH_FIRST))
    gradients = {"w_ih": d_weights["in"].T, "w_hh": d_weights["rec"].T, "w_hy": d_weights["out"].T}
    return Shown(
        loss=losses.squares(q.d_y, 0.5),
        y=y,
        gradients=gradients | {"b_ih": d_biases["rec"], "b_y": d_biases["out"]},
    )


def clips_the_carry(names: dict, q: Question) -> Shown:
    net = names["RNNLM"](q.inputs, q.hidden)
    theirs = {"w_ih": "Wx", "w_hh": "Ws", "w_hy": "Wo", "b_ih": "bs", "b_y": "bo"}
    put(net, rows_of(q, theirs))
    net.forward(q.ids.T)
    gradients = {ours: g.T for ours, g in picked(net.backward(q.targets.T), theirs).items()}
    return Shown(loss=losses.crossed(q), h=np.array(net.s[1:]), gradients=gradients)


def review_sentiment(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.outputs, q.hidden)
    put(net, columns_of(q, PLAIN))
    y, h = net.forward(columns(q.x))
    small = 0.02 * q.d_y[-1]  # nothing is clipped
    gradients = written(net, PLAIN, lambda: net.backprop(small.T.copy(), 1.0))
    return Shown(loss=losses.last(small), y=y.T, h=h.T, gradients=gradients)


def head_every_step(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    put(net, rows_of(q, PLAIN))
    y = net.forward(q.x.transpose(BATCH_FIRST))
    gradients = {name: g.T for name, g in written(net, PLAIN, lambda: net.backward(q.d_y[-1], 1.0)).items()}
    return Shown(loss=losses.last(q.d_y[-1]), y=y, gradients=gradients)


def two_losses(names: dict, q: Question) -> Shown:
    net = names["SimpleRecurrentNetwork"](q.inputs, q.hidden, q.outputs)
    put(net, columns_of(q, {"w_ih": "W_ih", "w_hh": "W_hh", "w_hy": "W_ho", "b_ih": "b_h", "b_y": "b_o"}))
    y = np.array(net.forward(q.x[:, 0]))[:, None]
    return Shown(loss=losses.squares(q.d_y, 0.5), y=y, gradients=named(net.backward(q.d_y[:, 0])))


def echo(names: dict, q: Question) -> Shown:
    net = names["EchoRNN"](q.hidden)
    put(net, columns_of(q, {"w_ih": "Win", "w_hh": "Wrec", "w_hy": "Wout", "b_ih": "b"}))
    y = np.array(net.forward(columns(q.x))).transpose(0, 2, 1)
    found = named(net.backward(columns(q.d_y)), ("w_ih", "w_hh", "w_hy", "b_ih"))
    return Shown(loss=losses.every(q.d_y), y=y, gradients=found)
