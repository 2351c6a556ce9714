"""What is given up is given up after so much work: no clock decides, no order of memory or of hashes."""

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from conformance.hand_written.budget import Budget
from conformance.hand_written.calling import Binding, bindings, finding, load
from conformance.hand_written.calling.asking import Traits, question
from conformance.hand_written.calling.forwards.passes import ASKED, case_of
from conformance.hand_written.calling.running.limits import Allowance
from conformance.hand_written.calling.running.program import EVENTS, EXHAUSTING, Ran, SearchIsOver, more, run
from conformance.hand_written.checking import checkup
from conformance.hand_written.checking.api import check

ROOT = Path(__file__).parents[3]
HANG_GUARDS = {
    "conformance/hand_written/calling/running/limits.py",
    "conformance/hand_written/checking/keeper.py",
    "conformance/hand_written/checking/process.py",
}
"""Where a limit in time ends what hangs."""

RECORD = """
from typing import NamedTuple

import numpy as np


class Weights(NamedTuple):
    into: np.ndarray  # (I, H)
    around: np.ndarray  # (H, H)
    bias: np.ndarray
    out: np.ndarray  # (H, O)
    shift: np.ndarray


def fresh(rng, n_in, n_hidden, n_out):
    shapes = (n_in, n_hidden), (n_hidden, n_hidden), (n_hidden,), (n_hidden, n_out), (n_out,)
    return Weights(*(rng.normal(size=shape) for shape in shapes))


def forward(w, x, h):
    kept = [h]
    for x_t in x:
        kept.append(np.tanh(x_t @ w.into + kept[-1] @ w.around + w.bias))
    kept = np.stack(kept)
    return kept[1:] @ w.out + w.shift, (x, kept)


def backward(w, cache, dy):
    x, kept = cache
    dh, da = np.zeros_like(kept[0]), np.empty_like(kept[1:])
    for t in reversed(range(len(x))):
        dh = dh + dy[t] @ w.out.T
        da[t] = dh * (1 - kept[t + 1] ** 2)
        dh = da[t] @ w.around.T
    return Weights(
        np.einsum("tbi,tbh->ih", x, da),
        np.einsum("tbg,tbh->gh", kept[:-1], da),
        da.sum((0, 1)),
        np.einsum("tbh,tbo->ho", kept[1:], dy),
        dy.sum((0, 1)),
    )
"""

PLAIN = """
import numpy as np


class Plain:
    def __init__(self, n_in, n_hidden, n_out):
        self.W = np.ones((n_hidden, n_in))
        self.U = np.ones((n_hidden, n_hidden))
        self.V = np.ones((n_out, n_hidden))

    def forward(self, x):
        self.x, self.h = x, [np.zeros(len(self.U))]
        for x_t in x:
            self.h.append(np.tanh(self.W @ x_t + self.U @ self.h[-1]))
        return np.array([self.V @ h for h in self.h[1:]])

    def backward(self, dy):
        dW, dU, dV = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.V)
        dh = np.zeros(len(self.U))
        for t in reversed(range(len(dy))):
            dV += np.outer(dy[t], self.h[t + 1])
            da = (self.V.T @ dy[t] + dh) * SLOPE
            dW += np.outer(da, self.x[t])
            dU += np.outer(da, self.h[t])
            dh = self.U.T @ da
        return dW, dU, dV
"""
RIGHT = PLAIN.replace("SLOPE", "(1 - self.h[t + 1] ** 2)")
WRONG = PLAIN.replace("SLOPE", "(1 - np.tanh(self.h[t + 1]) ** 2)")


def written(folder: Path, text: str) -> str:
    path = folder / "network.py"
    path.write_text(text)
    return str(path)


def found_in(target: str) -> list[tuple[str, ...]]:
    """Return every way of calling a target that a search finds, as lines."""
    ways = [way for way in bindings(load(target)) if isinstance(way, Binding)]
    return [(*way.build, *way.forward, *way.backward) for way in ways]


def test_no_clock_is_read_but_to_end_what_hangs():
    rooms = [ROOT / "conformance" / room for room in ("calling", "checking", "diagnose")]
    files = sorted(path for room in rooms for path in room.rglob("*.py"))
    reading = {
        path.relative_to(ROOT).as_posix()
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and node.module == "time")
        or (isinstance(node, ast.Import) and any(name.name == "time" for name in node.names))
    }
    assert reading <= HANG_GUARDS


def test_a_part_of_a_budget_is_spent_from_the_whole():
    whole = Budget(most=5)
    part = whole.part(4)
    part.spend(3)
    assert (part.left, whole.left, whole.spent) == (1, 2, 3)
    whole.spend(2)
    assert (part.left, part.over, whole.over) == (0, True, True)
    assert not Budget(spent=10**9).over


@pytest.mark.parametrize("text", [RIGHT, WRONG, RECORD])
def test_a_clock_that_runs_ahead_changes_nothing(tmp_path, monkeypatch, text):
    target = written(tmp_path, text)
    before = found_in(target)
    for name in ("process_time", "perf_counter", "monotonic", "time"):
        ahead = iter(range(0, 10**9, 1000))
        monkeypatch.setattr(time, name, lambda ahead=ahead: float(next(ahead)))
    assert found_in(target) == before != []


@pytest.mark.parametrize(("text", "most"), [(RIGHT, 100), (RECORD, 250)])
def test_an_ordinary_right_network_takes_few_calls(tmp_path, monkeypatch, text, most):
    monkeypatch.setattr(finding, "MOST_CALLS", most)
    monkeypatch.setattr(finding, "FOR_OTHERS", 0)
    way = next(bindings(load(written(tmp_path, text))))
    assert isinstance(way, Binding)
    assert not way.cut_short


def test_a_search_whose_calls_are_spent_says_so(tmp_path, monkeypatch):
    target, told = written(tmp_path, WRONG), []
    assert not any(way.cut_short for way in bindings(load(target)))
    monkeypatch.setattr(finding, "MOST_CALLS", 40)
    monkeypatch.setattr(finding, "FOR_OTHERS", 0)
    ways = list(bindings(load(target), told.append))
    assert all(way.cut_short for way in ways)
    assert told[-1] == "the search ended after 40 calls; going on with the best that was found"


def test_calls_are_counted_by_what_they_do(tmp_path, monkeypatch):
    loaded = load(written(tmp_path, "def many(n):\n    for _ in range(n):\n        abs(n)\n"))
    p = question(case_of(ASKED, batched=False), Traits()).p

    def cost(line: str) -> int:
        loaded.calls = Budget()
        run(loaded, p, (line,))
        return loaded.calls.spent

    assert cost("code.many(10)") == 1
    assert cost(f"code.many({5 * EVENTS})") == 11
    monkeypatch.setattr(
        "conformance.hand_written.calling.running.program.CALLS", Allowance(call=0.02, spare=0.0)
    )
    assert cost("while True: pass") == EXHAUSTING
    loaded.calls = Budget(most=0)
    with pytest.raises(SearchIsOver, match="after 0 calls"):
        more(loaded, Ran(names={}), ("x = 1",))


def test_a_network_without_biases_settles_its_check_at_once(monkeypatch):
    request = []

    def counted(bounds):
        for bound in bounds:
            request.append(bound)
            yield bound

    choose = checkup.choose
    monkeypatch.setattr(checkup, "choose", lambda bounds: choose(counted(bounds)))
    code = {"__name__": "plain"}
    exec(RIGHT, code)  # noqa: S102 - the text above
    assert check(code["Plain"]).verdict == "conforms"
    assert len(request) == 1


def test_the_same_evidence_is_searched_once(monkeypatch):
    searched = []
    diagnosed, choose = checkup.diagnosed, checkup.choose
    monkeypatch.setattr(checkup, "diagnosed", lambda *given: searched.append(given) or diagnosed(*given))

    def thrice(bounds):
        choice = choose(bounds)
        return structs.replace(choice, candidates=(choice.candidates[0],) * 3)

    monkeypatch.setattr(checkup, "choose", thrice)
    monkeypatch.setattr(checkup.Checkup, "misplaced", True)  # so that one mistake ends no search
    code = {"__name__": "plain"}
    exec(WRONG, code)  # noqa: S102 - the text above
    assert check(code["Plain"]).verdict == "differs"
    assert len(searched) == 1


def test_the_record_is_the_same_for_every_seed_of_hashes(tmp_path):
    target = written(tmp_path, WRONG)
    script = (
        "import sys; from conformance.hand_written.request import Request;"
        "from conformance.hand_written.checking.target import checked_target; import msgspec;"
        "asked = Request.on_the_command_line(sys.argv[1]);"
        "record = checked_target(sys.argv[1], '', asked, lambda _: None);"
        "sys.stdout.buffer.write(msgspec.json.encode(record))"
    )
    records = {
        subprocess.run(
            [sys.executable, "-c", script, target],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(records) == 1
    assert msgspec.json.decode(records.pop())["verdict"] == "differs"
