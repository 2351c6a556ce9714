"""What macOS and Windows lack or have otherwise is taken away here: everything else goes on without it."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from support.without import ROOT

from conformance import errors
from conformance.hand_written.by_example import as_used
from conformance.hand_written.calling.running import effects
from conformance.hand_written.calling.running.limits import time_limit
from conformance.hand_written.checking import keeper, process
from conformance.hand_written.checking.worker import limit
from conformance.hand_written.request import Request
from conformance.record.writing import reserved, write_set
from conformance.runs import ledger
from conformance.runs.pools import interrupts_held_back

NETWORK = """
import os

class EndsAtOnce:
    def run(self, problem):
        os._exit(0)
"""


def test_without_timers_a_limit_of_one_call_is_left_to_that_of_the_check(monkeypatch):
    monkeypatch.delattr(signal, "setitimer", raising=False)
    with time_limit(0.01):
        time.sleep(0.1)


def test_without_limits_of_the_system_a_check_is_limited_by_who_waits_for_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    limit(5.0)


def test_where_orphans_go_elsewhere_nothing_is_known_of_them(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keeper.childless()


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are handed to a keeper there alone")
def test_children_are_known_as_long_as_they_run():
    program = (
        "import subprocess, sys\n"
        "from conformance.hand_written.checking.keeper import childless\n"
        "waits = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print(childless())\nwaits.kill()\nwaits.wait()\nprint(childless())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_without_a_signal_for_computing_too_long_no_status_means_that(monkeypatch, tmp_path):
    (tmp_path / "net.py").write_text(NETWORK, encoding="utf-8")
    monkeypatch.setattr(process, "OUT_OF_TIME", None)
    record = process.checked_apart(f"{tmp_path / 'net.py'}:EndsAtOnce", "")
    assert (record.verdict, "status 0" in record.headline) == ("failed", True)


def test_sizes_are_told_where_files_have_no_blocks(monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 5120)
    monkeypatch.setattr(keeper.Path, "lstat", lambda _: SimpleNamespace(st_size=5120))
    assert keeper._size(str(tmp_path)) == 5120


def test_a_descriptor_is_named_as_macos_does_it_or_not_at_all(monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(effects.os, "readlink", lambda _: (_ for _ in ()).throw(FileNotFoundError()))
    assert effects._of_descriptor(7) == "the open file 7"
    monkeypatch.setattr(fcntl, "F_GETPATH", 50, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda *_: b"/there\0\0\0")
    assert effects._of_descriptor(7) == "/there"
    monkeypatch.setitem(sys.modules, "fcntl", None)
    assert effects._of_descriptor(7) == "the open file 7"


def test_a_command_is_quoted_as_the_shell_of_windows_takes_it(monkeypatch):
    target = "C:\\my nets\\rnn.py:Net"
    assert Request.on_the_command_line(target).reproduce == f"conformance check '{target}'"
    monkeypatch.setattr(errors, "os", SimpleNamespace(name="nt"))
    assert Request.on_the_command_line(target).reproduce == f'conformance check "{target}"'


def test_where_processes_are_not_copied_no_script_is_watched(monkeypatch, tmp_path):
    (tmp_path / "net.py").write_text("x = 1\n", encoding="utf-8")
    request = Request.on_the_command_line(str(tmp_path / "net.py"))
    monkeypatch.delattr(os, "fork", raising=False)
    assert list(as_used._uses(request, lambda _: None)) == []


def test_files_are_written_whole_without_locks_on_folders(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.delattr(os, "O_DIRECTORY", raising=False)
    with reserved(tmp_path):
        write_set(tmp_path, {"a.txt": b"whole"})
    assert (tmp_path / "a.txt").read_bytes() == b"whole"
    ledger._sync_folder(tmp_path)


def test_interrupts_come_when_they_come_where_they_can_t_be_held_back(monkeypatch):
    monkeypatch.delattr(signal, "pthread_sigmask", raising=False)
    with interrupts_held_back():
        pass


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("check", "docs/examples/hand_written.py:SumLearner", "--format", "html"), 1),
        (("init", "docs/examples/hand_written.py:SumLearner", "--output", "{out}.py"), 0),
        (("run", "--case", "rnn-tanh-T4-B3-I5-H6-f64-s0", "--subject", "reference"), 0),
    ],
)
def test_no_file_is_read_or_written_in_the_encoding_of_the_system(arguments, code, tmp_path):
    """It is cp1252 or ASCII on some: what leaves it to the system warns, and a warning is an error here."""
    strict = {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "error::EncodingWarning", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "conformance", *(part.format(out=tmp_path / "out") for part in arguments)],
        cwd=ROOT,
        env=os.environ | strict | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        check=False,
    )
    assert b"EncodingWarning" not in done.stderr, done.stderr
    assert done.returncode == code, done.stderr
