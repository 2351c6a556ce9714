"""Drivers of subjects in styles of their own: frameworks, configurations, lists of lists."""

from types import SimpleNamespace

import numpy as np

from gallery import losses
from gallery.definitions import columns
from gallery.drivers.combined import BATCH_FIRST, PLAIN
from gallery.drivers.faulty import named, picked
from gallery.drivers.tools import columns_of, put, rows_of, written
from gallery.question import Question, Shown


def fit_only(names: dict, q: Question) -> Shown:
    net = names["RNNRegressor"](hidden_units=q.hidden)
    net._init_weights(q.inputs, q.outputs)
    theirs = {"w_ih": "Wx", "w_hh": "Wh", "w_hy": "Wy", "b_ih": "bh", "b_y": "by"}
    put(net, rows_of(q, {ours: f"{name}_" for ours, name in theirs.items()}))
    x = q.x.transpose(BATCH_FIRST)
    y, hs = net._forward(x)
    gradients = {ours: g.T for ours, g in picked(net._backward(x, hs, q.d_y[-1]), theirs).items()}
    return Shown(loss=losses.last(q.d_y[-1]), y=y, h=np.array(hs[1:]), gradients=gradients)


def configured(names: dict, q: Question) -> Shown:
    config = SimpleNamespace(n_in=q.inputs, n_hidden=q.hidden, n_out=q.outputs, learning_rate=1.0)
    net = names["RNN"](config)
    theirs = {"w_ih": "W_ih", "w_hh": "W_hh", "w_hy": "W_ho", "b_ih": "b_h", "b_y": "b_o"}
    put(net.theta, columns_of(q, theirs))
    y = net.forward(q.x[:, 0].T).T[:, None]
    return Shown(loss=losses.every(q.d_y), y=y, gradients=picked(net.backward(q.d_y[:, 0].T), theirs))


def plain_python(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "wx", "w_hh": "wh", "w_hy": "wy", "b_ih": "bh", "b_y": "by"}
    for ours, name in theirs.items():
        setattr(net, name, q.weights[ours].tolist())
    y = np.array(net.forward(q.x[:, 0].tolist()))
    gradients = written(net, theirs, lambda: net.backward(q.d_y[-1, 0].tolist(), 1.0))
    return Shown(loss=losses.last(q.d_y[-1]), y=y[None], gradients=gradients)


def one_train_step(names: dict, q: Question) -> Shown:
    net = names["OnlineRNN"](q.inputs, q.hidden, q.outputs, 1.0)
    put(net, columns_of(q, PLAIN))
    y = net.predict(q.x[:, 0])[:, None]
    gradients = written(net, PLAIN, lambda: net.train_step(q.x[:, 0], q.d_y[:, 0]))
    return Shown(loss=losses.squares(q.d_y, 0.5), y=y, gradients=gradients)


def loss_and_grads(names: dict, q: Question) -> Shown:
    net = names["CaptionRNN"](q.inputs, q.hidden)
    theirs = {"w_ih": "W_embed", "w_hh": "Wh", "w_hy": "W_vocab", "b_ih": "b", "b_y": "b_vocab"}
    put(net.params, rows_of(q, theirs))
    _, found = net.loss(q.ids.T, q.targets.T, q.h_0)
    gradients = {ours: g.T for ours, g in picked(found, theirs).items()}
    return Shown(loss=losses.crossed(q, 1 / q.batch), gradients=gradients | {"h_0": found["h0"]})


def inherits(names: dict, q: Question) -> Shown:
    layer = names["RNN"](q.inputs, q.hidden)
    theirs = {"w_ih": "W", "w_hh": "U", "b_ih": "b"}
    put(layer, rows_of(q, theirs))
    turned = (1, 2, 0)  # (T, B, I) -> (B, I, T)
    h = layer.forward(q.x.transpose(turned)).transpose(2, 0, 1)
    dx = layer.backward(q.d_h.transpose(turned)).transpose(2, 0, 1)
    gradients = {ours: layer.gradients[name].T for ours, name in theirs.items()}
    return Shown(loss=losses.states(q.d_h), h=h, gradients=gradients | {"x": dx})


def unrolled_cells(names: dict, q: Question) -> Shown:
    net = names["Network"](q.inputs, q.hidden, q.outputs)
    put(net, columns_of(q, {"w_ih": "U", "w_hh": "W", "w_hy": "V", "b_ih": "b", "b_y": "c"}))
    y = net.forward(q.x[:, 0])[:, None]
    found = named(net.backward(q.d_y[:, 0]), ("w_ih", "w_hy", "w_hh", "b_ih", "b_y"))
    return Shown(loss=losses.every(q.d_y), y=y, gradients=found)


def keyword_arguments(names: dict, q: Question) -> Shown:
    net = names["VanillaRecurrentNetwork"](input_size=q.inputs, hidden_size=q.hidden, output_size=q.outputs)
    put(net, columns_of(q, PLAIN))
    found = net.forward(columns(q.x))
    y = np.array([found[t].T for t in range(1, q.steps + 1)])
    gradients = net.backward(dict(enumerate(columns(q.d_y), start=1)))
    return Shown(loss=losses.every(q.d_y), y=y, gradients=picked(gradients, PLAIN))


def sequential(names: dict, q: Question) -> Shown:
    model = names["Model"](q.inputs, q.hidden, q.outputs)
    recurrent, dense = model.layers
    put(recurrent, rows_of(q, {"w_ih": "Wx", "w_hh": "Wh", "b_ih": "b"}))
    put(dense, rows_of(q, {"w_hy": "W", "b_y": "b"}))
    y = model.forward(q.x.transpose(BATCH_FIRST)).transpose(BATCH_FIRST)
    dx = model.backward(q.d_y.transpose(BATCH_FIRST)).transpose(BATCH_FIRST)
    gradients = {"w_ih": recurrent.dWx.T, "w_hh": recurrent.dWh.T, "w_hy": dense.dW.T}
    return Shown(
        loss=losses.every(q.d_y), y=y, gradients=gradients | {"b_ih": recurrent.db, "b_y": dense.db, "x": dx}
    )


def single_precision(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden)
    w = q.weights
    net.W, net.U, net.b = (v.astype(np.float32) for v in (w["w_ih"], w["w_hh"], w["b_ih"][:, None]))
    h = net.forward(q.x)
    return Shown(
        loss=losses.states(q.d_h), h=h, gradients=named(net.backward(q.d_h), ("w_ih", "w_hh", "b_ih"))
    )


def labels(names: dict, q: Question) -> Shown:
    net = names["SentimentRNN"](q.inputs, q.hidden, q.outputs)
    put(net, columns_of(q, PLAIN))
    net.forward(list(q.ids[:, 0]))
    gradients = written(net, PLAIN, lambda: net.backward(int(q.targets[-1, 0]), 1.0))
    return Shown(loss=losses.last_crossed(q), h=net.hs[-1].T, gradients=gradients)
