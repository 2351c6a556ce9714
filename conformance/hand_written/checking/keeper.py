"""The process between checks and those in which foreign code runs: it outlives these and leaves nothing behind.

Each line of its standard input is a question, and a process of its own answers it, with a temporary folder of its own,
until that ends, takes too much, or whoever asked is gone, however that came about: then the standard input ends. At
last everything that was started is ended, the folder deleted, and what was printed on the standard output sent on, as
a message of `conformance.hand_written.checking.worker`, and then the status that the process ended with.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.hand_written.checking.starting import SIGNALS, Start

if TYPE_CHECKING:
    import psutil

MEMORY = 4 * 2**30
"""Bytes of memory that all processes of a check may hold together."""

DISK = 2**30
"""Bytes that may lie in its folder."""

MOST_PRINTED = 4000
"""Characters of what foreign code printed that are kept."""

TICK = 0.5
"""Seconds between two looks at what is taken."""

BLINK, TRIES = 0.02, 250
"""Seconds between two tries to end all, and how many before those that start others faster than they end are left."""


class Kept:
    """A process that answers a question, and all that it has started as far as it was seen."""

    def __init__(self, start: Start, question: bytes, folder: str) -> None:
        self._output, output = os.pipe()
        self._process = start(question, folder, output)
        os.close(output)
        self.printed = b""
        self.complaint = ""
        self.next_question = b""
        self._folder = folder
        self._seen: set[psutil.Process] = set()
        self._over = threading.Event()

    def run(self, asking: int) -> int:
        """Return the status that the process ends with; end it where the file `asking` ends, or it takes too much."""
        reader, watch = self._aside(self._read), self._aside(self._watch)
        self._asking = self._aside(lambda: self._wait_for(asking))
        status = self._process.wait()
        self._over.set()
        watch.join()
        if self._seen or not childless():
            self.end()
        reader.join(timeout=TICK)  # who has left unseen may hold the pipe open
        return status

    def wait_for_the_next(self) -> bytes:
        """Return what is asked next, nothing where nobody asks any more."""
        self._asking.join()
        return self.next_question

    def _aside(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    def _wait_for(self, asking: int) -> None:
        """Read what is asked next; end the process as soon as nobody asks for it any more."""
        self.next_question = line_of(asking)
        if not self.next_question and not self._over.is_set():
            self.end()

    def _read(self) -> None:
        """Keep the beginning of what is printed, and read the rest, so that it neither blocks nor fills anything."""
        while piece := os.read(self._output, 2**16):
            self.printed = (self.printed + piece)[: 4 * MOST_PRINTED + 1]
        os.close(self._output)

    def _watch(self) -> None:
        """Look at what is taken, and end what takes too much."""
        while not self._over.wait(TICK):
            self._seen = {*self._seen, *self._there()}
            held, written = sum(map(_held, self._seen)), _size(self._folder)
            if held > MEMORY:
                self.complaint = (
                    f"it took {held / 2**30:.1f} GiB of memory, and {MEMORY / 2**30:g} GiB are allowed"
                )
            if written > DISK:
                self.complaint = f"it wrote {written / 2**30:.1f} GiB, and {DISK / 2**30:g} GiB are allowed"
            if self.complaint:
                self.end()

    def _there(self) -> "list[psutil.Process]":
        """Return the processes that descend from this one."""
        import psutil

        return psutil.Process().children(recursive=True)

    def end(self) -> None:
        """End the process and all that it has started, in whatever session."""
        import psutil

        for _ in range(TRIES):
            left = [process for process in {*self._seen, *self._there()} if _runs(process)]
            for process in left:
                with suppress(psutil.Error):  # it may have ended meanwhile
                    process.kill()
            if not left:
                return
            time.sleep(BLINK)


def childless() -> bool:
    """Return whether no process descends from this one; where orphans aren't handed to it, that isn't known.

    Children that have ended are no more: none of them must be waited for elsewhere.
    """
    if sys.platform != "linux":
        return False
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return True
    return False


def line_of(file: int) -> bytes:
    """Return the next line of a file, nothing where it ends before that does."""
    line = b""
    while not line.endswith(b"\n"):
        if not (piece := os.read(file, 2**16)):
            return b""
        line += piece
    return line


def _runs(process: "psutil.Process") -> bool:
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False  # it has ended


def _held(process: "psutil.Process") -> int:
    import psutil

    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0  # it has ended


def _size(folder: str) -> int:
    """Return how many bytes the files of a folder take up."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # it may have been deleted meanwhile
                status = Path(place, name).lstat()
                total += getattr(status, "st_blocks", status.st_size // 512) * 512
    return total


def outlive() -> None:
    """Let no signal end this process, and let what has lost its parent become a child of it, where the system can."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)  # a program would inherit SIG_IGN
    if sys.platform == "linux":
        import ctypes

        set_child_subreaper = 36
        with suppress(AttributeError):  # another libc
            ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def say(kind: str, text: str) -> None:
    """Send one message, on a line of its own whatever was being said."""
    sys.stderr.write(f"\n{kind} {json.dumps(text)}\n")
    sys.stderr.flush()


def main(start: Start) -> None:
    """Have each question answered in a process that `start` starts, until nobody asks any more."""
    outlive()
    question = line_of(sys.stdin.fileno())
    while question:
        question = _answered(question, start)


def _answered(question: bytes, start: Start) -> bytes:
    """Have one question answered, and return the next."""
    folder = tempfile.mkdtemp(prefix="conformance-")
    try:
        kept = Kept(start, question, folder)
        status = kept.run(sys.stdin.fileno())
    finally:
        _delete(folder)
    if kept.complaint:
        say("complaint", kept.complaint)
        status = 1
    text = kept.printed.decode("utf-8", "replace")
    say("printed", text if len(text) <= MOST_PRINTED else text[:MOST_PRINTED] + "\n…")
    say("ended", str(status))
    return kept.wait_for_the_next()


def _delete(folder: str) -> None:
    """Delete a folder, and what was made unwritable in it."""
    try:
        shutil.rmtree(folder)
    except OSError:
        for place, folders, files in os.walk(folder):
            for path in (Path(place, name) for name in (*folders, *files)):
                if not path.is_symlink():
                    path.chmod(0o700)
        shutil.rmtree(folder)
