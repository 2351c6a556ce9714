"""The parent's side of a check in a process of its own: limits on time, and an answer whatever becomes of the child."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from time import monotonic

import msgspec

from conformance.checking.answers import Asked, failed_record, out_of_time_record
from conformance.errors import UsageError
from conformance.record.check import CheckRecord

TIME_LIMIT = 60.0
"""Seconds of computing that a check may take altogether before its process is ended."""

PATIENCE = 4
"""Times that limit, by the clock: a busy machine computes more slowly, and code that sleeps computes nothing."""

OUT_OF_TIME = -getattr(signal, "SIGXCPU", 0)
"""The status of a process that was ended because it had computed for so long, where the system knows such limits."""

WORKER = "conformance.checking.worker"

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Small networks are faster on a single thread of linear algebra, and repeatable."""

ONE_ORDER = {"PYTHONHASHSEED": "0"}
"""Sets of names have the same order in every process, so that code which goes through one gives the same each time."""


@dataclass(slots=True)
class Heard:
    """What a child has said so far."""

    steps: list[str] = field(default_factory=list)
    complaint: str = ""
    record: CheckRecord | None = None

    def take(self, line: bytes, progress: Callable[[str], None]) -> None:
        """Take one message; leave what is none."""
        kind, _, content = line.partition(b" ")
        try:
            text = msgspec.json.decode(content, type=str)
            record = msgspec.json.decode(text, type=CheckRecord) if kind == b"record" else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            return  # foreign code has written to every file that is open, and this is no message
        if record is not None:
            self.record = record
        elif kind == b"complaint":
            self.complaint = text
        else:
            self.steps.append(text)
            progress(text)


def checked_apart(
    target: str,
    case: str,
    *,
    seconds: float = TIME_LIMIT,
    progress: Callable[[str], None] = lambda _: None,
    execute: bool = False,
) -> CheckRecord:
    """Check `target` in a process of its own and return the record, whatever the code does to that process.

    Parameters
    ----------
    target
        `file.py:Name`, `package.module:Name` or `notebook.ipynb:Name`.
    case
        The id of the case to check it on, or "" for the one that it admits.
    seconds
        Of computing, after which the process is ended, and the record says how far it came; by the clock it may take
        `PATIENCE` times as many.
    progress
        Told what comes next, in a few words.
    execute
        Whether all of the target's script is run first, as it stands; else only its definitions are.

    Raises
    ------
    UsageError
        If the target is in a file that isn't there.
    """
    _refuse_what_is_not_there(target)
    asked, heard = Asked.on_the_command_line(target, case, execute=execute), Heard()
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module; the target is an argument, not a command
        [sys.executable, "-m", WORKER, target, case, str(seconds), *(["--execute"] if execute else [])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | ONE_THREAD | ONE_ORDER,
        start_new_session=True,
    ) as child:
        try:
            in_time = _listen(child, heard, progress, monotonic() + PATIENCE * seconds)
        finally:
            _end_all(child)  # its work is done, or its time is up, or nobody waits for it any more
        complaint = child.stderr.read().decode("utf-8", "replace") if child.stderr is not None else ""
        code = child.wait()
    if heard.record is not None:
        return heard.record
    if not in_time or code == OUT_OF_TIME:
        return out_of_time_record(asked, _how_far(heard, seconds, by_the_clock=not in_time))
    return failed_record(asked, _end(heard, code, complaint))


def _refuse_what_is_not_there(target: str) -> None:
    path = Path(target.rpartition(":")[0] or target)
    if path.suffix in (".py", ".ipynb") and not path.is_file():
        message = f"There is no file {path}. Pass file.py:Name, notebook.ipynb:Name or package.module:Name."
        raise UsageError(message)


def _end_all(child: subprocess.Popen[bytes]) -> None:
    """End a child, and what its code has started, which would keep our pipe open."""
    if not hasattr(os, "killpg"):
        child.kill()
        return
    with suppress(ProcessLookupError):  # it may have ended by itself, and nothing be left of it
        os.killpg(child.pid, signal.SIGKILL)


def _listen(
    child: subprocess.Popen[bytes], heard: Heard, progress: Callable[[str], None], deadline: float
) -> bool:
    """Take messages until the child has no more; return whether that was before the deadline."""
    lines: Queue[bytes | None] = Queue()

    def read() -> None:
        for line in child.stdout or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while heard.record is None:
        try:
            line = lines.get(timeout=max(0.0, deadline - monotonic()))
        except Empty:
            return False
        if line is None:
            child.wait()
            break
        heard.take(line, progress)
    return True


def _how_far(heard: Heard, seconds: float, *, by_the_clock: bool) -> str:
    """Return in a sentence how far a child had come whose time was up."""
    limit = f"{PATIENCE * seconds:g} seconds" if by_the_clock else f"{seconds:g} seconds of computing"
    return (
        f"No answer within {limit}, {_during(heard)}: the code hangs or is very slow. "
        "Give it more with --time-limit."
    )


def _during(heard: Heard) -> str:
    return f"while {heard.steps[-1]}" if heard.steps else "before anything was tried"


def _end(heard: Heard, code: int, complaint: str) -> str:
    """Return in a sentence how a child ended by itself that gave no record."""
    during = _during(heard)
    if code < 0:
        name, place = signal.Signals(-code).name, _place(complaint.splitlines())
        return f"The process died of {name} {during}: the code crashed the interpreter{place and f', at {place}'}."
    last = heard.complaint or (complaint.strip().splitlines() or ["it said nothing"])[-1]
    return f"The process ended with status {code} {during}: {last}"


def _place(lines: Sequence[str]) -> str:
    """Return the first place in a file that some lines speak of, empty without any."""
    return next((line.strip() for line in lines if line.lstrip().startswith("File ")), "")
