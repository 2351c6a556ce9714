"""Drivers of the five named systems and of other classes over column vectors."""

import numpy as np

from gallery import losses
from gallery.definitions import columns, one_hot
from gallery.drivers.tools import columns_of, put, written
from gallery.question import Question, Shown

XHY = {"w_ih": "W_xh", "w_hh": "W_hh", "w_hy": "W_hy", "b_ih": "b_h", "b_y": "b_y"}


def many_to_one(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs, q.steps)
    put(net, columns_of(q, XHY))
    y = net.forward([x[0] for x in q.x])
    gradients = written(net, XHY, lambda: net.backward(q.d_y[-1].T, 1.0))
    return Shown(loss=losses.last(q.d_y[-1]), y=y.T, gradients=gradients)


def sum_learner(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs, 1.0)
    theirs = {ours: name.replace("_", "") for ours, name in XHY.items()}
    put(net, columns_of(q, theirs))
    y = net.predict(columns(q.x))
    gradients = written(net, theirs, lambda: net.train(columns(q.x), q.d_y[-1].T))
    return Shown(loss=losses.last_squares(q.d_y[-1]), y=y.T, gradients=gradients)


def counting(names: dict, q: Question) -> Shown:
    net = names["SimpleRNN"](q.inputs, q.hidden, q.outputs)
    put(net, columns_of(q, XHY))
    y = np.array(net.forward(q.x[:, 0])).transpose(0, 2, 1)
    gradients = written(net, XHY, lambda: net.backward(q.x[:, 0], q.d_y[:, 0], 1.0))
    return Shown(loss=losses.squares(q.d_y, 1 / q.d_y.size), y=y, gradients=gradients)


def two_bits(names: dict, q: Question) -> Shown:
    names |= columns_of(q, {ours: name for ours, name in XHY.items() if name.startswith("W")})
    names |= {"b_h": q.weights["b_ih"][:, None], "b_y": q.weights["b_y"][:, None]}
    names |= {"hidden_size": q.hidden, "input_size": q.inputs, "output_size": q.outputs}
    inputs = [x[0] for x in q.x]
    y, h = names["forward"](inputs)
    found = names["backward"](inputs, q.d_y[-1].T, y, h)
    gradients = dict(zip(("w_ih", "w_hh", "w_hy", "b_ih", "b_y"), found, strict=True))
    return Shown(loss=losses.last_squares(q.d_y[-1]), y=y.T, h=h.T, gradients=gradients)


def forward_only(names: dict, q: Question, form: str) -> Shown:
    names |= {"hidden_dim": q.hidden, "output_dim": q.outputs}
    net = names[form](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "W_xh", "w_hh": "W_hh", "b_ih": "b_xh", "b_hh": "b_hh", "w_hy": "W_ho", "b_y": "b_ho"}
    put(net, columns_of(q, theirs))
    o, h = net.forward(list(q.x[:, 0]) if form == "VanillaRNN" else q.x)
    return Shown(
        loss=losses.every(q.d_y),
        y=np.array([o[t].T for t in range(q.steps)]),
        h=np.array([h[t].T for t in range(q.steps)]),
    )


def forward_only_single(names: dict, q: Question) -> Shown:
    return forward_only(names, q, "VanillaRNN")


def forward_only_batched(names: dict, q: Question) -> Shown:
    return forward_only(names, q, "BatchedRNN")


def updates_as_it_goes(names: dict, q: Question) -> Shown:
    net = names["Net"](q.inputs, q.hidden, q.outputs, 1.0)
    theirs = {"w_ih": "Wx", "w_hh": "Wh", "w_hy": "Wy", "b_ih": "bh", "b_y": "by"}
    put(net, columns_of(q, theirs))
    y = np.array(net.fprop(columns(q.x))).transpose(0, 2, 1)
    gradients = written(net, theirs, lambda: net.bprop(columns(q.d_y)))
    return Shown(loss=losses.squares(q.d_y, 0.5), y=y, gradients=gradients)


def one_step_cell(names: dict, q: Question) -> Shown:
    cell = names["RNNCell"](q.inputs, q.hidden)
    put(cell, columns_of(q, {"w_ih": "Wi", "w_hh": "Wh", "b_ih": "b"}))
    h, states = q.h_0.T, []
    for x in q.x:
        h = cell.forward(x.T, h)
        states.append(h.T)
    d_x, dh = np.zeros_like(q.x), np.zeros_like(h)
    for t in reversed(range(q.steps)):
        dx, dh = cell.backward(q.d_h[t].T + dh)
        d_x[t] = dx.T
    gradients = {"w_ih": cell.dWi, "w_hh": cell.dWh, "b_ih": cell.db, "x": d_x, "h_0": dh.T}
    return Shown(loss=losses.states(q.d_h), h=np.array(states), gradients=gradients)


def keeps_its_state(names: dict, q: Question) -> Shown:
    net = names["StatefulRNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "w_in", "w_hh": "w_rec", "w_hy": "w_out", "b_ih": "b_rec", "b_y": "b_out"}
    put(net, columns_of(q, theirs))
    y = net.forward(q.x[:, 0])[:, None]
    found = net.backward(q.d_y[:, 0])
    return Shown(
        loss=losses.every(q.d_y), y=y, gradients={ours: found[name] for ours, name in theirs.items()}
    )


def concat_column(names: dict, q: Question) -> Shown:
    net = names["ConcatRNN"](q.inputs, q.hidden)
    w = q.weights
    put(net, {"W": np.hstack((w["w_hh"], w["w_ih"])), "b": w["b_ih"], "V": w["w_hy"], "c": w["b_y"]})
    net.forward(list(q.ids[:, 0]))
    net.backward(list(q.targets[:, 0]))
    gradients = {"w_hh": net.dW[:, : q.hidden], "w_ih": net.dW[:, q.hidden :], "b_ih": net.db}
    return Shown(
        loss=losses.crossed(q),
        h=np.array(net.hs)[..., 0][:, None],
        gradients=gradients | {"w_hy": net.dV, "b_y": net.dc},
    )


def adagrad_inside(names: dict, q: Question) -> Shown:
    net = names["CharModel"](q.inputs, q.hidden, 1.0)
    theirs = {"w_ih": "Wih", "w_hh": "Whh", "w_hy": "Who", "b_ih": "bh", "b_y": "bo"}
    put(net, columns_of(q, theirs))
    net.forward(one_hot(q.ids, q.inputs)[:, 0])
    steps = written(net, theirs, lambda: net.backward(one_hot(q.targets, q.outputs)[:, 0]))
    squares = dict(zip(("w_ih", "w_hh", "w_hy", "b_ih", "b_y"), net.mem, strict=True))
    gradients = {ours: steps[ours] * np.sqrt(squares[ours] + 1e-8) for ours in theirs}
    return Shown(loss=losses.crossed(q), gradients=gradients)
