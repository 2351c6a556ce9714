"""What foreign code may do while it is called: how long it may take, what it may print and ask."""

import builtins
import contextlib
import io
import os
import random
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from msgspec import Struct

from conformance.errors import ConformanceError

PATIENCE = 4
"""Times its limit of computing that code may take by the clock: a busy machine computes more slowly."""

AGAIN = 0.05
"""Seconds after which a time limit strikes again, should foreign code have swallowed it."""


class TookTooLong(BaseException):
    """A call ran into its time limit."""


class AskedForInput(ConformanceError):
    """Foreign code called input(), which nobody can answer."""


@contextlib.contextmanager
def time_limit(seconds: float, *, copies_go_on: bool = False) -> Iterator[None]:
    """Raise `TookTooLong` in the block after so many seconds of computing, or `PATIENCE` times as many by the clock.

    It has no effect outside the main thread. A copy of the process that the block has made by os.fork() ends with the
    block, and judges nothing, unless `copies_go_on`.
    """
    process = os.getpid()
    try:
        with _ALARM.set_to(seconds):
            yield
    finally:
        if os.getpid() != process and not copies_go_on:
            os._exit(0)


@contextlib.contextmanager
def waiting_for_a_copy() -> Iterator[None]:
    """Count no time by the clock in the block: a copy of this process computes in it, which has limits of its own."""
    left = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *left)


class _Alarm(Struct):
    """The signals by which a block is ended: handlers that stay for a block of many limits, and the limit in force."""

    heard: bool = False
    seconds: float = 0.0

    @contextlib.contextmanager
    def handlers(self) -> Iterator[None]:
        """Have the signals handled in the block; to set a handler takes longer than a call of a small network."""
        unheard = not hasattr(signal, "setitimer")
        if self.heard or unheard or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._strike) for number in (signal.SIGPROF, signal.SIGALRM)}
        self.heard = True
        try:
            yield
        finally:
            self.heard = False
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def set_to(self, seconds: float) -> Iterator[None]:
        """Strike in the block after so many seconds of computing, or `PATIENCE` times as many by the clock."""
        with self.handlers():
            if not self.heard or threading.current_thread() is not threading.main_thread():
                yield
                return
            self.seconds = seconds
            signal.setitimer(signal.ITIMER_PROF, seconds, AGAIN)
            signal.setitimer(signal.ITIMER_REAL, PATIENCE * seconds, AGAIN)
            try:
                yield
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
                signal.setitimer(signal.ITIMER_REAL, 0)

    def _strike(self, number: int, _frame: object) -> None:
        computed = number == signal.SIGPROF
        took = f"{self.seconds:g} s of computing" if computed else f"{PATIENCE * self.seconds:g} s"
        message = f"no answer within {took}"
        raise TookTooLong(message)


_ALARM = _Alarm()


class Allowance(Struct, kw_only=True):
    """What single calls of a network may take, in seconds of computing.

    `call` is there for each; a network has T = 7 steps of six units to do. `spare` is there once, for what happens in a
    first call: compilers run, libraries are imported. A call that hangs spends it, and later ones have `call` alone.
    """

    call: float = 2.0
    spare: float = 12.0

    def follow(self, seconds: float) -> None:
        """Allow calls their part of the limit on a whole check: the usual amounts of the usual 60 s."""
        self.call, self.spare = seconds / 30, seconds / 5

    @contextlib.contextmanager
    def one_call(self) -> Iterator[None]:
        """Raise `TookTooLong` in the block once it has taken what a call may take."""
        computed, waited = time.process_time(), time.monotonic()
        try:
            with time_limit(self.call + self.spare):
                yield
        finally:
            took = max(time.process_time() - computed, (time.monotonic() - waited) / PATIENCE)
            self.spare = max(0.0, self.spare - max(0.0, took - self.call))


CALLS = Allowance()
"""What the calls in this process may take; the process of a check lets it follow the check's own limit."""


class Unheard(io.TextIOBase):
    """A text file that keeps nothing of what is written to it."""

    def write(self, text: str, /) -> int:
        """Take the text."""
        return len(text)

    def writable(self) -> bool:
        """Text can be written."""
        return True


@contextlib.contextmanager
def empty_folder() -> Iterator[None]:
    """Let the block run in an empty temporary folder, where what foreign code writes by a relative name is lost."""
    folder = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="conformance-") as empty:
        os.chdir(empty)
        try:
            yield
        finally:
            os.chdir(folder)


_SANDBOXES: list[Path] = []
"""The folders of the sandboxes that this process is in, the innermost last."""


@contextlib.contextmanager
def sandbox() -> Iterator[None]:
    """Run foreign code in an empty temporary folder, its prints and warnings unheard, its questions refused.

    The state of the global random generators is put back afterwards. A sandbox in another one is that one, unless its
    folder is empty no more.
    """
    if _SANDBOXES[-1:] == [folder := Path.cwd()] and not any(folder.iterdir()):
        yield
        return
    unheard = Unheard()
    numpy_state, python_state = np.random.get_state(), random.getstate()
    asked = builtins.input
    builtins.input = _refused
    try:
        with (
            empty_folder(),
            _ALARM.handlers(),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
            contextlib.redirect_stdout(unheard),
            contextlib.redirect_stderr(unheard),
        ):
            warnings.simplefilter("ignore")
            _SANDBOXES.append(Path.cwd())
            try:
                yield
            finally:
                _SANDBOXES.pop()
    finally:
        builtins.input = asked
        np.random.set_state(numpy_state)
        random.setstate(python_state)


def seeded() -> None:
    """Put the global random generators into one known state."""
    np.random.seed(0)
    random.seed(0)


def _refused(prompt: object = "", /) -> str:
    sys.stdout.write(f"{prompt}\n")  # it belongs to what the code printed
    message = f"it called input({prompt!r}), and nobody is there to answer"
    raise AskedForInput(message)
