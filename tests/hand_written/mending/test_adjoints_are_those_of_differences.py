"""The adjoints that a tape gives of a forward pass are those that moving each element gives, however it is written."""

import numpy as np
import pytest

from conformance.hand_written.budget import Budget
from conformance.hand_written.mending.forward.adjoints import Loss, adjoints
from conformance.hand_written.mending.forward.sites import Sited
from conformance.hand_written.mending.forward.walking import walked
from conformance.hand_written.mending.functions import Live, functions_of

RNG = np.random.default_rng(16)
T, B, H = 4, 3, 5
X, W, R = RNG.normal(size=(T, B, 2)), RNG.normal(size=(2, H)), RNG.normal(size=(H, H)) / 2
COTANGENT = RNG.normal(size=(T, B, H))

WAYS = {
    "rebinds": """
        h = np.tanh(x[t] @ W + h @ R)
        hs[t] = h""",
    "adds in place": """
        z = x[t] @ W
        z += h @ R
        z *= 0.7
        h = np.tanh(z)
        hs[t] = h""",
    "reads a buffer": """
        before = hs[t - 1] if t else h
        hs[t] = np.sin(x[t].dot(W) - before.dot(R) / 2)""",
    "joins and turns": """
        z = np.concatenate([x[t], h], axis=1) @ np.vstack((W, R))
        h = np.tanh((z.T * 2).T)
        hs[t], kept = h, z""",
    "splits gates": """
        a, b = np.split(np.hstack([h @ R, x[t] @ W]), 2, axis=1)
        h = squashed(a + 1) * h + np.maximum(b, 0.1 * b)
        hs[t] = h""",
    "appends": """
        h = squashed(-(x[t] @ W) + np.dot(h, R)) ** 2
        kept.append(h.copy())
        hs[t] = kept[-1]""",
    "writes where it is told": """
        np.matmul(h, R, out=hs[t])
        hs[t] += x[t] @ W
        h = np.tanh(hs[t])
        hs[t] = h""",
}
UNTRACKED = ("writes where it is told",)
"""Ways that write unseen: there, elements are moved."""
SOURCE = """def squashed(v):
    return 1 / (1 + np.exp(-v))


def forward(x, W, R):
    hs, h, kept = np.zeros((len(x), x.shape[1], len(R))), np.ones((x.shape[1], len(R))) / 3, []
    for t in range(len(x)):{}
    return hs
"""


class Straight:
    """What a search asks of a program, of one function."""

    by_itself = False

    def __init__(self, code):
        self.code, self.cotangents = code, {"result": COTANGENT}
        self.binding = type("Binding", (), {"own": None})

    def start(self):
        return type(
            "Ran", (), {"names": {"np": np, **self.code, "x": X.copy(), "W": W.copy(), "R": R.copy()}}
        )

    def run_forward(self, ran, compiling=lambda lines: compile("\n".join(lines), "ours", "exec")):
        exec(compiling(("result = forward(x, W, R)",)), ran.names)  # noqa: S102

    def forward(self, ran):
        self.run_forward(ran)
        return (np.asarray(ran.names["result"]) * COTANGENT).reshape(T, -1).sum(axis=1)


def program_of(way):
    text = SOURCE.format(WAYS[way])
    code = {"np": np, "__name__": "hand"}
    exec(compile(text, "hand.py", "exec"), code)  # noqa: S102
    files = {"hand.py": text}
    return Straight(code), Live.of(files, code), Sited(functions_of("hand.py", text))


@pytest.mark.parametrize("by_step", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_adjoints_are_those_of_differences(way, by_step, monkeypatch):
    program, live, sited = program_of(way)
    found = adjoints(program, live, sited, Budget(), by_step=by_step)
    monkeypatch.setattr(Loss, "blamed", lambda _self, uses, _found: uses)
    moved = adjoints(program, live, sited, Budget(), by_step=by_step)
    assert len(found.of_steps) == T * by_step
    for one, other in zip((found.whole, *found.of_steps), (moved.whole, *moved.of_steps), strict=True):
        for each, right in zip(one, other, strict=True):
            assert (each.number, each.time) == (right.number, right.time)
            np.testing.assert_allclose(each.adjoint, right.adjoint, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("way", WAYS)
def test_only_what_is_written_unseen_is_moved_element_by_element(way):
    program, live, sited = program_of(way)
    with live.running(sited.codes):
        loss = Loss(program, Budget(), by_step=False)
        walk = walked(program, sited, loss.base, loss.parts)
        blamed = loss.blamed(walk.noted.uses, walk.found)
    assert bool(blamed) is (way in UNTRACKED)


def test_an_adjoint_that_is_a_little_wrong_is_blamed_alone():
    program, live, sited = program_of("rebinds")
    with live.running(sited.codes):
        loss = Loss(program, Budget(), by_step=False)
        walk = walked(program, sited, loss.base, loss.parts)
        one = walk.noted.uses[len(walk.noted.uses) // 3]
        walk.found[one.key][0].flat[1] *= 1.01
        assert [use.key for use in loss.blamed(walk.noted.uses, walk.found)] == [one.key]
