"""Of a script only definitions are run; with `--execute` all of it runs once before, and what it leaves is there."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import cli

SCRIPT = """
import numpy as np
from pathlib import Path

print("started as", __name__)
with open("words.txt") as file:
    while not file.closed:
        words = file.read().split()
        file.close()
open("written.txt", "w").write("in memory")

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.start = float(words[1])
        self.Wx, self.Wh = np.random.randn(n_hidden, n_in), np.random.randn(n_hidden, n_hidden)
        self.Wy, self.bh, self.by = np.random.randn(n_out, n_hidden), np.zeros(n_hidden), np.zeros(n_out)
    def forward(self, xs):
        self.xs, self.hs = xs, [np.full(len(self.bh), self.start)]
        for x in xs:
            self.hs.append(np.tanh(self.Wx @ x + self.Wh @ self.hs[-1] + self.bh))
        return np.array(self.hs[1:]) @ self.Wy.T + self.by

if __name__ == "__main__":
    for epoch in range(3):
        print("epoch", epoch)
    raise RuntimeError("after training")
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "words.txt").write_text("zero 0.0")
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def run(*arguments: str):
    return CliRunner().invoke(cli, list(arguments))


def test_definitions_alone_are_run_unless_asked(script: Path) -> None:
    record = json.loads(run("check", f"{script}:Net", "--format", "json").stdout)
    assert record["verdict"] == "not-called"  # its constructor needs what only a loop of the script reads
    assert record["printed"] == ""


def test_all_of_a_script_runs_once_where_asked(script: Path) -> None:
    ran = run("check", f"{script}:Net", "--execute", "--format", "json")
    record = json.loads(ran.stdout)
    assert (record["verdict"], ran.exit_code) == ("forward-conforms", 0)
    assert record["printed"].splitlines() == ["started as __main__", "epoch 0", "epoch 1", "epoch 2"]
    assert record["reproduce"].endswith(":Net --execute")
    told = " ".join([*record["notes"], *record["not_run"]])
    assert "All of the script was run once" in told
    assert "RuntimeError: after training" in told
    assert "skipped" not in told


def test_what_a_script_opens_for_writing_stays_in_memory(script: Path) -> None:
    run("check", f"{script}:Net", "--execute")
    assert sorted(path.name for path in script.parent.iterdir()) == ["script.py", "words.txt"]


def test_the_adapter_runs_the_script_as_well(script: Path) -> None:
    adapter = script.with_name("adapter.py")
    assert run("init", f"{script}:Net", "--execute", "--output", str(adapter)).exit_code == 0
    assert "execute=True" in adapter.read_text()
    assert run("check", f"{adapter}:network").exit_code == 0
