"""Drivers of functions, layers and scripts."""

import numpy as np

from gallery import losses
from gallery.drivers.tools import columns_of, put, rows_of
from gallery.question import Question, Shown


def char_rnn(names: dict, q: Question) -> Shown:
    names |= columns_of(q, {"w_ih": "Wxh", "w_hh": "Whh", "w_hy": "Why"})
    names |= {"bh": q.weights["b_ih"][:, None], "by": q.weights["b_y"][:, None], "vocab_size": q.inputs}
    _, *found, h = names["loss_fun"](list(q.ids[:, 0]), list(q.targets[:, 0]), q.h_0.T)
    gradients = dict(zip(("w_ih", "w_hh", "w_hy", "b_ih", "b_y"), found, strict=True))
    return Shown(loss=losses.crossed(q), h=h.T, gradients=gradients)


def step_functions(names: dict, q: Question) -> Shown:
    w = q.weights
    h, cache = names["rnn_forward"](q.x.transpose(1, 0, 2), q.h_0, w["w_ih"].T, w["w_hh"].T, w["b_ih"])
    dx, dh0, dWx, dWh, db = names["rnn_backward"](q.d_h.transpose(1, 0, 2), cache)
    gradients = {"x": dx.transpose(1, 0, 2), "h_0": dh0, "w_ih": dWx.T, "w_hh": dWh.T, "b_ih": db}
    return Shown(loss=losses.states(q.d_h), h=h.transpose(1, 0, 2), gradients=gradients)


def week_one(names: dict, q: Question) -> Shown:
    w = q.weights
    parameters = {"Wax": w["w_ih"], "Waa": w["w_hh"], "ba": w["b_ih"][:, None]}
    turned = (2, 1, 0)
    a, caches = names["rnn_forward"](q.x.transpose(turned), q.h_0.T, parameters)
    found = names["rnn_backward"](q.d_h.transpose(turned), caches)
    gradients = {"w_ih": found["dWax"], "w_hh": found["dWaa"], "b_ih": found["dba"], "h_0": found["da0"].T}
    return Shown(
        loss=losses.states(q.d_h),
        h=a.transpose(turned),
        gradients=gradients | {"x": found["dx"].transpose(turned)},
    )


def batch_rows(names: dict, q: Question) -> Shown:
    net = names["VanillaRNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "Wxh", "w_hh": "Whh", "w_hy": "Why", "b_ih": "bh", "b_y": "by"}
    put(net.params, rows_of(q, theirs))
    y = net.forward(q.x.transpose(1, 0, 2)).transpose(1, 0, 2)
    found = net.backward(q.d_y.transpose(1, 0, 2))
    return Shown(
        loss=losses.every(q.d_y), y=y, gradients={ours: found[name].T for ours, name in theirs.items()}
    )


def concat_rows(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden)
    w = q.weights
    put(net, {"W": np.vstack((w["w_ih"].T, w["w_hh"].T, w["b_ih"]))})
    h = net.forward(q.x[:, 0])[:, None]
    dX, dW = net.backward(q.d_h[:, 0])
    gradients = {"w_ih": dW[: q.inputs].T, "w_hh": dW[q.inputs : -1].T, "b_ih": dW[-1], "x": dX[:, None]}
    return Shown(loss=losses.states(q.d_h), h=h, gradients=gradients)


def keras_like(names: dict, q: Question) -> Shown:
    layer = names["SimpleRNN"](q.hidden)
    x = q.x.transpose(1, 0, 2)
    layer.build(q.inputs)
    put(layer, rows_of(q, {"w_ih": "kernel", "w_hh": "recurrent_kernel", "b_ih": "bias"}))
    h = layer.forward(x)
    dx = layer.backward(q.d_h_n)
    gradients = {"w_ih": layer.grad_kernel.T, "w_hh": layer.grad_recurrent_kernel.T, "b_ih": layer.grad_bias}
    return Shown(loss=losses.last_state(q.d_h_n), h=h, gradients=gradients | {"x": dx.transpose(1, 0, 2)})


def torch_names(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden)
    theirs = {"w_ih": "weight_ih", "w_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}
    put(net, columns_of(q, theirs))
    h, _ = net.forward(q.x, q.h_0)
    dx, dh0, found = net.backward(q.d_h, q.d_h_n)
    gradients = {ours: found[name] for ours, name in theirs.items()} | {"x": dx, "h_0": dh0}
    return Shown(loss=losses.states(q.d_h, q.d_h_n), h=h, gradients=gradients)


def truncated(names: dict, q: Question) -> Shown:
    net = names["RNNNumpy"](q.inputs, q.hidden, 100)
    put(net, columns_of(q, {"w_ih": "U", "w_hh": "W", "w_hy": "V"}))
    _, s = net.forward_propagation(q.ids[:, 0])
    found = net.bptt(q.ids[:, 0], q.targets[:, 0])
    gradients = dict(zip(("w_ih", "w_hy", "w_hh"), found, strict=True))
    return Shown(loss=losses.crossed(q), h=s[:-1, None], gradients=gradients)
