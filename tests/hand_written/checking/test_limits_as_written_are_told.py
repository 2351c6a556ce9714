"""Truncation and clipping are lifted to judge what lies beneath, and the verdict says what the code does with them."""

from pathlib import Path

import pytest

import conformance

NETWORK = """
import numpy as np


class RNN:
    def __init__(self, inputs, hidden, outputs{argument}):
        self.U = np.zeros((hidden, inputs))
        self.W = np.zeros((hidden, hidden))
        self.V = np.zeros((outputs, hidden))
        {kept}

    def forward(self, xs):
        self.xs = xs
        self.hs = [np.zeros(len(self.W))]
        for x in xs:
            self.hs.append(np.tanh(self.U @ x + self.W @ self.hs[-1]))
        return [self.V @ h for h in self.hs[1:]]

    def backward(self, dys):
        dU, dW, dV = np.zeros_like(self.U), np.zeros_like(self.W), np.zeros_like(self.V)
        for t in range(len(dys)):
            dV += np.outer(dys[t], self.hs[t + 1])
            delta = self.V.T @ dys[t] * (1 - self.hs[t + 1] ** 2)
            for s in range(t, max(-1, t - {reach}), -1):
                dU += np.outer(delta, self.xs[s])
                dW += np.outer(delta, self.hs[s])
                delta = {carry} * (1 - self.hs[s] ** 2)
        {clipping}
        return dU, dW, dV
"""


def checked(folder: Path, **parts: str) -> conformance.Check:
    given = {
        "argument": "",
        "kept": "",
        "reach": "10 ** 9",
        "clipping": "",
        "carry": "self.W.T @ delta",
    } | parts
    (folder / "network.py").write_text(NETWORK.format(**given), encoding="utf-8")
    return conformance.check(str(folder / "network.py") + ":RNN")


def truncated(steps: int) -> dict[str, str]:
    return {"argument": f", truncate={steps}", "kept": "self.truncate = truncate", "reach": "self.truncate"}


@pytest.mark.parametrize("steps", [3, 6])
def test_the_code_s_own_truncation_is_told_by_the_longest_exact_sequence(steps: int, tmp_path: Path) -> None:
    record = checked(tmp_path, **truncated(steps)).record
    assert record.verdict == "conforms"
    (told,) = record.as_written
    assert f"exact for T up to {steps} only" in told
    assert told in record.headline


def test_a_truncation_longer_than_any_sequence_tried_is_told_as_such(tmp_path: Path) -> None:
    record = checked(tmp_path, **truncated(100)).record
    assert "limits nothing in sequences of up to T = 64 steps" in record.headline


def test_clipping_is_told_with_its_limit(tmp_path: Path) -> None:
    clipping = "dU, dW, dV = (np.clip(d, -0.01, 0.01) for d in (dU, dW, dV))"
    record = checked(tmp_path, clipping=clipping).record
    assert record.verdict == "conforms"
    assert "As written, elements of its gradients beyond ±0.01 are cut off" in record.headline


def test_clipping_of_what_goes_back_is_not_told_as_clipping_of_gradients(tmp_path: Path) -> None:
    record = checked(tmp_path, carry="np.clip(self.W.T @ delta, -0.01, 0.01)").record
    assert record.verdict == "conforms"
    (told,) = record.as_written
    assert "elements beyond ±0.01 are cut off at every step" in told
    assert told in record.headline


def test_a_wrong_network_is_told_its_limits_apart_from_its_mistake(tmp_path: Path) -> None:
    found = checked(tmp_path, **truncated(4) | {"clipping": "dW = dW.T"})
    assert found.verdict == "differs"
    assert [fault.id for fault in found.diagnosis.faults] == ["dw-hh-transposed"]
    assert "limits: It truncates its backward pass" in str(found)


def test_nothing_is_told_where_nothing_is_limited(tmp_path: Path) -> None:
    record = checked(tmp_path).record
    assert record.as_written == []
    assert record.headline.endswith("forward and all gradients.")
