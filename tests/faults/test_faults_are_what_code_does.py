"""A plain hand-written network with one line changed computes what the simulated fault computes."""

import numpy as np
import pytest

from conformance.cases import Problem, materialise, parse_id
from conformance.faults import Mutant, load_fault, simulate
from conformance.subjects.observation import Observation

NETWORK = """
def network(xs, h_0, W_ih, W_hh, b_ih, b_hh, dy, d_h_n):
    T, H = len(xs), len(h_0)
    lr = 0.1
    hs, cached = {-1: h_0}, {}
    h = h_0
    for t in range(T):
        x = xs[t]
        a = W_ih @ x + b_ih + W_hh @ h + b_hh
        h = np.tanh(a)
        hs[t], cached[t] = h, a
    hidden = [hs[t] for t in range(T)]
    h_n = h
    dW_ih, dW_hh = np.zeros_like(W_ih), np.zeros_like(W_hh)
    db_ih, db_hh = np.zeros(H), np.zeros(H)
    dx = np.zeros_like(xs)
    carry = d_h_n
    for t in reversed(range(T)):
        dh = dy[t] + carry
        slope = 1 - hs[t] ** 2
        da = dh * slope
        dW_ih += np.outer(da, xs[t])
        dW_hh += np.outer(da, hs[t - 1])
        db_ih += da
        db_hh += da
        carry = W_hh.T @ da
        dx[t] = W_ih.T @ da
    dh_0 = carry
    return hidden, h_n, dx, dh_0, dW_ih, dW_hh, db_ih, db_hh
"""

EDITS = {
    "sigmoid-for-tanh": [("np.tanh(a)", "1 / (1 + np.exp(-a))"), ("1 - hs[t] ** 2", "hs[t] * (1 - hs[t])")],
    "tanh-of-half": [("np.tanh(a)", "np.tanh(a / 2)")],
    "activation-missing": [("np.tanh(a)", "a"), ("1 - hs[t] ** 2", "np.ones(H)")],
    "recurrent-term-missing": [(" + W_hh @ h + b_hh", " + b_hh")],
    "state-not-carried": [("W_hh @ h +", "W_hh @ h_0 +")],
    "recurrence-transposed": [("W_hh @ h +", "W_hh.T @ h +")],
    "h-0-ignored": [("hs, cached = {-1: h_0}", "h_0 = 0 * h_0; hs, cached = {-1: h_0}")],
    "b-ih-unused": [(" + b_ih", "")],
    "b-hh-unused": [(" + b_hh", "")],
    "biases-unused": [(" + b_ih", ""), (" + b_hh", "")],
    "b-ih-twice": [("+ b_hh", "+ b_ih")],
    "b-hh-twice": [("+ b_ih", "+ b_hh")],
    "bias-outside-activation": [
        ("W_ih @ x + b_ih + W_hh @ h + b_hh", "W_ih @ x + W_hh @ h"),
        ("np.tanh(a)", "np.tanh(a) + b_ih + b_hh"),
    ],
    "states-shifted": [
        ("hs[t], cached[t] = h, a", "hs[t], cached[t] = (h_0 if t == 0 else before), a; before = h")
    ],
    "states-share-one-array": [
        (
            "for t in reversed",
            "hs = {t: h for t in range(T)}; hs[-1] = h_0; hidden = [h] * T\n    for t in reversed",
        )
    ],
    "tanh-prime-of-activated": [("1 - hs[t] ** 2", "1 - np.tanh(hs[t]) ** 2")],
    "tanh-prime-recomputed-from-h-t": [
        ("1 - hs[t] ** 2", "1 - np.tanh(W_ih @ xs[t] + b_ih + W_hh @ hs[t] + b_hh) ** 2")
    ],
    "first-unit-slope-for-all": [("1 - hs[t] ** 2", "1 - hs[t][0] ** 2")],
    "slope-missing": [("1 - hs[t] ** 2", "1")],
    "sigmoid-prime-for-tanh": [("1 - hs[t] ** 2", "hs[t] * (1 - hs[t])")],
    "tanh-prime-of-pre-activation": [("1 - hs[t] ** 2", "1 - cached[t] ** 2")],
    "tanh-prime-squared-difference": [("1 - hs[t] ** 2", "(1 - hs[t]) ** 2")],
    "slope-of-last-state": [("1 - hs[t] ** 2", "1 - h ** 2")],
    "slope-of-previous-state": [("1 - hs[t] ** 2", "1 - hs[t - 1] ** 2")],
    "slope-of-previous-state-wrapping": [("1 - hs[t] ** 2", "1 - hidden[t - 1] ** 2")],
    "slope-of-next-state": [("1 - hs[t] ** 2", "1 - hs[min(t + 1, T - 1)] ** 2")],
    "slope-of-step-of-entry": [
        ("for t in reversed(range(T)):", "dh_0 = 0 * d_h_n; dy[-1] += d_h_n\n    for e, t in windows(T, T):"),
        ("dy[t] + carry", "carry if t < e else dy[e]"),
        ("1 - hs[t] ** 2", "1 - hs[e] ** 2"),
        ("dx[t] =", "dh_0 = dh_0 + carry if t == 0 else dh_0\n        dx[t] +="),
        ("dh_0 = carry", "pass"),
    ],
    "last-state-for-every-step": [("1 - hs[t] ** 2", "1 - h ** 2"), ("hs[t - 1])", "h)")],
    "output-gradient-at-every-step": [("dy[t] + carry", "dy[-1] + carry")],
    "output-gradient-one-step-early": [("dy[t] + carry", "dy[min(t + 1, T - 1)] + carry")],
    "output-gradient-one-step-early-none-at-last": [
        ("dy[t] + carry", "carry + (dy[t + 1] if t < T - 1 else 0)")
    ],
    "output-gradient-one-step-late": [("dy[t] + carry", "carry + (dy[t - 1] if t > 0 else 0)")],
    "output-gradient-last-only": [("dy[t] + carry", "carry + (dy[t] if t == T - 1 else 0)")],
    "output-gradient-accumulated": [("dy[t] + carry", "dy[t:].sum(axis=0) + carry")],
    "h-n-gradient-ignored": [("carry = d_h_n", "carry = np.zeros(H)")],
    "h-n-gradient-at-every-step": [
        ("carry = d_h_n", "carry = np.zeros(H)"),
        ("dy[t] + carry", "dy[t] + carry + d_h_n"),
    ],
    "h-n-gradient-replaces-output": [("dy[t] + carry", "carry if t == T - 1 else dy[t] + carry")],
    "cotangent-overwritten": [("dh = dy[t] + carry", "dy[t] += carry; dh = dy[t]")],
    "h-0-overwritten": [("{-1: h_0}", "{-1: h_0.copy()}"), ("h = np.tanh(a)", "h = np.tanh(a); h_0[:] = h")],
    "carry-not-transposed": [("W_hh.T @ da", "W_hh @ da")],
    "carry-missing": [("W_hh.T @ da", "np.zeros(H)")],
    "carry-without-slope": [("W_hh.T @ da", "W_hh.T @ dh")],
    "carry-is-dh": [("W_hh.T @ da", "dh")],
    "carry-is-delta": [("W_hh.T @ da", "da")],
    "carry-sliced-as-if-x-came-first": [("W_hh.T @ da", "(np.hstack([W_hh, W_ih]).T @ da)[-H:]")],
    "carry-sliced-as-if-h-came-first": [("W_hh.T @ da", "(np.hstack([W_ih, W_hh]).T @ da)[:H]")],
    "carry-doubled": [("W_hh.T @ da", "2 * W_hh.T @ da")],
    "carry-negated": [("W_hh.T @ da", "-W_hh.T @ da")],
    "carry-replaces-output-gradient": [("dy[t] + carry", "carry + (dy[t] if t == T - 1 else 0)")],
    "carry-joins-after-slope": [("da = dh * slope", "da = dy[t] * slope + carry")],
    "output-gradient-joins-after-slope": [("da = dh * slope", "da = dy[t] + carry * slope")],
    "loop-runs-forwards": [("for t in reversed(range(T))", "for t in range(T)")],
    "last-step-skipped": [("for t in reversed(range(T))", "for t in range(T - 2, -1, -1)")],
    "first-step-skipped": [("for t in reversed(range(T))", "for t in range(T - 1, 0, -1)")],
    "truncation-in-segments": [
        ("dx[t] =", "carry = 0 * carry if t > 0 and t % 4 == 0 else carry\n        dx[t] =")
    ],
    "truncation-in-windows": [
        ("for t in reversed(range(T)):", "dh_0 = 0 * d_h_n; dy[-1] += d_h_n\n    for e, t in windows(T, 4):"),
        ("dy[t] + carry", "carry if t < e else dy[e]"),
        ("dx[t] =", "dh_0 = dh_0 + carry if t == 0 and e < 4 else dh_0\n        dx[t] +="),
        ("dh_0 = carry", "pass"),
    ],
    "truncation-to-last-steps": [("reversed(range(T))", "reversed(range(max(0, T - 4), T))")],
    "carry-clipped-at-1": [("carry = W_hh.T @ da", "carry = np.clip(W_hh.T @ da, -1, 1)")],
    "carry-norm-clipped-at-1": [
        ("dx[t] =", "carry = carry / max(1, np.linalg.norm(carry))\n        dx[t] =")
    ],
    "weights-updated-inside-loop": [
        ("dW_ih += np.outer(da, xs[t])", "g_ih = np.outer(da, xs[t]); dW_ih += g_ih; deltas[t] = da"),
        ("dW_hh += np.outer(da, hs[t - 1])", "g_hh = np.outer(da, hs[t - 1]); dW_hh += g_hh"),
        ("carry = W_hh.T", "W_ih = W_ih - lr * g_ih; W_hh = W_hh - lr * g_hh\n        carry = W_hh.T"),
        ("carry = d_h_n", "carry = d_h_n; deltas = {}"),
        ("dh_0 = carry", "dh_0 = carry; dx = np.array([W_ih.T @ deltas[t] for t in range(T)])"),
    ],
    "weights-updated-inside-loop-after-use": [
        (
            "carry = W_hh.T @ da",
            "carry = W_hh.T @ da; W_hh = W_hh - lr * np.outer(da, hs[t - 1]); deltas[t] = da",
        ),
        ("carry = d_h_n", "carry = d_h_n; deltas = {}"),
        (
            "dh_0 = carry",
            "dh_0 = carry; dx = np.array([(W_ih - lr * dW_ih).T @ deltas[t] for t in range(T)])",
        ),
    ],
    "dx-before-loop": [("W_ih.T @ da", "W_ih.T @ (dy[t] * slope)")],
    "dx-without-slope": [("W_ih.T @ da", "W_ih.T @ dh")],
    "dh-0-missing": [("dh_0 = carry", "dh_0 = np.zeros(H)")],
    "dh-0-one-step-short": [("dh_0 = carry", "dh_0 = dh")],
    "x-of-previous-step": [("np.outer(da, xs[t])", "np.outer(da, xs[t - 1]) if t > 0 else 0")],
    "x-of-previous-step-wrapping": [("np.outer(da, xs[t])", "np.outer(da, xs[t - 1])")],
    "x-of-last-step": [("np.outer(da, xs[t])", "np.outer(da, x)")],
    "x-of-next-step": [("np.outer(da, xs[t])", "np.outer(da, xs[min(t + 1, T - 1)])")],
    "x-mean-at-every-step": [("np.outer(da, xs[t])", "np.outer(da, xs.mean(axis=0))")],
    "h-mean-at-every-step": [
        ("np.outer(da, hs[t - 1])", "np.outer(da, np.mean([hs[s - 1] for s in range(T)], axis=0))")
    ],
    "h-t-for-h-previous": [("np.outer(da, hs[t - 1])", "np.outer(da, hs[t])")],
    "h-previous-wraps": [("np.outer(da, hs[t - 1])", "np.outer(da, hidden[t - 1])")],
    "h-previous-zero-at-first": [("np.outer(da, hs[t - 1])", "np.outer(da, hs[t - 1]) if t > 0 else 0")],
    "h-previous-is-last": [("np.outer(da, hs[t - 1])", "np.outer(da, h)")],
    "h-two-steps-back": [("np.outer(da, hs[t - 1])", "np.outer(da, hs[max(t - 2, -1)])")],
    "dw-hh-transposed": [("np.outer(da, hs[t - 1])", "np.outer(hs[t - 1], da)")],
    "dw-hh-inner-product": [("np.outer(da, hs[t - 1])", "np.dot(da, hs[t - 1])")],
    "only-first-step-survives-in-w-ih": [("dW_ih += ", "dW_ih = ")],
    "only-first-step-survives-in-w-hh": [("dW_hh += ", "dW_hh = ")],
    "only-first-step-survives-in-bias": [("db_ih += ", "db_ih = "), ("db_hh += ", "db_hh = ")],
    "bias-gradients-doubled": [("db_ih += ", "db_ih += da + "), ("db_hh += ", "db_hh += da + ")],
    "w-ih-gradient-on-its-own-scale": [("dh_0 = carry", "dh_0 = carry; dW_ih *= 0.5")],
    "w-hh-gradient-on-its-own-scale": [("dh_0 = carry", "dh_0 = carry; dW_hh *= 0.5")],
    "w-ih-gradient-dropped": [("dW_ih += ", "0 * ")],
    "w-hh-gradient-dropped": [("dW_hh += ", "0 * ")],
    "bias-gradients-on-their-own-scale": [("dh_0 = carry", "dh_0 = carry; db_ih *= 0.5; db_hh *= 0.5")],
    "sign-flipped": [("carry = d_h_n", "dy = -dy; carry = -d_h_n")],
    "clip-value-1": [
        ("dh_0 = carry", "dh_0 = carry\n    for d in (dW_ih, dW_hh, db_ih, db_hh): np.clip(d, -1, 1, out=d)")
    ],
}
"""For each fault: the code that is replaced, and by what."""

CASE = "rnn-tanh-T7-single-I4-H5-f64-gain2-s0"


CALLED_TWICE = ("cotangent-overwritten", "h-0-overwritten")
"""What shows only when the same arrays are passed again."""


def windows(steps: int, reach: int) -> list[tuple[int, int]]:
    """Return every step e and the steps t that its gradient reaches, e and `reach` more at most."""
    return [(e, t) for e in range(steps) for t in range(e, max(-1, e - reach - 1), -1)]


def shown_by_code(source: str, problem: Problem, calls: int = 1) -> dict[str, np.ndarray]:
    """Run the network that `source` defines on an unbatched problem, and return what its last call gives."""
    scope = {"np": np, "windows": windows}
    exec(compile(source, "network", "exec"), scope)  # noqa: S102 - the sources are the ones above
    arguments = [problem.x, problem.h_0[0], *problem.weights.values(), problem.d_output, problem.d_h_n[0]]
    copies = [argument.copy() for argument in arguments]
    for _ in range(calls):
        hidden, h_n, d_x, d_h_0, *gradients = scope["network"](*copies)
    results = {"output": hidden, "h_n": [h_n], "d_x": d_x, "d_h_0": [d_h_0]}
    results |= dict(zip(problem.weights, gradients, strict=True))
    return {name: np.array(value) for name, value in results.items()}


def edited(edits: list[tuple[str, str]]) -> str:
    source = NETWORK
    for old, new in edits:
        assert old in source, f"{old!r} isn't in the network"
        source = source.replace(old, new)
    return source


def assert_same(observation: Observation, expected: dict[str, np.ndarray]) -> None:
    shown = {name: getattr(observation, name) for name in ("output", "h_n", "d_x", "d_h_0")}
    shown |= observation.parameters
    for name, value in shown.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-10, atol=1e-12, err_msg=name)


def test_the_network_as_it_stands_is_right() -> None:
    problem = materialise(parse_id(CASE))
    assert_same(simulate(problem), shown_by_code(NETWORK, problem))


@pytest.mark.parametrize("fault_id", EDITS)
def test_a_line_changed_in_the_network_is_the_fault(fault_id: str) -> None:
    problem = materialise(parse_id(CASE))
    calls = 2 if fault_id in CALLED_TWICE else 1
    expected = shown_by_code(edited(EDITS[fault_id]), problem, calls)
    assert_same(Mutant(load_fault(fault_id)).run(problem), expected)
    with pytest.raises(AssertionError):
        assert_same(simulate(problem), expected)
