"""The process between a check and the one in which foreign code runs: it outlives both and leaves nothing behind.

    python -m conformance.hand_written.checking.keeper COMMAND …

It runs COMMAND with a temporary folder of its own, until that ends, takes too much, or whoever asked is gone, however
that came about: then its standard input ends. At last everything that was started is ended, the folder deleted, and
what was printed on the standard output sent on, as a message of `conformance.hand_written.checking.worker`. It ends as
COMMAND did.
Nothing heavy is imported here.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

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
    """A command that runs in a group of its own, and all that it has started as far as it was seen."""

    def __init__(self, command: Sequence[str], folder: str) -> None:
        places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), folder)
        self._output, output = os.pipe()
        self.process = subprocess.Popen(  # noqa: S603 - what conformance.hand_written.checking.process asks for
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            env=os.environ | places,
            start_new_session=True,
        )
        os.close(output)
        self.printed = b""
        self.complaint = ""
        self._folder = folder
        self._seen: set[psutil.Process] = set()
        self._reader = self._aside(self._read)

    def run(self, asking: int) -> int:
        """Return the status that the command ends with; end it where the file `asking` ends, or it takes too much."""
        self._aside(lambda: self._wait_for(asking))
        self._aside(self._watch)
        status = self.process.wait()
        self.end()
        self._reader.join(timeout=TICK)  # who has left unseen may hold the pipe open
        return status

    def _aside(self, work: object) -> threading.Thread:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    def _wait_for(self, asking: int) -> None:
        """End the command as soon as nobody asks for it any more."""
        while os.read(asking, 2**10):
            pass
        self.end()

    def _read(self) -> None:
        """Keep the beginning of what is printed, and read the rest, so that it neither blocks nor fills anything."""
        while piece := os.read(self._output, 2**16):
            self.printed = (self.printed + piece)[: 4 * MOST_PRINTED + 1]

    def _watch(self) -> None:
        """Look at what is taken, and end what takes too much."""
        while self.process.poll() is None:
            time.sleep(TICK)
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
        """End the command and all that it has started, in whatever session."""
        import psutil

        for _ in range(TRIES):
            left = [process for process in {*self._seen, *self._there()} if _runs(process)]
            for process in left:
                with suppress(psutil.Error):  # it may have ended meanwhile
                    process.kill()
            if not left:
                return
            time.sleep(BLINK)


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
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(
                getattr(signal, name), lambda *_: None
            )  # SIG_IGN would be inherited, and this isn't
    if sys.platform == "linux":
        import ctypes

        set_child_subreaper = 36
        with suppress(AttributeError):  # another libc
            ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def end_like(status: int) -> None:
    """End this process as another one ended, by the same signal if it was one."""
    if status >= 0:
        sys.exit(status)
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the other one has left a core file, if any is wanted
    with suppress(OSError):  # SIGKILL has no handler
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)


def say(kind: str, text: str) -> None:
    """Send one message, on a line of its own whatever was being said."""
    sys.stderr.write(f"\n{kind} {json.dumps(text)}\n")
    sys.stderr.flush()


def main(command: Sequence[str]) -> None:
    """Run a command, and end as it ends."""
    outlive()
    folder = tempfile.mkdtemp(prefix="conformance-")
    try:
        kept = Kept(command, folder)
        status = kept.run(sys.stdin.fileno())
    finally:
        _delete(folder)
    if kept.complaint:
        say("complaint", kept.complaint)
        status = 1
    text = kept.printed.decode("utf-8", "replace")
    say("printed", text if len(text) <= MOST_PRINTED else text[:MOST_PRINTED] + "\n…")
    end_like(status)


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


if __name__ == "__main__":
    main(sys.argv[1:])
