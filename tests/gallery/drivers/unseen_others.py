"""Drivers of functions, layers and other cells that were written without sight of the code that has to call them."""

from typing import Any

import numpy as np

from gallery import losses
from gallery.drivers.combined import BATCH_FIRST
from gallery.drivers.faulty import named, picked
from gallery.drivers.tools import columns_of, put, rows_of
from gallery.question import Question, Shown


def costate(names: dict, q: Question) -> Shown:
    w = q.weights
    r, z = names["propagate"](w["w_hh"], w["w_ih"], w["b_ih"], w["w_hy"], q.x[:, 0], q.h_0[0])
    found = names["adjoint"](w["w_hh"], w["w_ih"], w["b_ih"], w["w_hy"], q.x[:, 0], r, z, z - q.d_y[:, 0])
    gradients = named(found, ("w_hh", "w_ih", "b_ih", "w_hy", "h_0"))
    return Shown(loss=losses.every(q.d_y), y=z[:, None], h=r[1:, None], gradients=gradients)


def layer_zoo(names: dict, q: Question) -> Shown:
    layer = names["Recurrent"](q.inputs, q.hidden)
    theirs = {"w_ih": layer.Wx, "w_hh": layer.Wh, "b_ih": layer.b}
    for ours, parameter in theirs.items():
        put(parameter, {"data": q.weights[ours].T})
    h = layer.forward(q.x.transpose(BATCH_FIRST)).transpose(BATCH_FIRST)
    dx = layer.backward(q.d_h.transpose(BATCH_FIRST)).transpose(BATCH_FIRST)
    gradients = {ours: parameter.grad.T for ours, parameter in theirs.items()}
    return Shown(loss=losses.states(q.d_h), h=h, gradients=gradients | {"x": dx})


def matlab_port(names: dict, q: Question) -> Shown:
    theirs = {"w_ih": "ih", "w_hh": "hh", "w_hy": "ho"}
    w = columns_of(q, theirs) | {"bh": q.weights["b_ih"][:, None], "bo": q.weights["b_y"][:, None]}
    x = q.x[:, 0].T
    y, states = names["rnn_sim"](w, x)
    _, found = names["rnn_bptt"](w, x, y - q.d_y[:, 0].T)
    gradients = picked(found, theirs | {"b_ih": "bh", "b_y": "bo"})
    return Shown(
        loss=losses.squares(y.T[:, None] - q.d_y, 1 / (2 * q.steps)),
        y=y.T[:, None],
        h=states.T[1:, None],
        gradients=gradients,
    )


def closures(names: dict, q: Question) -> Shown:
    forward, backward, _, weights = names["make_rnn"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "Wi", "w_hh": "Wr", "w_hy": "Wo", "b_ih": "br", "b_y": "bo"}
    put(weights, columns_of(q, theirs))
    y = forward(q.x.transpose(0, 2, 1)).transpose(0, 2, 1)
    found = backward(q.d_y.transpose(0, 2, 1))
    return Shown(loss=losses.every(q.d_y), y=y, gradients=picked(found, theirs))


def dataclass_relu(names: dict, q: Question) -> Shown:
    net = names["IRNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "inp", "w_hh": "rec", "w_hy": "out", "b_ih": "bias", "b_y": "out_bias"}
    put(net.w, columns_of(q, theirs))
    y, states = net.run(q.x[:, 0])
    target = y - q.d_y[-1, 0]
    _, found = net.loss_and_grad(q.x[:, 0], target)
    gradients = {ours: getattr(found, name) for ours, name in theirs.items()}
    return Shown(loss=losses.last_squares(target[None]), y=y[None], h=states[1:, None], gradients=gradients)


def stacked(names: dict, q: Question) -> Shown:
    net = names["TwoLayerRNN"](q.inputs, q.hidden, q.hidden)
    theirs = {"w_ih": "A1", "w_hh": "R1", "b_ih": "b1", "w_hy": "V", "b_y": "d"}
    theirs |= {"w_ih1": "A2", "w_hh1": "R2", "b_ih1": "b2"}
    put(net, columns_of(q, theirs))
    net.forward(q.x[:, 0])
    net.backward(q.targets[:, 0])
    gradients = {ours: getattr(net, f"g{name}") for ours, name in theirs.items()}
    return Shown(loss=losses.crossed(q), h=net.h2[:-1, None], gradients=gradients)


def came_first(names: dict, q: Question) -> Shown:
    weights = rows_of(q, {"w_ih": "W_xh", "w_hh": "W_hh", "w_hy": "W_hy"})
    names |= weights | {"b_h": q.weights["b_ih"][None], "b_y": q.weights["b_y"][None], "n_hid": q.hidden}
    names["forward"](list(q.x))
    found = named(names["backward"](int(q.targets[-1, 0])))
    gradients = {ours: g.T for ours, g in found.items()}
    return Shown(loss=losses.last_crossed(q), h=np.array(names["hs"][1:]), gradients=gradients)


def functional(names: dict, q: Question) -> Shown:
    w = q.weights
    params = names["Params"](w["w_ih"].T, w["w_hh"].T, w["b_ih"], w["b_hh"], w["w_hy"].T, w["b_y"])
    (y, _), residuals = names["forward"](params, q.x, q.h_0)
    found, d_x, d_h_0 = names["backward"](params, residuals, q.d_y, q.d_h_n)
    gradients = dict(zip(("w_ih", "w_hh", "b_ih", "b_hh", "w_hy", "b_y"), (g.T for g in found), strict=True))
    return Shown(
        loss=losses.outputs_and_last_state(q.d_y, q.d_h_n),
        y=y,
        h=residuals[1][1:],
        d_h_n=q.d_h_n,
        gradients=gradients | {"x": d_x, "h_0": d_h_0},
    )


def julia_port(names: dict, q: Question) -> Shown:
    net = names["Chain_"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "Wx", "w_hh": "Wh", "w_hy": "Wo", "b_ih": "b", "b_y": "bo"}
    put(net, columns_of(q, theirs))
    xs, d_ys = ([step.T for step in steps] for steps in (q.x, q.d_y))
    y = np.array(net(xs)).transpose(0, 2, 1)
    return Shown(loss=losses.every(q.d_y), y=y, gradients=picked(net.pullback(xs, d_ys), theirs))


def stepper(names: dict, q: Question) -> Shown:
    cell, w = names["ElmanCell"](q.inputs, q.hidden), q.weights
    put(cell, {"M": np.vstack((w["w_ih"].T, w["w_hh"].T, w["b_ih"]))})
    cell.begin(q.batch, q.h_0)
    h = np.array([cell.step(x) for x in q.x])
    d_x = np.array([cell.step_back(d) for d in q.d_h[::-1]])[::-1]
    gradients = {"w_ih": cell.gM[: q.inputs].T, "w_hh": cell.gM[q.inputs : -1].T, "b_ih": cell.gM[-1]}
    return Shown(loss=losses.states(q.d_h), h=h, gradients=gradients | {"x": d_x})


def parity_lstm(names: dict, q: Question) -> Shown:
    net = names["LSTM"](q.inputs, q.hidden, q.outputs)
    return consistent(net.params, lambda: net.forward(q.x[:, 0]), net.backward, q.d_y[:, 0])


def blog_gru(names: dict, q: Question) -> Shown:
    net = names["GRULayer"](q.inputs, q.hidden)
    at = {name: getattr(net, name) for name in vars(net) if name[0] in "WUb"}

    def backward(d: np.ndarray) -> dict:
        net.backward(d)
        return net.grads

    return consistent(at, lambda: net.forward(q.x[:, 0]), backward, q.d_h[:, 0])


def adder(names: dict, q: Question) -> Shown:
    net = names["AdderNet"](q.inputs, q.hidden, q.outputs)
    at = {name: getattr(net, name) for name in ("syn_in", "syn_rec", "syn_out")}
    targets = (q.d_y[:, 0] > 0).astype(float)
    net.forward(q.x[:, 0])
    found = dict(zip(at, net.backward(targets), strict=True))

    def own() -> float:
        net.forward(q.x[:, 0])
        return net.loss(targets)

    return Shown(gradients=found, own=own, at=at)


def consistent(at: dict[str, np.ndarray], forward: Any, backward: Any, d: np.ndarray) -> Shown:
    """Return what another cell shows when the gradient of its outputs is `d`."""
    forward()
    return Shown(gradients=backward(d), own=lambda: np.sum(forward() * d), at=at)
