"""Self-consistency: any network's gradients next to the numerical gradient of its own forward pass; no reference."""

from itertools import pairwise

import numpy as np
import pytest
from support.small_networks import changed
from support.small_networks import checked as checked_alone

from conformance.hand_written.calling import OwnForward
from conformance.hand_written.checking.consistency import consistency
from conformance.hand_written.checking.differences import extrapolated

T, B, I, H = 7, 3, 4, 6  # noqa: E741 - the letters of the formulas
GATES = ("forget", "input", "output", "cell")
MISTAKES = (
    "",
    "cell carried without its forget gate",
    "tanh' of the activated cell",
    "last step only",
    "sign of a bias",
)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


class LSTM:
    """Hand-written, with one of `MISTAKES` in its backward pass."""

    def __init__(self, mistake, *, real_buffers=False):
        rng = np.random.default_rng(3)
        self.mistake, self.real_buffers = mistake, real_buffers
        self.x = rng.standard_normal((T, B, I))
        self.d_h = rng.standard_normal((T, B, H))
        shapes = {"W": (I + H, H), "b": (H,)}
        self.parameters = {
            f"{kind}_{gate}": 0.5 * rng.standard_normal(shape)
            for gate in GATES
            for kind, shape in shapes.items()
        }

    def forward(self, parameters):
        h, c = np.zeros((B, H)), np.zeros((B, H))
        self.steps, outputs = [], np.zeros((T, B, H)) if self.real_buffers else [None] * T
        for t, x in enumerate(self.x):
            z = np.concatenate([x, h], axis=1)
            a = {gate: z @ parameters[f"W_{gate}"] + parameters[f"b_{gate}"] for gate in GATES}
            gates = {gate: np.tanh(a[gate]) if gate == "cell" else sigmoid(a[gate]) for gate in GATES}
            before, c = c, gates["forget"] * c + gates["input"] * gates["cell"]
            h = gates["output"] * np.tanh(c)
            self.steps.append((z, gates, before, c))
            outputs[t] = h
        return np.array(outputs)

    def backward(self):
        found = {name: np.zeros_like(w) for name, w in self.parameters.items()}
        d_next_h, d_next_c = np.zeros((B, H)), np.zeros((B, H))
        for t, (z, g, before, c) in reversed(list(enumerate(self.steps))):
            d_h = self.d_h[t] + d_next_h
            squashed = np.tanh(np.tanh(c)) if self.mistake == MISTAKES[2] else np.tanh(c)
            d_c = d_h * g["output"] * (1 - squashed**2) + d_next_c
            d_gate = {
                "output": d_h * np.tanh(c),
                "forget": d_c * before,
                "input": d_c * g["cell"],
                "cell": d_c * g["input"],
            }
            d_z = np.zeros_like(z)
            for name in GATES:
                slope = 1 - g[name] ** 2 if name == "cell" else g[name] * (1 - g[name])
                d_a = d_gate[name] * slope
                found[f"W_{name}"] += z.T @ d_a
                found[f"b_{name}"] += d_a.sum(0)
                d_z += d_a @ self.parameters[f"W_{name}"].T
            d_next_h = d_z[:, I:]
            d_next_c = d_c if self.mistake == MISTAKES[1] else d_c * g["forget"]
            if self.mistake == MISTAKES[3]:
                break
        if self.mistake == MISTAKES[4]:
            found["b_input"] *= -1
        return found

    def own(self, factor=1.0):
        self.forward(self.parameters)
        gradients = {name: factor * g for name, g in self.backward().items()}
        return OwnForward(
            parameters=self.parameters, outputs=self.forward, cotangent=self.d_h, gradients=gradients
        )


def named_wrong(found):
    return {f.comparison.quantity for f in found.findings if f.verdict == "differs"}


@pytest.mark.parametrize("real_buffers", [False, True])
def test_a_right_lstm_agrees_with_its_own_forward(real_buffers):
    found = consistency(LSTM("", real_buffers=real_buffers).own())
    assert found.verdict == "agrees"
    assert found.factor == 1
    assert {f.comparison.quantity for f in found.findings} == {
        f"dL/d{kind}_{g}" for kind in "Wb" for g in GATES
    }


@pytest.mark.parametrize("mistake", MISTAKES[1:])
@pytest.mark.parametrize("real_buffers", [False, True])
def test_a_wrong_lstm_differs_in_what_its_mistake_reaches(mistake, real_buffers):
    found = consistency(LSTM(mistake, real_buffers=real_buffers).own())
    assert found.verdict == "differs"
    if mistake == MISTAKES[4]:
        assert named_wrong(found) == {"dL/db_input"}


def test_complex_steps_are_used_where_they_run_and_differences_where_buffers_are_real():
    assert consistency(LSTM("").own()).method == "complex steps"
    assert "differences" in consistency(LSTM("", real_buffers=True).own()).method


@pytest.mark.parametrize("size", [1e-6, 1e-8])
def test_an_error_far_below_what_a_fixed_tolerance_lets_pass_is_seen(size):
    own = LSTM("", real_buffers=True).own()
    own.gradients["W_cell"][2, 3] *= 1 + size
    assert named_wrong(consistency(own)) == {"dL/dW_cell"}


def test_one_constant_on_all_gradients_is_told_apart():
    found = consistency(LSTM("").own(factor=1 / B))
    assert found.verdict == "agrees"
    assert found.factor == pytest.approx(1 / B, rel=1e-12)


def test_a_constant_does_not_hide_a_mistake():
    assert consistency(LSTM(MISTAKES[1]).own(factor=1 / B)).verdict == "differs"


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (np.sin, 1.0),
        (np.exp, 1.0),
        (lambda s: np.tanh(3 * s + 1), 3 / np.cosh(1) ** 2),
        (lambda s: s**3 - s, -1.0),
    ],
)
def test_the_error_that_differences_estimate_covers_the_true_one(function, slope):
    found = extrapolated(function)
    assert abs(found.value - slope) <= 30 * found.error + np.finfo(float).eps * abs(slope)
    assert found.error < 1e-9


def test_the_error_of_differences_shrinks_with_their_levels():
    errors = [extrapolated(np.exp, level).error for level in range(2, 5)]
    assert all(smaller < larger for larger, smaller in pairwise(errors))


def test_a_kink_leaves_differences_uncertain_instead_of_wrong():
    found = extrapolated(lambda s: abs(s + 0.013))
    assert abs(found.value - 1) <= 30 * found.error


VIEWS = """
import types
import numpy as np


class Multiplicative:
    def __init__(self, n_in, n_hidden, n_factors):
        self.shapes = {"Fx": (n_factors, n_in), "Fh": (n_factors, n_hidden), "X": (n_hidden, n_in)}
        self.shapes |= {"H": (n_hidden, n_factors), "b": (n_hidden,)}
        self.p = self.views(0.4 * np.random.randn(sum(int(np.prod(shape)) for shape in self.shapes.values())))

    def views(self, vector):
        parts, start = types.SimpleNamespace(vector=vector), 0
        for name, shape in self.shapes.items():
            end = start + int(np.prod(shape))
            setattr(parts, name, vector[start:end].reshape(shape))
            start = end
        return parts

    def forward(self, xs):
        p, self.xs, self.hs, self.factors = self.p, xs, [np.zeros_like(self.p.b)], []
        for x in xs:
            self.factors.append((p.Fx @ x, p.Fh @ self.hs[-1]))
            self.hs.append(np.tanh(p.X @ x + p.H @ (self.factors[-1][0] * self.factors[-1][1]) + p.b))
        return np.array(self.hs[1:])

    def backward(self, dhs):
        p, g, carried = self.p, self.views(np.zeros_like(self.p.vector)), np.zeros_like(self.p.b)
        for t in reversed(range(len(dhs))):
            fx, fh = self.factors[t]
            da = (dhs[t] + carried) * (1 - self.hs[t + 1] ** 2)
            g.X += np.outer(da, self.xs[t])
            g.b += da
            g.H += np.outer(da, fx * fh)
            df = p.H.T @ da
            g.Fx += np.outer(df * fh, self.xs[t])
            g.Fh += np.outer(df * fx, self.hs[t])
            carried = p.Fh.T @ (df * fx)
        return g
"""


def test_a_vector_of_all_parameters_is_not_set_beside_its_views(tmp_path):
    right = checked_alone(tmp_path, VIEWS, "Multiplicative")
    assert right.exit_code == 0, right.headline
    wrong = checked_alone(
        tmp_path, changed(VIEWS, ("df * fh, self.xs[t]", "df * fx, self.xs[t]")), "Multiplicative"
    )
    assert wrong.exit_code == 1, wrong.headline
