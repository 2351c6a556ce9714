"""Drivers of right subjects that are written in ways of their own, and of notebooks."""

import numpy as np

from gallery import losses
from gallery.drivers.combined import BATCH_FIRST
from gallery.drivers.faulty import named, picked
from gallery.drivers.tools import columns_of, put, rows_of
from gallery.question import Question, Shown


def per_step(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden)
    theirs = {"w_ih": "W_in", "w_hh": "W_rec", "b_ih": "b"}
    put(net, columns_of(q, theirs))
    h = net.forward(q.x[:, 0])[:, None]
    found = picked(net.backward(q.d_h_n[0]), theirs)
    gradients = {ours: steps.sum(axis=0) for ours, steps in found.items()}
    return Shown(loss=losses.last_state(q.d_h_n), h=h, gradients=gradients)


def per_example(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "Wi", "w_hh": "Wr", "w_hy": "Wo", "b_ih": "br", "b_y": "bo"}
    put(net, rows_of(q, theirs))
    y = net.forward(q.x.transpose(BATCH_FIRST))
    found = picked(net.backward(q.d_y[-1]), theirs)
    gradients = {ours: rows.sum(axis=0).T for ours, rows in found.items()}
    return Shown(loss=losses.last(q.d_y[-1]), y=y, gradients=gradients)


def list_of_rows(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": net.Wx, "w_hh": net.Wh, "w_hy": net.Wy, "b_ih": net.bh, "b_y": net.by}
    for ours, layer in theirs.items():
        put(layer, {"value": q.weights[ours].T})
    y = np.array(net.forward(list(q.x)))
    net.backward(list(q.d_y))
    return Shown(loss=losses.every(q.d_y), y=y, gradients={ours: p.grad.T for ours, p in theirs.items()})


def given_weights(names: dict, q: Question) -> Shown:
    cell = names["Cell"](q.weights["w_ih"], q.weights["w_hh"], q.weights["b_ih"])
    states = [q.h_0[0]]
    for x in q.x[:, 0]:
        states.append(cell(x, states[-1]))
    gradients = {name: np.zeros_like(q.weights[name]) for name in ("w_ih", "w_hh", "b_ih")}
    d_x, d_h = np.zeros_like(q.x), np.zeros(q.hidden)
    for t in reversed(range(q.steps)):
        d_x[t, 0], d_h, *found = cell.vjp(q.x[t, 0], states[t], states[t + 1], q.d_h[t, 0] + d_h)
        for name, part in zip(gradients, found, strict=True):
            gradients[name] += part
    h = np.array(states[1:])[:, None]
    return Shown(loss=losses.states(q.d_h), h=h, gradients=gradients | {"x": d_x, "h_0": d_h[None]})


def mixed(names: dict, q: Question) -> Shown:
    net = names["SimpleRNN"](q.inputs, q.hidden, q.outputs)
    turned = {"w_ih": "embed_to_state"}
    straight = {
        "w_hh": "state_to_state",
        "w_hy": "state_to_class",
        "b_ih": "state_bias",
        "b_y": "class_bias",
    }
    put(net, rows_of(q, turned) | columns_of(q, straight))
    y = net.forward(q.x[:, 0])
    found = net.backward(q.d_y[-1, 0])
    gradients = {"w_ih": found["embed_to_state"].T} | picked(found, straight)
    return Shown(loss=losses.last(q.d_y[-1]), y=y[None], gradients=gradients)


def returns_new_weights(names: dict, q: Question) -> Shown:
    order = ("w_ih", "w_hh", "w_hy", "b_ih", "b_y")
    weights = tuple(q.weights[name] for name in order)
    y, hs = names["forward"](weights, q.x[:, 0])
    new = names["train_step"](weights, q.x[:, 0], q.d_y[-1, 0], 1.0)
    gradients = named((old - now for old, now in zip(weights, new, strict=True)), order)
    h = np.array(hs[1:])[:, None]
    return Shown(loss=losses.last_squares(q.d_y[-1], 0.5), y=y[None], h=h, gradients=gradients)


def from_scratch(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs, 100, 100)
    for method in ("forward", "backward"):  # what the notebook's assignments do
        setattr(names["RNN"], method, names[method])
    theirs = {"w_ih": "U", "w_hh": "W", "w_hy": "V", "b_ih": "b", "b_y": "c"}
    put(net, columns_of(q, theirs))
    y = net.forward(q.x[:, 0])
    found = picked(net.backward(q.d_y[-1].T), theirs)
    return Shown(loss=losses.last(q.d_y[-1]), y=y.T, gradients=found)


def second_thoughts(names: dict, q: Question) -> Shown:
    theirs = {"w_ih": "Wx", "w_hh": "Wh", "w_hy": "Wy", "b_ih": "bh", "b_y": "by"}
    params, x = rows_of(q, theirs), q.x.transpose(BATCH_FIRST)
    y, hs = names["rnn_forward"](x, params)
    found = names["rnn_backward"](x, hs, q.d_y.transpose(BATCH_FIRST), params)
    gradients = {ours: g.T for ours, g in picked(found, theirs).items()}
    return Shown(loss=losses.every(q.d_y), y=y.transpose(BATCH_FIRST), gradients=gradients)


def homework(names: dict, q: Question) -> Shown:
    names["HIDDEN"] = q.hidden
    net = names["Model"](q.inputs)
    theirs = {"w_ih": "E", "w_hh": "R", "w_hy": "D", "b_ih": "b", "b_y": "d"}
    put(net, columns_of(q, theirs))
    net.forward(list(q.ids[:, 0]))
    h = np.array(net.hs[1:])[:, None]
    found = picked(net.backward(list(q.targets[:, 0])), theirs)
    return Shown(loss=losses.crossed(q, 1 / q.steps), h=h, gradients=found)
