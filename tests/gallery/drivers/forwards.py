"""Drivers of subjects whose forward pass, or whose manners, are in question."""

import numpy as np
import torch

from gallery import losses
from gallery.definitions import columns
from gallery.drivers.faulty import named, picked
from gallery.drivers.tools import columns_of, put, rows_of
from gallery.question import Question, Shown

BATCH_FIRST = (1, 0, 2)


def adds_into_upstream(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden)
    put(net, rows_of(q, {"w_ih": "Wx", "w_hh": "Wh", "b_ih": "b"}))
    h = net.forward(q.x)
    dx, dWx, dWh, db = net.backward(q.d_h.copy())
    gradients = {"x": dx, "w_ih": dWx.T, "w_hh": dWh.T, "b_ih": db}
    return Shown(loss=losses.states(q.d_h), h=h, gradients=gradients)


def never_zeroed(names: dict, q: Question) -> Shown:
    layer = names["RNNLayer"](q.inputs, q.hidden)
    put(layer, rows_of(q, {"w_ih": "weight_x", "w_hh": "weight_h", "b_ih": "bias"}))
    h = layer.forward(q.x.transpose(BATCH_FIRST)).transpose(BATCH_FIRST)
    dx = layer.backward(q.d_h.transpose(BATCH_FIRST)).transpose(BATCH_FIRST)
    gradients = {
        "w_ih": layer.grad_weight_x.T,
        "w_hh": layer.grad_weight_h.T,
        "b_ih": layer.grad_bias,
        "x": dx,
    }
    return Shown(loss=losses.states(q.d_h), h=h, gradients=gradients)


def half_tanh(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    put(net, columns_of(q, {"w_ih": "wi", "w_hh": "wh", "w_hy": "wo", "b_ih": "bi", "b_y": "bo"}))
    y = net.forward(columns(q.x))
    found = named(net.backward(q.d_y[-1].T))
    return Shown(loss=losses.last_squares(q.d_y[-1], 0.5), y=y.T, gradients=found)


def no_state_carried(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    put(net, rows_of(q, {"w_ih": "W_xh", "w_hh": "W_hh", "w_hy": "W_hy", "b_ih": "b_h", "b_y": "b_y"}))
    y, h = net.forward(q.x, q.h_0)
    return Shown(loss=losses.every(q.d_y), y=y, h=h)


def bias_unused(names: dict, q: Question) -> Shown:
    net = names["SimpleRNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "Wxh", "w_hh": "Whh", "w_hy": "Why", "b_ih": "bh", "b_y": "by"}
    put(net, columns_of(q, theirs))
    y = net.forward(q.x.transpose(0, 2, 1)).transpose(0, 2, 1)
    net.backward(q.d_y.transpose(0, 2, 1))
    gradients = {ours: getattr(net, f"d{name}") for ours, name in theirs.items()}
    return Shown(loss=losses.every(q.d_y), y=y, gradients=gradients)


def shifted_list(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden)
    put(net, columns_of(q, {"w_ih": "W", "w_hh": "R", "b_ih": "b"}))
    return Shown(loss=losses.states(q.d_h), h=net.forward(q.x[:, 0], q.h_0[0])[:, None])


def float_buffers(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "W_ih", "w_hh": "W_hh", "w_hy": "W_ho", "b_ih": "b_h", "b_y": "b_o"}
    put(net, rows_of(q, theirs))
    y = net.forward(q.x.transpose(BATCH_FIRST)).transpose(BATCH_FIRST)
    found = net.backward(q.d_y.transpose(BATCH_FIRST))
    gradients = {ours: g.T for ours, g in picked(found, theirs).items()}
    return Shown(loss=losses.every(q.d_y), y=y, gradients=gradients)


def next_as_input(names: dict, q: Question) -> Shown:
    net = names["Predictor"](q.inputs, q.hidden)
    put(net, columns_of(q, {"w_ih": "Wi", "w_hh": "Wr", "b_ih": "bh"}))
    return Shown(loss=losses.states(q.d_h), h=net.forward(q.x[:, 0])[:, None])


def wrong_unpacking(names: dict, q: Question) -> Shown:
    net = names["BatchRNN"](q.inputs, q.hidden)
    put(net, rows_of(q, {"w_ih": "Wx", "w_hh": "Wh", "b_ih": "b"}))
    h = net.forward(q.x.transpose(BATCH_FIRST), q.h_0).transpose(BATCH_FIRST)
    found = net.backward(q.d_h.transpose(BATCH_FIRST))
    gradients = {name: g.T for name, g in named(found, ("w_ih", "w_hh", "b_ih")).items()}
    return Shown(loss=losses.states(q.d_h), h=h, gradients=gradients)


def missing_name(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    put(net, columns_of(q, {"w_ih": "Wxh", "w_hh": "Whh", "w_hy": "Why", "b_ih": "bh", "b_y": "by"}))
    ys = net.forward(columns(q.x))
    found = net.backward(columns(q.x), columns(q.d_y))
    y = np.array([ys[t].T for t in range(q.steps)])
    return Shown(loss=losses.every(q.d_y), y=y, gradients=named(found))


def relu_rnn(names: dict, q: Question) -> Shown:
    net = names["IRNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "Wxh", "w_hh": "Whh", "w_hy": "Why", "b_ih": "bh", "b_y": "by"}
    put(net, rows_of(q, theirs))
    y = net.forward(q.x.transpose(BATCH_FIRST))
    gradients = {ours: g.T for ours, g in picked(net.backward(q.d_y[-1]), theirs).items()}
    return Shown(loss=losses.last(q.d_y[-1]), y=y, gradients=gradients)


def module_by_hand(names: dict, q: Question) -> Shown:
    net = names["MyRNN"](q.inputs, q.hidden, q.outputs).double()
    held = {
        "w_ih": net.i2h.weight,
        "w_hh": net.h2h.weight,
        "w_hy": net.h2o.weight,
        "b_ih": net.i2h.bias,
        "b_hh": net.h2h.bias,
        "b_y": net.h2o.bias,
    }
    with torch.no_grad():
        for name, parameter in held.items():
            parameter.copy_(torch.tensor(q.weights[name]))
    y, _ = net(torch.tensor(q.x), torch.tensor(q.h_0))
    (y * torch.tensor(q.d_y)).sum().backward()
    gradients = {name: parameter.grad.numpy() for name, parameter in held.items()}
    return Shown(loss=losses.every(q.d_y), y=y.detach().numpy(), gradients=gradients)
