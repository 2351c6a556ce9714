"""Drivers of subjects with several faults at once, or with a constant on their gradients."""

import numpy as np

from gallery import losses
from gallery.definitions import columns
from gallery.drivers.faulty import named, picked
from gallery.drivers.tools import columns_of, put, rows_of, written
from gallery.question import Question, Shown

BATCH_FIRST = (1, 0, 2)
PLAIN = {"w_ih": "Wxh", "w_hh": "Whh", "w_hy": "Why", "b_ih": "bh", "b_y": "by"}


def stock_model(names: dict, q: Question) -> Shown:
    net = names["StockRNN"](q.inputs, q.hidden, q.outputs, 1.0)
    put(net, rows_of(q, PLAIN))
    y = net.forward(q.x.transpose(BATCH_FIRST))
    gradients = {name: g.T for name, g in written(net, PLAIN, lambda: net.backward(y, q.d_y[-1])).items()}
    return Shown(loss=losses.last_squares(q.d_y[-1], 1 / q.batch), y=y, gradients=gradients)


def five_at_once(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    put(net, columns_of(q, {"w_ih": "U", "w_hh": "W", "w_hy": "V", "b_ih": "b", "b_y": "c"}))
    y = net.forward(columns(q.x))
    found = named(net.backward(q.d_y[-1].T))
    return Shown(loss=losses.last(q.d_y[-1]), y=y.T, gradients=found)


def four_faults(names: dict, q: Question) -> Shown:
    net = names["VanillaRNN"](q.inputs, q.hidden, q.outputs)
    theirs = {
        "w_ih": "weight_xh",
        "w_hh": "weight_hh",
        "w_hy": "weight_hy",
        "b_ih": "bias_h",
        "b_y": "bias_y",
    }
    put(net, columns_of(q, theirs))
    ys, hs = net.forward(q.x[:, 0])
    found = named(net.backward(q.x[:, 0], hs, q.d_y[:, 0]))
    return Shown(loss=losses.every(q.d_y), y=ys[:, None], h=hs[:, None], gradients=found)


def carry_overwrites(names: dict, q: Question) -> Shown:
    net = names["RecurrentNet"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "W", "w_hh": "U", "w_hy": "V", "b_ih": "b", "b_y": "c"}
    put(net.params, rows_of(q, theirs))
    y = net.forward(q.x.transpose(BATCH_FIRST)).transpose(BATCH_FIRST)
    found = net.backward(q.d_y.transpose(BATCH_FIRST))
    gradients = {ours: g.T for ours, g in picked(found, theirs).items()}
    return Shown(loss=losses.every(q.d_y), y=y, gradients=gradients)


def joins_late(names: dict, q: Question) -> Shown:
    p = columns_of(q, PLAIN)
    p |= {"bh": p["bh"][:, None], "by": p["by"][:, None]}
    ys, hs = names["forward"](columns(q.x), q.h_0.T, p)
    found = names["backward"](columns(q.x), hs, columns(q.d_y), p)
    y = np.array(ys).transpose(0, 2, 1)
    return Shown(loss=losses.every(q.d_y), y=y, gradients=picked(found, PLAIN))


def no_slope(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    put(net, columns_of(q, PLAIN))
    y = net.feed(list(q.x[:, 0]))
    gradients = written(net, PLAIN, lambda: net.learn(y, q.d_y[-1, 0], 1.0))
    return Shown(loss=losses.last_squares(q.d_y[-1], 0.5), y=y[None], gradients=gradients)


def h0_ignored(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden)
    put(net, columns_of(q, {"w_ih": "W_ih", "w_hh": "W_hh", "b_ih": "b_ih", "b_hh": "b_hh"}))
    h, _ = net.forward(q.x, q.h_0)
    return Shown(loss=losses.states(q.d_h), h=h)


def head_first(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    put(net, columns_of(q, PLAIN))
    y = net.forward(columns(q.x))
    gradients = written(net, PLAIN, lambda: net.backprop(q.d_y[-1].T, 1.0))
    return Shown(loss=losses.last(q.d_y[-1]), y=y.T, gradients=gradients)


def averaged_batch(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    put(net, rows_of(q, PLAIN))
    y = net.forward(q.x.transpose(BATCH_FIRST))
    gradients = {ours: g.T for ours, g in picked(net.backward(q.d_y[-1]), PLAIN).items()}
    return Shown(loss=losses.last(q.d_y[-1]), y=y, gradients=gradients)


def ascent(names: dict, q: Question) -> Shown:
    net = names["Rnn"](q.inputs, q.hidden, q.outputs)
    put(net, columns_of(q, {"w_ih": "w_xh", "w_hh": "w_hh", "w_hy": "w_hy", "b_ih": "b_h", "b_y": "b_y"}))
    y = net.forward(q.x[:, 0])[:, None]
    return Shown(loss=losses.squares(q.d_y, 0.5), y=y, gradients=named(net.deltas(q.d_y[:, 0])))


def mean_cross_entropy(names: dict, q: Question) -> Shown:
    net = names["Classifier"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "Wx", "w_hh": "Wh", "w_hy": "Wo", "b_ih": "bh", "b_y": "bo"}
    put(net, rows_of(q, theirs))
    net.forward(q.x.transpose(BATCH_FIRST))
    net.backward(q.targets[-1])
    gradients = {ours: getattr(net, f"d{name}").T for ours, name in theirs.items()}
    return Shown(loss=losses.last_crossed(q, 1 / q.batch), h=net.hs[-1], gradients=gradients)


def missing_two(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "U", "w_hh": "W", "w_hy": "V", "b_ih": "bu", "b_y": "bv"}
    put(net.p, columns_of(q, theirs))
    y = np.array(net.forward(columns(q.x))).transpose(0, 2, 1)
    return Shown(loss=losses.squares(q.d_y), y=y, gradients=picked(net.backward(columns(q.d_y)), theirs))
