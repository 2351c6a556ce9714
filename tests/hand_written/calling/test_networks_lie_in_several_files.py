"""A network whose passes, or whose loss, lie in several files is checked by a target for each."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from support.backward_passes_alone import NAMED, PLAIN, walk

import conformance
from conformance.cli import cli
from conformance.errors import NoSuchTarget
from conformance.record.check import CheckRecord

FORWARD = """
import numpy as np

def forward(xs, W_x, W_h, W_y):
    hs, ys = [np.zeros(len(W_h))], []
    for x in xs:
        hs.append(np.tanh(W_x @ x + W_h @ hs[-1]))
        ys.append(W_y @ hs[-1])
    return hs, ys
"""

GLOBAL_FORWARD = """
import numpy as np
from weights import W_x, W_h, W_y

def forward(xs):
    hs, ys = [np.zeros(len(W_h))], []
    for x in xs:
        hs.append(np.tanh(W_x @ x + W_h @ hs[-1]))
        ys.append(W_y @ hs[-1])
    return hs, ys
"""

WEIGHTS = "import numpy as np\nW_x, W_h, W_y = np.ones((6, 4)), np.ones((6, 6)), np.ones((5, 6))\n"

CLASS = """
import numpy as np

class RNN:
    def __init__(self, n_in, n_hidden, n_out):
        self.A, self.B = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
        self.C = np.random.randn(n_out, n_hidden)

    def forward(self, xs):
        self.xs, self.hs, ys = xs, [np.zeros(len(self.B))], []
        for x in xs:
            self.hs.append(np.tanh(self.A @ x + self.B @ self.hs[-1]))
            ys.append(self.C @ self.hs[-1])
        return np.array(ys)

    def backward(self, ys, targets):
        gA, gB, gC, later = 0 * self.A, 0 * self.B, 0 * self.C, 0
        for t in reversed(range(len(self.xs))):
            d = 2 * (ys[t] - targets[t]) / len(ys)
            gC += np.outer(d, self.hs[t + 1])
            a = (self.C.T @ d + later) * (1 - self.hs[t + 1] ** 2)
            gA += np.outer(a, self.xs[t])
            gB += np.outer(a, self.hs[t])
            later = self.B.T @ a
        return gA, gB, gC
"""

LOSS = "def squared_error(ys, targets):\n    return ((ys - targets) ** 2).sum() / len(ys)\n"
BACK = PLAIN["name"]


def written(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = folder.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def checked(folder: Path, *targets: str) -> CheckRecord:
    return conformance.check(" ".join(str(folder / target) for target in targets)).record


def test_the_two_passes_may_lie_in_two_files(tmp_path: Path) -> None:
    written(tmp_path, ahead=FORWARD, back=walk(NAMED))
    record = checked(tmp_path, "ahead.py:forward", f"back.py:{BACK}")
    assert (record.verdict, record.forward, record.backward) == ("conforms", "agrees", "agrees"), (
        record.headline
    )


def test_a_mistake_in_the_second_file_is_pointed_at(tmp_path: Path) -> None:
    written(tmp_path, ahead=FORWARD, back=walk(NAMED | {"turned": ""}))
    record = checked(tmp_path, "ahead.py:forward", f"back.py:{BACK}")
    assert (record.verdict, record.forward) == ("differs", "agrees")
    assert record.diagnosis is not None
    assert "back.py" in str(record.diagnosis.suspects)


def test_both_may_share_what_a_third_file_holds(tmp_path: Path) -> None:
    shared = walk(NAMED | {"arguments": "xs, hs, ys, targets"}).replace(
        "import numpy as np", "from weights import *"
    )
    written(tmp_path, weights=WEIGHTS, ahead=GLOBAL_FORWARD, back=shared)
    record = checked(tmp_path, "ahead.py:forward", f"back.py:{BACK}")
    assert record.verdict == "conforms", record.headline


def test_modules_of_a_package_are_targets_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, net____init__="", net__ahead=FORWARD, net__back=walk(NAMED))
    monkeypatch.chdir(tmp_path)
    assert conformance.check(f"net.ahead:forward net.back:{BACK}").record.verdict == "conforms"


def test_a_loss_beside_a_class_is_the_one_that_counts(tmp_path: Path) -> None:
    written(tmp_path, network=CLASS, losses=LOSS)
    alone = checked(tmp_path, "network.py:RNN")
    assert (alone.verdict, alone.scale is not None) == ("conforms-up-to-a-constant", True)
    assert checked(tmp_path, "network.py:RNN", "losses.py:squared_error").verdict == "conforms"


def test_the_command_takes_them_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, ahead=FORWARD, back=walk(NAMED))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["check", "ahead.py:forward", f"back.py:{BACK}"])
    assert done.exit_code == 0, done.output
    assert f"reproduce: conformance check ahead.py:forward back.py:{BACK}" in done.output
    made = CliRunner().invoke(cli, ["init", "ahead.py:forward", f"back.py:{BACK}"])
    assert made.exit_code == 0, made.output
    assert conformance.check("ahead_adapter.py:network").record.verdict == "conforms"


def test_a_name_that_is_in_neither_is_told(tmp_path: Path) -> None:
    written(tmp_path, ahead=FORWARD, back=walk(NAMED))
    with pytest.raises(NoSuchTarget, match=r"no 'back_over_tme' in .*the nearest name is back_over_time"):
        checked(tmp_path, "ahead.py:forward", "back.py:back_over_tme")


def test_a_forward_pass_alone_is_judged_as_that(tmp_path: Path) -> None:
    written(tmp_path, ahead=FORWARD)
    record = checked(tmp_path, "ahead.py:forward")
    assert (record.verdict, record.exit_code) == ("forward-conforms", 0)
