"""Drivers of classes that were written without sight of the code that has to call them."""

import numpy as np

from gallery import losses
from gallery.definitions import columns, one_hot
from gallery.drivers.combined import BATCH_FIRST, PLAIN
from gallery.drivers.faulty import named, picked
from gallery.drivers.tools import columns_of, put, rows_of, written
from gallery.question import Question, Shown


def shakespeare(names: dict, q: Question) -> Shown:
    net = names["CharRNN"](q.inputs, q.hidden)
    theirs = {"w_ih": "U", "w_hh": "W", "w_hy": "V", "b_ih": "b", "b_y": "c"}
    put(net, columns_of(q, theirs))
    x, h, p = net.forward(list(q.ids[:, 0]), q.h_0.T)
    found = net.backward(x, h, p, list(q.targets[:, 0]))
    states = np.array([h[t].T for t in range(q.steps)])
    return Shown(loss=losses.crossed(q), h=states, gradients=picked(found, theirs))


def forecast(names: dict, q: Question) -> Shown:
    net = names["RNNForecaster"](q.inputs, q.hidden, q.outputs, lr=1.0)
    theirs = {"w_ih": "W_in", "w_hh": "W_rec", "w_hy": "W_out", "b_ih": "b_rec", "b_y": "b_out"}
    put(net, rows_of(q, theirs))
    y = net._forward(q.x.transpose(BATCH_FIRST))
    gradients = {n: g.T for n, g in written(net, theirs, lambda: net._backward(y, y - q.d_y[-1])).items()}
    return Shown(loss=losses.last_squares(y - q.d_y[-1], 1 / y.size), y=y, gradients=gradients)


def happy_or_sad(names: dict, q: Question) -> Shown:
    net = names["SentimentRNN"](q.inputs, q.outputs, q.hidden)
    put(net, columns_of(q, PLAIN))
    y = net.forward(columns(q.x))
    gradients = written(net, PLAIN, lambda: net.backprop(q.d_y[-1].T, 1.0))
    return Shown(loss=losses.last(q.d_y[-1]), y=y.T, gradients=gradients)


def store_sales(names: dict, q: Question) -> Shown:
    net = names["SimpleRNN"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "Wx", "w_hh": "Wh", "w_hy": "Wy", "b_ih": "bh", "b_y": "by"}
    put(net, rows_of(q, theirs))
    y = net.forward(q.x.transpose(BATCH_FIRST)).transpose(BATCH_FIRST)
    targets = y - q.d_y
    found = written(net, theirs, lambda: net.backward(targets.transpose(BATCH_FIRST), lr=1.0))
    gradients = {name: g.T for name, g in found.items()}
    return Shown(loss=losses.squares(targets, 1 / y.size), y=y, gradients=gradients)


def chunks(names: dict, q: Question) -> Shown:
    net = names["StatefulRNN"](q.inputs, q.hidden)
    theirs = {"w_ih": "E", "w_hh": "R", "w_hy": "O", "b_ih": "br", "b_y": "bo"}
    put(net, rows_of(q, theirs))
    _, found = net.chunk_grads(net.run_chunk(q.ids[:, 0]), q.targets[:, 0])
    h = np.array(net._h[1:])[:, None]
    gradients = {ours: g.T for ours, g in picked(found, theirs).items()}
    return Shown(loss=losses.crossed(q, 1 / q.steps), h=h, gradients=gradients)


def evolve(names: dict, q: Question) -> Shown:
    net = names["Brain"](q.inputs, q.hidden, q.outputs, np.random.default_rng(0))
    put(net, columns_of(q, {"w_ih": "sensor_w", "w_hh": "neuron_w", "w_hy": "motor_w", "b_ih": "bias"}))
    return Shown(loss=losses.every(q.d_y), y=net.forward(q.x[:, 0])[:, None])


def assignment(names: dict, q: Question) -> Shown:
    net = names["RNN"](q.inputs, q.hidden, q.outputs, 1.0)
    theirs = {
        "w_ih": "weights_ih",
        "w_hh": "weights_hh",
        "w_hy": "weights_ho",
        "b_ih": "bias_h",
        "b_y": "bias_o",
    }
    put(net, columns_of(q, theirs))
    out = net.forward(columns(q.x))
    targets = [out[t] - d for t, d in enumerate(columns(q.d_y))]
    y = np.array([out[t].T for t in range(q.steps)])
    gradients = written(net, theirs, lambda: net.backward(targets))
    return Shown(loss=losses.every(q.d_y), y=y, gradients=gradients)


def tagger(names: dict, q: Question) -> Shown:
    net = names["SequenceTagger"](q.inputs, q.hidden, q.outputs)
    theirs = {"w_ih": "W_x", "w_hh": "W_h", "w_hy": "W_s", "b_ih": "b_h", "b_y": "b_s"}
    put(net.params, rows_of(q, theirs))
    x = q.x.transpose(BATCH_FIRST)
    probabilities, h = net.forward(x)
    _, found = net.loss_and_gradients(x, q.targets.T)
    scores = np.log(probabilities)
    logits = [states @ q.weights["w_hy"].T + q.weights["b_y"] for states in (h[:, :-1], h[:, 1:])]
    lost = min((each - scores for each in logits), key=lambda off: np.ptp(off, axis=-1).max())
    y = scores + lost.mean(axis=-1, keepdims=True)  # softmax has lost the mean
    gradients = {ours: g.T for ours, g in picked(found, theirs).items()}
    return Shown(
        loss=losses.crossed(q, 1 / q.targets.size),
        y=y.transpose(BATCH_FIRST),
        h=h[:, 1:].transpose(BATCH_FIRST),
        gradients=gradients,
    )


def recipe_names(names: dict, q: Question) -> Shown:
    net = names["NameModel"](q.inputs, q.hidden)
    theirs = {"w_ih": "Wax", "w_hh": "Waa", "w_hy": "Wya", "b_ih": "ba", "b_y": "by"}
    put(net.p, rows_of(q, theirs))
    x, targets = q.x[:, 0], one_hot(q.targets, q.outputs)[:, 0]
    a, predicted = net.forward(x)
    found = picked(net.backward(x, targets, a, predicted), theirs)
    gradients = {ours: g.T for ours, g in found.items()}
    return Shown(loss=losses.crossed(q, 1 / q.steps), h=a[1:, None], gradients=gradients)


def plant(names: dict, q: Question) -> Shown:
    net = names["RecurrentPlantModel"](q.inputs, q.hidden, q.outputs, q.h_0[0])
    theirs = {"w_ih": "B", "w_hh": "A", "w_hy": "C", "b_ih": "b", "b_y": "d"}
    put(net, columns_of(q, theirs))
    y, states = net.simulate(q.x[:, 0])
    found = net.sensitivities(q.x[:, 0], y - q.d_y[:, 0])
    return Shown(loss=losses.every(q.d_y), y=y[:, None], h=states[1:, None], gradients=picked(found, theirs))


def row_digits(names: dict, q: Question) -> Shown:
    net = names["RowRNN"](q.inputs, q.hidden, q.outputs)
    put(net, rows_of(q, PLAIN))
    net.forward(q.x.transpose(BATCH_FIRST))
    net.backward(q.targets[-1])
    gradients = {ours: getattr(net, f"d{name}").T for ours, name in PLAIN.items()}
    return Shown(loss=losses.last_crossed(q, 1 / q.batch), h=net.h[1:], gradients=gradients)


def lyrics(names: dict, q: Question) -> Shown:
    net = names["RNNLM"](q.inputs, q.hidden, bptt_truncate=100)
    put(net, columns_of(q, {"w_ih": "U", "w_hh": "W", "w_hy": "V", "b_ih": "b"}))
    ids = list(q.ids[:, 0])
    _, s = net.forward_propagation(ids)
    found = named(net.bptt(ids, list(q.targets[:, 0])), ("w_ih", "w_hy", "w_hh", "b_ih"))
    return Shown(loss=losses.crossed(q), h=s[:-1, None], gradients=found)


def piano_roll(names: dict, q: Question) -> Shown:
    names["rng"] = np.random.RandomState(0)
    net = names["PianoRNN"](q.inputs, q.hidden)
    theirs = {"w_ih": "Wkh", "w_hh": "Whh", "b_ih": "bh", "w_hy": "Whk", "b_y": "bk"}
    put(net.theta, columns_of(q, theirs))
    p = net.listen(q.x.transpose(BATCH_FIRST))
    targets = one_hot(q.targets, q.outputs)
    found = named(net.learn(targets.transpose(BATCH_FIRST)), tuple(theirs))
    y = np.log(p / (1 - p)).transpose(BATCH_FIRST)
    return Shown(loss=losses.binary(targets, 1 / q.batch), y=y, gradients=found)
