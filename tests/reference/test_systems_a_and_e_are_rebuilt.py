"""Two of the five kinds of hand-written network, written as people write them, next to `refrnn` doing the same.

A: many-to-one; column vectors, states in a dict with key −1, the backward pass updates the weights in place.
E: forward only; a single-sequence class and a batched class, outputs and states in dicts keyed by step.

Both sides run in long double, and the reference in float64 as well. What differs by rounding alone shrinks with
the unit roundoff, 2⁻¹¹ of float64's in x86's long double; a formula that differs doesn't shrink at all.
"""

import numpy as np
import pytest

from refrnn import RNN, Linear, SequenceModel, squared_error

STEPS, BATCH, INPUTS, HIDDEN, OUTPUTS = 7, 3, 4, 5, 2
SHRINKS = 2.0**-6
"""Between the 2⁻¹¹ of pure rounding, with room for chance, and the 1 of another formula."""

pytestmark = pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 2.0**-60, reason="long double is no more precise than float64 here"
)


class ManyToOne:
    """System A."""

    def __init__(self, rng):
        self.Wxh = draw(rng, HIDDEN, INPUTS)
        self.Whh = draw(rng, HIDDEN, HIDDEN)
        self.Why = draw(rng, OUTPUTS, HIDDEN)
        self.bh = draw(rng, HIDDEN, 1)
        self.by = draw(rng, OUTPUTS, 1)

    def forward(self, inputs):
        self.inputs, self.hs = inputs, {-1: np.zeros((HIDDEN, 1), np.longdouble)}
        for t, x in enumerate(inputs):
            self.hs[t] = np.tanh(self.Wxh @ x + self.Whh @ self.hs[t - 1] + self.bh)
        return self.Why @ self.hs[len(inputs) - 1] + self.by

    def backward(self, d_y, lr):
        n = len(self.inputs)
        d_Why, d_by = d_y @ self.hs[n - 1].T, d_y
        d_Wxh, d_Whh, d_bh = np.zeros_like(self.Wxh), np.zeros_like(self.Whh), np.zeros_like(self.bh)
        d_h = self.Why.T @ d_y
        for t in reversed(range(n)):
            d_a = (1 - self.hs[t] ** 2) * d_h
            d_bh += d_a
            d_Whh += d_a @ self.hs[t - 1].T
            d_Wxh += d_a @ self.inputs[t].T
            d_h = self.Whh.T @ d_a
        for weight, gradient in zip(self.all(), (d_Wxh, d_Whh, d_Why, d_bh, d_by), strict=True):
            np.subtract(weight, lr * gradient, out=weight)

    def all(self):
        return self.Wxh, self.Whh, self.Why, self.bh, self.by


class Batched:
    """System E: x (T, B, I); the single-sequence form is the same with B = 1."""

    def __init__(self, rng):
        self.W_xh, self.W_hh, self.W_ho = (
            draw(rng, *shape) for shape in ((HIDDEN, INPUTS), (HIDDEN, HIDDEN), (OUTPUTS, HIDDEN))
        )
        self.b_xh, self.b_hh, self.b_ho = (draw(rng, n, 1) for n in (HIDDEN, HIDDEN, OUTPUTS))

    def forward(self, x):
        outputs, hidden = {}, {-1: np.zeros((HIDDEN, x.shape[1]), np.longdouble)}
        for t in range(len(x)):
            hidden[t] = np.tanh(self.W_xh @ x[t].T + self.b_xh + self.W_hh @ hidden[t - 1] + self.b_hh)
            outputs[t] = self.W_ho @ hidden[t] + self.b_ho
        return outputs, hidden


def draw(rng, *shape):
    return (rng.standard_normal(shape) * 0.5).astype(np.longdouble)


def rnn_of(dtype, w_ih, w_hh, b_ih, b_hh):
    rnn = RNN(INPUTS, HIDDEN, dtype=dtype)
    biases = [np.zeros(HIDDEN, dtype) if b is None else b.ravel().astype(dtype) for b in (b_ih, b_hh)]
    rnn.load_state_dict(
        dict(zip(rnn.parameters, (w_ih.astype(dtype), w_hh.astype(dtype), *biases), strict=True))
    )
    return rnn


def head_of(dtype, weight, bias):
    head = Linear(HIDDEN, OUTPUTS, dtype=dtype)
    head.load_state_dict({"weight": weight.astype(dtype), "bias": bias.ravel().astype(dtype)})
    return head


def assert_differ_by_rounding_alone(written, in_long_double, in_double):
    assert written.shape == in_long_double.shape == in_double.shape
    noise = np.abs(written - in_double).max()
    assert noise > 0
    assert np.abs(written - in_long_double).max() <= SHRINKS * noise


def test_system_a_is_rebuilt_with_all_five_gradients():
    rng = np.random.default_rng(7)
    net, target = ManyToOne(rng), draw(rng, OUTPUTS)
    inputs = [draw(rng, INPUTS, 1) for _ in range(STEPS)]
    before = [weight.copy() for weight in net.all()]
    y = net.forward(inputs)
    net.backward(2 * (y - target[:, np.newaxis]), lr=1)
    written = [old - new for old, new in zip(before, net.all(), strict=True)]

    rebuilt = []
    for dtype in (np.longdouble, np.float64):
        Wxh, Whh, Why, bh, by = before
        model = SequenceModel(
            rnn_of(dtype, Wxh, Whh, bh, None),
            head_of(dtype, Why, by),
            output="last",
            loss=lambda y, t: squared_error(y, t, "sum"),
        )
        x = np.array(inputs)[:, :, 0].astype(dtype)
        found = model.gradients(x, target.astype(dtype))
        names = ("rnn.weight_ih_l0", "rnn.weight_hh_l0", "head.weight", "rnn.bias_ih_l0", "head.bias")
        rebuilt.append([found.prediction, *(found.parameters[name] for name in names)])
    for ours, *theirs in zip([y, *written], *rebuilt, strict=True):
        assert_differ_by_rounding_alone(ours.reshape(theirs[0].shape), *theirs)


@pytest.mark.parametrize("batch", [1, BATCH], ids=["single", "batched"])
def test_system_e_is_rebuilt_with_every_state_and_output(batch):
    rng = np.random.default_rng(8)
    net, x = Batched(rng), draw(rng, STEPS, batch, INPUTS)
    outputs, hidden = net.forward(x)
    rebuilt = []
    for dtype in (np.longdouble, np.float64):
        trace = rnn_of(dtype, net.W_xh, net.W_hh, net.b_xh, net.b_hh).forward(x.astype(dtype))
        rebuilt.append([trace.hidden(0), head_of(dtype, net.W_ho, net.b_ho)(trace.output)])
    states, results = (np.array([side[t].T for t in range(STEPS)]) for side in (hidden, outputs))
    for ours, *theirs in zip((states, results), *rebuilt, strict=True):
        assert_differ_by_rounding_alone(ours, *theirs)
