"""However a check or the one who asked for it ends, no process and no file of it remain."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from conformance.hand_written.checking.process import checked_apart
from conformance.hand_written.checking.worker import limit

WAITS = """
import ctypes, os, signal, time
from pathlib import Path

class Waits:
    def run(self, problem):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if ctypes.CDLL(None).fork() == 0:
            os.setsid()
            if ctypes.CDLL(None).fork() == 0:
                Path("closed").mkdir()
                Path("closed", "file").write_text("here")
                Path("closed").chmod(0)
                time.sleep(600)
            os._exit(0)
        time.sleep(600)
"""

MOST_WAITED = 60
"""Seconds for what takes one or two, on a busy machine."""


def until(there: Callable[[], bool]) -> bool:
    """Wait until something is so; tell whether it came about."""
    deadline = time.monotonic() + MOST_WAITED
    while not there():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(folder))
    (tmp_path / "waits.py").write_text(WAITS)
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are found by way of Linux's subreapers")
@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"])
def test_all_ends_with_the_one_who_asked(how, temporary):
    asking = subprocess.Popen(
        [sys.executable, "-m", "conformance", "check", str(temporary.parent / "waits.py")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert until(lambda: any(temporary.glob("*/*/closed")))
    started = psutil.Process(asking.pid).children(recursive=True)
    assert len(started) >= 3  # the keeper, the worker, and the one that left for a session of its own
    os.killpg(asking.pid, getattr(signal, how))
    asking.wait(MOST_WAITED)
    assert until(lambda: not alive(started))
    assert until(lambda: not list(temporary.iterdir()))


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are found by way of Linux's subreapers")
def test_all_ends_with_its_time(temporary):
    before = psutil.Process().children(recursive=True)  # of other tests: a tracker of shared resources, say
    record = checked_apart(str(temporary.parent / "waits.py"), "", seconds=2.5)
    assert "No answer within 10 seconds" in record.headline
    assert list(temporary.iterdir()) == []
    assert not alive([child for child in psutil.Process().children(recursive=True) if child not in before])


KEPT = """
from conformance.hand_written.checking import keeper, starting
keeper.{limit}, keeper.TICK = 2**26, 0.05
keeper.main(lambda question, *places: starting.copied(lambda: exec(question, {{}}), *places))
"""
TAKING = {
    "DISK": (
        "import os; os.chdir(os.environ['TMPDIR']); [open(str(n), 'wb').write(b'1' * 2**20) for n in range(9**9)]",
        b"GiB, and 0.0625 GiB are allowed",
    ),
    "MEMORY": (
        "held = [bytes([1]) * 2**20 for _ in range(9**9)]",
        b"GiB of memory, and 0.0625 GiB are allowed",
    ),
}


@pytest.mark.parametrize("what", TAKING)
def test_what_takes_too_much_is_ended_and_told(what, temporary):
    code, words = TAKING[what]
    caught = _kept(KEPT.format(limit=what), code)
    assert words in caught
    assert b'ended "1"' in caught
    assert list(temporary.iterdir()) == []


def _kept(script: str, code: str) -> bytes:
    """Return what a keeper says of code, while somebody asks for it, up to its end."""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as keeper:
        keeper.stdin.write(code.encode() + b"\n")
        keeper.stdin.flush()
        caught = b"".join(iter(keeper.stderr.readline, b'ended "1"\n')) + b'ended "1"\n'
        keeper.stdin.close()
        assert keeper.wait(MOST_WAITED) == 0
        return caught


def test_a_system_that_refuses_a_limit_is_no_failure(monkeypatch):
    resource = pytest.importorskip("resource")
    asked = []

    def refuses(what, _):
        asked.append(what)
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuses)
    limit(5.0)
    assert resource.RLIMIT_CPU in asked
