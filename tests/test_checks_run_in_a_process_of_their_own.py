"""`conformance check` runs foreign code in a process of its own: whatever it does, the answer is a record."""

import pytest

from conformance.checking.process import checked_apart

NETWORK = """
import os, signal, time
from pathlib import Path
from conformance import Observation

class Shows:
    name, description = "shows", ""

    def run(self, problem):
        os.write(1, b"from C;")
        return Observation()

class Litters(Shows):
    def run(self, problem):
        Path("litter.txt").write_text("here")
        return Observation()

class Hangs(Shows):
    def run(self, problem):
        while True:
            pass

class Sleeps(Shows):
    def run(self, problem):
        time.sleep(600)

class Dies(Shows):
    def run(self, problem):
        os.kill(os.getpid(), signal.SIGSEGV)

class Leaves(Shows):
    def run(self, problem):
        raise SystemExit(0)

class TakesTooMuch(Shows):
    def run(self, problem):
        bytearray(2**40)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "network.py"
    path.write_text(NETWORK)
    return path


@pytest.mark.parametrize(
    ("name", "seconds", "words"),
    [
        ("Hangs", 2.0, "No answer within"),
        ("Sleeps", 1.5, "No answer within 6 seconds,"),
        ("Dies", 60.0, "SIGSEGV"),
        ("Leaves", 60.0, "SystemExit"),
        ("TakesTooMuch", 60.0, "MemoryError"),
        ("Missing", 60.0, "Missing"),
    ],
)
def test_an_end_without_results_is_an_answer(file, name, seconds, words):
    record = checked_apart(f"{file}:{name}", "", seconds=seconds)
    assert record.verdict == "failed"
    assert record.exit_code == 5
    assert words in record.headline


def test_what_code_prints_is_kept_and_does_not_disturb(file):
    steps = []
    record = checked_apart(f"{file}:Shows", "", progress=steps.append)
    assert set(record.printed.split(";")) == {"from C", ""}
    assert steps


def test_what_code_writes_by_a_relative_name_is_lost_with_its_folder(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert checked_apart(f"{file}:Litters", "").verdict == "undecided"
    assert list(tmp_path.iterdir()) == []


def test_what_a_torch_module_writes_by_a_relative_name_is_lost_too(tmp_path, monkeypatch):
    source = """
import pathlib

import torch


class Writes(torch.nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        pathlib.Path("built.txt").write_text("one")
        self.rnn = torch.nn.RNN(input_size, hidden_size)

    def forward(self, x):
        pathlib.Path("called.txt").write_text("two")
        return self.rnn(x)[0]
"""
    folder = tmp_path / "working"
    folder.mkdir()
    (tmp_path / "module.py").write_text(source)
    monkeypatch.chdir(folder)
    assert checked_apart(f"{tmp_path / 'module.py'}:Writes", "").verdict == "conforms"
    assert list(folder.iterdir()) == []
