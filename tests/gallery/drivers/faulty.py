"""Drivers of classes and layers that have faults of their own, or only look as if they had."""

import numpy as np

from gallery import losses
from gallery.definitions import columns, one_hot
from gallery.drivers.tools import columns_of, put, rows_of, written
from gallery.question import Question, Shown

ORDER = ("w_ih", "w_hh", "w_hy", "b_ih", "b_y")


def named(found: object, names: tuple[str, ...] = ORDER) -> dict[str, np.ndarray]:
    return dict(zip(names, found, strict=True))


def picked(found: dict, theirs: dict[str, str]) -> dict[str, np.ndarray]:
    return {ours: found[name] for ours, name in theirs.items()}


def activation_objects(names: dict, q: Question) -> Shown:
    layer = names["RecurrentLayer"](q.inputs, q.hidden)
    put(layer.inp, {"w": q.weights["w_ih"].T, "b": q.weights["b_ih"]})
    put(layer, {"rec": q.weights["w_hh"].T})
    h = layer.forward(q.x.transpose(1, 0, 2)).transpose(1, 0, 2)
    dx = layer.backward(q.d_h.transpose(1, 0, 2)).transpose(1, 0, 2)
    gradients = {"w_ih": layer.d_w.T, "w_hh": layer.d_rec.T, "b_ih": layer.d_b, "x": dx}
    return Shown(loss=losses.states(q.d_h), h=h, gradients=gradients)


def carry_forgotten(names: dict, q: Question) -> Shown:
    net = names["MyRNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "Wxh", "w_hh": "Whh", "w_hy": "Why", "b_ih": "bh", "b_y": "by"}
    put(net, columns_of(q, theirs))
    xs, hs, ys = net.forward(columns(q.x), q.h_0.T)
    found = net.backward(xs, hs, dict(enumerate(columns(q.d_y))))
    y = np.array([ys[t].T for t in range(q.steps)])
    return Shown(loss=losses.every(q.d_y), y=y, gradients=picked(found, theirs))


def wraps_round(names: dict, q: Question) -> Shown:
    net = names["ElmanNetwork"](q.inputs, q.hidden, q.outputs)
    put(net, rows_of(q, {"w_ih": "A", "w_hh": "R", "w_hy": "C", "b_ih": "a", "b_y": "c"}))
    y = net.run(q.x[:, 0])[:, None]
    gradients = {name: g.T for name, g in named(net.gradients(q.d_y[:, 0])).items()}
    return Shown(loss=losses.every(q.d_y), y=y, gradients=gradients)


def assigns(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden)
    put(net, columns_of(q, {"w_ih": "U", "w_hh": "V", "b_ih": "bias"}))
    h = net.forward(q.x[:, 0].T).T[:, None]
    found = net.backward(q.d_h[:, 0].T)
    return Shown(loss=losses.states(q.d_h), h=h, gradients=named(found, ("w_ih", "w_hh", "b_ih")))


def mean_over_time(names: dict, q: Question) -> Shown:
    theirs = {"w_ih": "W_in", "w_hh": "W_rec", "w_hy": "W_out", "b_ih": "b_rec", "b_y": "b_out"}
    params = rows_of(q, theirs)
    y, cache = names["forward"](params, q.x)
    found = names["backward"](params, cache, q.d_y)
    gradients = {ours: g.T for ours, g in picked(found, theirs).items()}
    return Shown(loss=losses.every(q.d_y), y=y, h=cache[1][1:], gradients=gradients)


def loop_without_slope(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "Wx", "w_hh": "Wh", "w_hy": "Wy", "b_ih": "bh", "b_y": "by"}
    put(net, columns_of(q, theirs))
    out = net.forward(columns(q.x))
    close = [out[t] + 0.02 * d for t, d in enumerate(columns(q.d_y))]  # small enough that nothing is clipped
    gradients = written(net, theirs, lambda: net.backward(close, 1.0))
    y = np.array([out[t].T for t in range(q.steps)])
    return Shown(loss=losses.squares(y + 0.02 * q.d_y), y=y, gradients=gradients)


def sigmoid_prime(names: dict, q: Question) -> Shown:
    layer = names["RNNLayer"](q.inputs, q.hidden)
    layer.params = [q.weights["w_ih"].T, q.weights["w_hh"].T, q.weights["b_ih"]]
    h = layer.forward(q.x)
    dx = layer.backward(q.d_h)
    gradients = {name: g.T for name, g in named(layer.grads, ("w_ih", "w_hh", "b_ih")).items()}
    return Shown(loss=losses.states(q.d_h), h=h, gradients=gradients | {"x": dx})


def pre_activation(names: dict, q: Question) -> Shown:
    net = names["TinyRNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "win", "w_hh": "whid", "w_hy": "wout", "b_ih": "bhid", "b_y": "bout"}
    put(net, columns_of(q, theirs))
    y = np.array(net.forward(list(q.x[:, 0])))[:, None]
    found = net.backward(list(q.d_y[:, 0]))
    return Shown(loss=losses.squares(q.d_y, 0.5), y=y, gradients=picked(found, theirs))


def transposed_outer(names: dict, q: Question) -> Shown:
    net = names["Rnn"](q.inputs, q.hidden, q.outputs, q.steps)
    theirs = {
        "w_ih": "weights_input",
        "w_hh": "weights_hidden",
        "w_hy": "weights_output",
        "b_ih": "bias_hidden",
        "b_y": "bias_output",
    }
    put(net, columns_of(q, theirs))
    y = net.forward_pass(q.x[:, 0])
    found = named(net.backward_pass(q.d_y[-1, 0]))
    return Shown(loss=losses.last(q.d_y[-1]), y=y[None], gradients=found)


def inner_product(names: dict, q: Question) -> Shown:
    net = names["SimpleRNN"](q.inputs, q.hidden)
    put(net, columns_of(q, {"w_ih": "W_x", "w_hh": "W_h", "b_ih": "b"}))
    h = net.forward(q.x[:, 0])[:, None]
    net.backward(q.d_h[:, 0])
    gradients = {"w_ih": net.dW_x, "w_hh": net.dW_h, "b_ih": net.db}
    return Shown(loss=losses.states(q.d_h), h=h, gradients=gradients)


def first_unit(names: dict, q: Question) -> Shown:
    net = names["CharRNN"](q.inputs, q.hidden)
    theirs = {"w_ih": "Wxh", "w_hh": "Whh", "w_hy": "Why", "b_ih": "bh", "b_y": "by"}
    put(net, columns_of(q, theirs))
    net.forward(columns(q.x), q.h_0.T)
    net.backward(columns(one_hot(q.targets, q.outputs)))
    h = np.array(net.h[1:]).transpose(0, 2, 1)
    gradients = {ours: getattr(net, f"d{name}") for ours, name in theirs.items()}
    return Shown(loss=losses.crossed(q), h=h, gradients=gradients)


def norm_clipped(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    put(net, columns_of(q, {"w_ih": "wx", "w_hh": "wh", "w_hy": "wy", "b_ih": "b", "b_y": "c"}))
    y = net.forward(q.x.transpose(0, 2, 1)).transpose(0, 2, 1)
    return Shown(loss=losses.every(q.d_y), y=y, gradients=named(net.backward(q.d_y.transpose(0, 2, 1))))


def norm_of_another(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    put(net, columns_of(q, {"w_ih": "wx", "w_hh": "wh", "w_hy": "wy", "b_ih": "b", "b_y": "c"}))
    y = np.array(net.forward(columns(q.x))).transpose(0, 2, 1)
    return Shown(loss=losses.every(q.d_y), y=y, gradients=named(net.backward(columns(q.d_y))))


def dx_early(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden)
    put(net, rows_of(q, {"w_ih": "Wx", "w_hh": "Wh", "b_ih": "b"}))
    h = net(q.x.transpose(1, 0, 2), q.h_0).transpose(1, 0, 2)
    dx, dh0, found = net.backward(q.d_h.transpose(1, 0, 2))
    gradients = {"w_ih": found["Wx"].T, "w_hh": found["Wh"].T, "b_ih": found["b"]}
    return Shown(
        loss=losses.states(q.d_h), h=h, gradients=gradients | {"x": dx.transpose(1, 0, 2), "h_0": dh0}
    )


def ignores_final(names: dict, q: Question) -> Shown:
    net = names["Encoder"](q.inputs, q.hidden)
    ours = ("w_ih", "w_hh", "b_ih", "b_hh")
    put(net, {name: q.weights[name] for name in ours})
    h, _ = net.forward(q.x, q.h_0)
    found = net.backward(q.d_h, q.d_h_n)
    return Shown(
        loss=losses.states(q.d_h, q.d_h_n),
        h=h,
        d_h_n=q.d_h_n,
        gradients={name: found[name] for name in (*ours, "x")},
    )
