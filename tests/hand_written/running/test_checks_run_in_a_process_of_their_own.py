"""`conformance check` runs foreign code in a process of its own: whatever it does, the answer is a record."""

import os
import subprocess
import sys
from time import monotonic

import pytest

from conformance.hand_written.checking.process import checked_apart

NETWORK = """
import ctypes, os, signal, threading, time
import numpy as np
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

class Unreadable(Exception):
    def __str__(self):
        raise SystemExit(0)

class RaisesTheUnreadable(Shows):
    def run(self, problem):
        raise Unreadable

class ReplacesNumpys(Shows):
    def run(self, problem):
        np.tanh = np.sin
        return Observation(output=np.zeros((7, 3, 6)))

class DeletesNumpys(Shows):
    def run(self, problem):
        del np.asarray, np.abs
        return Observation(output=[1.0])

class WritesWhereverItCan(Shows):
    def run(self, problem):
        for file in range(3, 20):
            for line in (b"nonsense", b'record "[]"', b'progress "\\xff"', b"progress 5", b"record {"):
                try:
                    os.write(file, line + b"\\n")
                except OSError:
                    pass
        return Observation()

class LeavesAProcess(Shows):
    def run(self, problem):
        if ctypes.CDLL(None).fork() == 0:
            os.setsid()
            time.sleep(600)
        return Observation()

class Floods(Shows):
    def run(self, problem):
        for _ in range(300):
            os.write(1, b"flood" * 2**15)
        return Observation()

class FillsTheDisk(Shows):
    def run(self, problem):
        with Path("big").open("wb") as file:
            file.seek(2**40)
            file.write(b"x")
        return Observation()

class IgnoresAllSignals(Shows):
    def run(self, problem):
        for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGPROF, signal.SIGXCPU, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for _ in range(20):
            threading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()
        while True:
            pass

class EndsAtOnce(Shows):
    def run(self, problem):
        os._exit(7)
"""

FORKS = """
import os
from conformance.hand_written.calling.running.limits import time_limit

with time_limit(60):
    os.fork()
print("once")
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "network.py"
    path.write_text(NETWORK)
    return path


@pytest.mark.parametrize(
    ("name", "seconds", "words"),
    [
        ("Dies", 60.0, "SIGSEGV"),
        ("Leaves", 60.0, "SystemExit"),
        ("TakesTooMuch", 60.0, "MemoryError"),
        ("RaisesTheUnreadable", 60.0, "Unreadable: its text can't be had, its __str__ raises SystemExit"),
        ("ReplacesNumpys", 60.0, "replaces numpy.tanh, which the check itself uses"),
        ("DeletesNumpys", 60.0, "replaces numpy."),
        ("EndsAtOnce", 60.0, "The process ended with status 7 while"),
        ("FillsTheDisk", 60.0, "File too large"),
    ],
)
def test_an_end_without_results_is_an_answer(file, name, seconds, words):
    record = checked_apart(f"{file}:{name}", "", seconds=seconds)
    assert record.verdict == "failed"
    assert record.exit_code == 5
    assert words in record.headline


@pytest.mark.parametrize(
    ("name", "seconds", "words"),
    [
        ("Hangs", 2.0, "No answer within"),
        ("Sleeps", 1.5, "No answer within 6 seconds, while judging it"),
        ("IgnoresAllSignals", 2.5, "No answer within 10 seconds, while judging it"),
    ],
)
def test_what_a_limit_in_time_ends_is_out_of_time_with_how_far_it_came(file, name, seconds, words):
    record = checked_apart(f"{file}:{name}", "", seconds=seconds)
    assert (record.verdict, record.exit_code) == ("out-of-time", 5)
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


def test_what_is_no_message_is_left_unread(file):
    assert checked_apart(f"{file}:WritesWhereverItCan", "").verdict == "undecided"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes can't be copied here")
def test_a_process_that_the_code_leaves_behind_delays_no_answer(file):
    begun = monotonic()
    assert checked_apart(f"{file}:LeavesAProcess", "", seconds=60.0).verdict == "undecided"
    assert monotonic() - begun < 60


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes can't be copied here")
def test_copies_that_foreign_code_makes_of_its_process_end_with_the_call():
    ran = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, check=True)
    assert ran.stdout == "once\n"


def test_of_what_is_printed_the_beginning_is_kept(file):
    printed = checked_apart(f"{file}:Floods", "").printed
    assert printed.startswith("floodflood")
    assert (len(printed), printed[-2:]) == (4002, "\n…")


def test_a_mistake_of_our_own_is_told_with_its_place(file, monkeypatch):
    broken = file.with_name("sitecustomize.py")
    broken.write_text(
        "import conformance.hand_written.checking.target as target\n"
        "def broken(*given, **named):\n    raise RuntimeError('it is ours')\n"
        "target.checked_target = broken\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(file.parent), *sys.path]))
    record = checked_apart(f"{file}:Shows", "")
    broken.unlink()
    assert record.verdict == "failed"
    assert "RuntimeError: it is ours" in record.headline
    assert "sitecustomize.py" in record.headline


def test_a_crash_is_told_with_the_line_in_which_it_happened(file):
    headline = checked_apart(f"{file}:Dies", "").headline
    assert "network.py" in headline
    assert "in run" in headline
