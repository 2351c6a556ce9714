"""How a process is started that answers a question: as a copy of the keeper, or where that isn't safe as a program."""

import gc
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

SIGNALS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")
    if hasattr(signal, name)
]
"""What asks a process to end: the keeper outlives it, those that it starts needn't."""

PLACES = ("TMPDIR", "TEMP", "TMP")
"""Variables that name the folder for temporary files."""

WORKER = "conformance.hand_written.checking.worker"


class Process(Protocol):
    """A process that was started."""

    def wait(self) -> int:
        """Return the status that it ends with, −n where signal n has ended it."""


Start = Callable[[bytes, str, int], Process]
"""Starts a process that answers a question, in a session of its own: the question, its folder, its standard output."""


def usual() -> Start:
    """Return how processes are started on this system.

    On Linux what a check takes is imported once, and each process begins with it. Elsewhere libraries of the system may
    not survive the copy of a process, or there are none.
    """
    if sys.platform != "linux":
        return started
    gc.disable()
    from conformance.hand_written.checking.worker import main

    gc.freeze()  # what is never collected is never copied for that
    gc.enable()
    return lambda question, folder, output: copied(lambda: main(question), folder, output)


class Copy:
    """A copy of this process."""

    def __init__(self, number: int) -> None:
        self._number = number

    def wait(self) -> int:
        """Return the status that it ends with, −n where signal n has ended it."""
        _, status = os.waitpid(self._number, 0)
        return os.waitstatus_to_exitcode(status)


def copied(work: Callable[[], None], folder: str, output: int) -> Copy:
    """Do some work in a copy of this process, which ends with it."""
    if number := os.fork():
        return Copy(number)
    with suppress(BaseException):  # the copy must not go on with what is the keeper's
        os.setsid()
        for signal_number in SIGNALS:
            signal.signal(signal_number, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        for file in (nothing, output):
            os.close(file)
        os.environ.update(dict.fromkeys(PLACES, folder))
        tempfile.tempdir = folder
        work()
    os._exit(1)


def started(question: bytes, folder: str, output: int) -> subprocess.Popen[bytes]:
    """Start a worker as a program, and ask it."""
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", WORKER],
        stdin=subprocess.PIPE,
        stdout=output,
        env=os.environ | dict.fromkeys(PLACES, folder),
        start_new_session=True,
    )
    with suppress(OSError), process.stdin:  # it may have ended already
        process.stdin.write(question)
    return process
