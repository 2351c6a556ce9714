"""The line in which a fault hides is found by mending it in memory; the network is as before afterwards."""

import numpy as np
import pytest

from conformance.cases import materialise, parse_id
from conformance.hand_written.diagnosis import Evidence, Suspect, Trial, diagnose, suspects
from conformance.hand_written.diagnosis.edits import Edit
from conformance.hand_written.diagnosis.patching import patched
from conformance.subjects.observation import Observation

NETWORK = """import numpy as np

class RNN:
    def __init__(self, p):
        w = p.weights
        self.Wx, self.Wh, self.b = w["weight_ih_l0"], w["weight_hh_l0"], w["bias_ih_l0"] + w["bias_hh_l0"]
        self.V, self.c = p.head.weight, p.head.bias

    def forward(self, xs):
        self.xs = xs
        self.hs = {-1: np.zeros(len(self.b))}
        ys = []
        for t in range(len(xs)):
            a = self.Wx @ xs[t] + self.Wh @ self.hs[t - 1] + self.b
            self.hs[t] = np.tanh(a)
            ys.append(self.V @ self.hs[t] + self.c)
        return np.array(ys)

    def backward(self, dys):
        T = len(dys)
        dWx, dWh, dV = (np.zeros_like(w) for w in (self.Wx, self.Wh, self.V))
        db, dc = np.zeros_like(self.b), np.zeros_like(self.c)
        carry = np.zeros_like(self.b)
        for t in reversed(range(T)):
            dh = self.V.T @ dys[t] + carry
            da = dh * (1 - self.hs[t] ** 2)
            dV += np.outer(dys[t], self.hs[t])
            dc += dys[t]
            dWx += np.outer(da, self.xs[t])
            dWh += np.outer(da, self.hs[t - 1])
            db += da
            carry = self.Wh.T @ da
        return dWx, dWh, db, dV, dc
"""

PROBLEM = materialise(parse_id("rnn-tanh-T8-single-I4-H5-O2-noh0-dout-f64-gain1.2-s0"))
NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "head.weight", "head.bias")

FAULTS = {
    "recurrence-transposed": ("self.Wh @ self.hs[t - 1]", "self.Wh.T @ self.hs[t - 1]"),
    "tanh-of-half": ("self.hs[t] = np.tanh(a)", "self.hs[t] = np.tanh(a / 2)"),
}
"""For each fault of the forward pass: what stands in the right network, and what in the wrong one."""


def with_faults(*names: str) -> str:
    source = NETWORK
    for name in names:
        right, wrong = FAULTS[name]
        assert right in source
        source = source.replace(right, wrong)
    return source


def run(scope: dict) -> Evidence | None:
    """Run the network of a namespace; a line changed in it may make it fail in any way."""
    try:
        network = scope["RNN"](PROBLEM)
        y = np.array(network.forward(PROBLEM.x), float)
        gradients = dict(zip(NAMES, map(np.array, network.backward(PROBLEM.head.d_y)), strict=True))
    except Exception:  # noqa: BLE001
        return None
    if y.shape != PROBLEM.head.d_y.shape:
        return None
    return Evidence(problem=PROBLEM, observation=Observation(y=y, parameters=gradients))


def pointed_at(source: str) -> tuple[tuple[str, ...], list[Suspect]]:
    scope: dict = {}
    exec(compile(source, "net.py", "exec"), scope)  # noqa: S102 - the sources are the ones above
    found = diagnose(run(scope))
    return found.faults, suspects(
        found,
        files={"net.py": source},
        namespace=scope,
        trial=Trial(rerun=lambda _: run(scope), problem=PROBLEM, others=()),
    )


@pytest.mark.parametrize("name", FAULTS)
def test_the_line_of_a_fault_is_pointed_at_and_mended(name: str) -> None:
    source = with_faults(name)
    faults, (suspect,) = pointed_at(source)
    assert faults == (name,)
    assert suspect.verified
    assert suspect.fault == name
    assert suspect.file == "net.py"
    changed = [
        n
        for n, (a, b) in enumerate(zip(source.splitlines(), _right(name).splitlines(), strict=True))
        if a != b
    ]
    assert suspect.line == changed[0] + 1
    assert suspect.text == source.splitlines()[changed[0]].strip()
    assert suspect.mended != suspect.text
    mended = source.splitlines()
    indented = mended[changed[0]]
    mended[changed[0]] = indented.replace(suspect.text, suspect.mended)
    assert pointed_at("\n".join(mended)) == ((), [])


def _right(name: str) -> str:
    right, wrong = FAULTS[name]
    return with_faults(name).replace(wrong, right)


def test_each_of_two_faults_has_its_line() -> None:
    source = with_faults("recurrence-transposed", "tanh-of-half")
    faults, found = pointed_at(source)
    assert [(s.fault, s.mended) for s in found] == [
        ("tanh-of-half", "self.hs[t] = np.tanh(a)"),
        ("recurrence-transposed", "a = self.Wx @ xs[t] + self.Wh @ self.hs[t - 1] + self.b"),
    ]
    assert faults == ("tanh-of-half", "recurrence-transposed")


def test_functions_run_what_they_did_before_afterwards() -> None:
    source = NETWORK
    scope: dict = {}
    exec(compile(source, "net.py", "exec"), scope)  # noqa: S102
    before = scope["RNN"].backward.__code__
    line = source.splitlines().index("            carry = self.Wh.T @ da") + 1
    edit = Edit(file="net.py", line=line, start=(line, 20), end=(line, 29), replacement="self.Wh")
    with patched(edit, source, scope) as changed:
        assert changed
        assert scope["RNN"].backward.__code__ != before
    assert scope["RNN"].backward.__code__ == before


def test_a_source_that_no_longer_parses_changes_nothing() -> None:
    source = NETWORK
    scope: dict = {}
    exec(compile(source, "net.py", "exec"), scope)  # noqa: S102
    edit = Edit(file="net.py", line=2, start=(2, 0), end=(2, 0), replacement="(")
    with patched(edit, source, scope) as changed:
        assert not changed
