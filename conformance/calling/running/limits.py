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
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from conformance.errors import ConformanceError

MOST_PRINTED = 20_000
"""Characters of foreign output that are kept."""

PATIENCE = 4
"""Times its limit of computing that code may take by the clock: a busy machine computes more slowly."""

AGAIN = 0.05
"""Seconds after which a time limit strikes again, should foreign code have swallowed it."""


class TookTooLong(BaseException):
    """A call ran into its time limit."""


class AskedForInput(ConformanceError):
    """Foreign code called input(), which nobody can answer."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` in the block after so many seconds of computing, or `PATIENCE` times as many by the clock.

    It has no effect outside the main thread. A copy of the process that the block has made by os.fork() ends with the
    block, and judges nothing.
    """
    process = os.getpid()
    try:
        with _alarm(seconds):
            yield
    finally:
        if os.getpid() != process:
            os._exit(0)


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def strike(number: int, _frame: object) -> None:
        took = f"{seconds:g} s of computing" if number == signal.SIGPROF else f"{PATIENCE * seconds:g} s"
        message = f"no answer within {took}"
        raise TookTooLong(message)

    clocks = (
        (signal.SIGPROF, signal.ITIMER_PROF, seconds),
        (signal.SIGALRM, signal.ITIMER_REAL, PATIENCE * seconds),
    )
    before = {number: signal.signal(number, strike) for number, _, _ in clocks}
    for _, clock, allowed in clocks:
        signal.setitimer(clock, allowed, AGAIN)
    try:
        yield
    finally:
        for number, clock, _ in clocks:
            signal.setitimer(clock, 0)
            signal.signal(number, before[number])


@dataclass(slots=True, kw_only=True)
class Allowance:
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


class Printed(io.TextIOBase):
    """A text file that keeps the first `MOST_PRINTED` characters written to it."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._room = MOST_PRINTED

    def write(self, text: str, /) -> int:
        """Keep what there is room for."""
        if self._room > 0:
            self._kept.append(text[: self._room])
            self._room -= len(text)
        return len(text)

    def writable(self) -> bool:
        """Text can be written."""
        return True

    def text(self) -> str:
        """Return what was kept."""
        return "".join(self._kept)


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


@contextlib.contextmanager
def sandbox() -> Iterator[Printed]:
    """Run foreign code in an empty temporary folder with its prints kept, its questions refused, its warnings unheard.

    The state of the global random generators is put back afterwards.
    """
    printed = Printed()
    numpy_state, python_state = np.random.get_state(), random.getstate()
    asked = builtins.input
    builtins.input = _refused
    try:
        with (
            empty_folder(),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            warnings.simplefilter("ignore")
            yield printed
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
