"""What foreign code may do while it is called: how long it may take, what it may print, ask, read and write."""

import builtins
import contextlib
import io
import os
import random
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from conformance.errors import ConformanceError

MOST_PRINTED = 20_000
"""Characters of foreign output that are kept."""

AGAIN = 0.05
"""Seconds after which a time limit strikes again, should foreign code have swallowed it."""

TEXT = "the quick brown fox jumps over the lazy dog\n" * 8
"""What a data file holds that isn't there."""


class TookTooLong(BaseException):
    """A call ran into its time limit."""


class AskedForInput(ConformanceError):
    """Foreign code called input(), which nobody can answer."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` in the block after so many seconds; without effect outside the main thread.

    A copy of the process that the block has made by os.fork() ends with the block, and judges nothing.
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

    def strike(_signal: int, _frame: object) -> None:
        message = f"no answer within {seconds:g} s"
        raise TookTooLong(message)

    before = signal.signal(signal.SIGALRM, strike)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


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


def harmless_open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
    """Open what exists for reading; give a made-up text for what doesn't; keep what is written in memory."""
    reads = not set(mode) & set("wax+")
    if reads and isinstance(file, (str, os.PathLike)) and Path(file).exists():
        return Path(file).open(mode, *args, **kwargs)
    if "b" in mode:
        return io.BytesIO(TEXT.encode() if reads else b"")
    return io.StringIO(TEXT if reads else "")


def _refused(prompt: object = "", /) -> str:
    sys.stdout.write(f"{prompt}\n")  # it belongs to what the code printed
    message = f"it called input({prompt!r}), and nobody is there to answer"
    raise AskedForInput(message)
