"""The parent's side of a check in processes of their own: limits on time, and an answer whatever becomes of them."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, Queue
from time import monotonic

import msgspec
from msgspec import Struct, field

from conformance.errors import NoSuchTarget
from conformance.hand_written.request import MEND_FLAGS, Request, failed_record, out_of_time_record
from conformance.hand_written.target import Target, parts_of
from conformance.record.check import CheckRecord

TIME_LIMIT = 60.0
"""Seconds of computing that a check may take altogether before its process is ended."""

PATIENCE = 4
"""Times that limit, by the clock: a busy machine computes more slowly, and code that sleeps computes nothing."""

CLOSING = 20.0
"""Seconds within which what was started is ended and cleared away; what still holds a pipe then isn't waited for."""

OUT_OF_TIME = -getattr(signal, "SIGXCPU", 0)
"""The status of a process that was ended because it had computed for so long, where the system knows such limits."""

KEEPER, WORKER = "conformance.hand_written.checking.keeper", "conformance.hand_written.checking.worker"

SETTINGS = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "PYTHONHASHSEED": "0",
    "PYTHONIOENCODING": "utf-8:backslashreplace",
}
"""Small networks are faster on a single thread of linear algebra, and repeatable; sets of names have the same order in
every process, so that code which goes through one gives the same each time; what is printed is always UTF-8."""


class ChildMessages(Struct):
    """What a child has said so far."""

    steps: list[str] = field(default_factory=list)
    complaint: str = ""
    refusal: str = ""
    printed: str = ""
    last_words: list[str] = field(default_factory=list)
    record: CheckRecord | None = None

    def take(self, line: bytes, progress: Callable[[str], None]) -> None:
        """Take one message; what is none may be what a dying interpreter says."""
        kind, _, content = line.partition(b" ")
        try:
            text = msgspec.json.decode(content, type=str)
            record = msgspec.json.decode(text, type=CheckRecord) if kind == b"record" else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.last_words.append(line.decode("utf-8", "replace"))
            return
        if record is not None:
            self.record = record
        elif kind == b"progress":
            self.steps.append(text)
            progress(text)
        elif kind in (b"complaint", b"refusal", b"printed"):
            setattr(self, kind.decode(), text)

    @property
    def over(self) -> bool:
        """Whether the answer is there."""
        return self.record is not None or bool(self.refusal)


def checked_apart(
    target: str,
    case: str,
    *,
    seconds: float = TIME_LIMIT,
    progress: Callable[[str], None] = lambda _: None,
    execute: bool = False,
    mend: bool | None = None,
) -> CheckRecord:
    """Check `target` in a process of its own and return the record, whatever the code does to that process.

    However this process ends, that one ends too, with all that it has started.

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
    mend
        Whether a patch of a wrong backward pass is looked for as well; by default not for long.

    Raises
    ------
    NoSuchTarget
        If there is no such file or module, or no such name in it.
    """
    _refuse_what_is_not_there(target)
    request = Request.on_the_command_line(target, case, execute=execute, mend=mend)
    messages = ChildMessages()
    python = (sys.executable, "-m")
    flags = (*(["--execute"] if execute else []), *MEND_FLAGS[mend].split())
    worker = (*python, WORKER, target, case, str(seconds), *flags)
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module; the target is an argument, not a command
        [*python, KEEPER, *worker],
        stdin=subprocess.PIPE,  # ends with this process
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | SETTINGS,
        start_new_session=True,
    ) as keeper:
        in_time = _listen(keeper, messages, progress, monotonic() + PATIENCE * seconds)
        code = keeper.wait()
    if messages.refusal:
        raise NoSuchTarget(messages.refusal)
    record = messages.record or _unfinished(request, messages, seconds, code if in_time else None)
    return msgspec.structs.replace(record, printed=messages.printed)


def _unfinished(request: Request, messages: ChildMessages, seconds: float, code: int | None) -> CheckRecord:
    """Return the record of a check that came to no answer; its status is None where its time was up."""
    if code is None or code == OUT_OF_TIME:
        return out_of_time_record(request, _how_far(messages, seconds, by_the_clock=code is None))
    return failed_record(request, _end(messages, code))


def _refuse_what_is_not_there(target: str) -> None:
    for request in map(Target.parse, parts_of(target)):
        if request.is_file and not Path(request.place).is_file():
            ways = "file.py:Name, notebook.ipynb:Name or package.module:Name"
            message = f"There is no file {request.place}. Pass {ways}."
            raise NoSuchTarget(message)


def _listen(
    keeper: subprocess.Popen[bytes], messages: ChildMessages, progress: Callable[[str], None], deadline: float
) -> bool:
    """Take messages until there are no more; return whether the answer, or the end, came before the deadline.

    Then all is ended, and what is said of that is taken too.
    """
    lines: Queue[bytes | None] = Queue()

    def read() -> None:
        for line in keeper.stderr or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    try:
        in_time = _take(lines, messages, progress, deadline, until_over=True)
    finally:
        if keeper.stdin is not None:
            keeper.stdin.close()  # its work is done, or its time is up, or nobody waits for it any more
    _take(lines, messages, progress, monotonic() + CLOSING, until_over=False)
    return in_time


def _take(
    lines: "Queue[bytes | None]",
    messages: ChildMessages,
    progress: Callable[[str], None],
    deadline: float,
    *,
    until_over: bool,
) -> bool:
    """Take messages until the last, or until the answer is there; return whether that was before the deadline."""
    while not (until_over and messages.over):
        try:
            line = lines.get(timeout=max(0.0, deadline - monotonic()))
        except Empty:
            return False
        if line is None:
            lines.put(None)  # whoever asks again is told the same
            return True
        messages.take(line, progress)
    return True


def _how_far(messages: ChildMessages, seconds: float, *, by_the_clock: bool) -> str:
    """Return in a sentence how far a child had come whose time was up."""
    limit = f"{PATIENCE * seconds:g} seconds" if by_the_clock else f"{seconds:g} seconds of computing"
    return (
        f"No answer within {limit}, {_during(messages)}: the code hangs or is very slow. "
        "Give it more with --time-limit."
    )


def _during(messages: ChildMessages) -> str:
    return f"while {messages.steps[-1]}" if messages.steps else "before anything was tried"


def _end(messages: ChildMessages, code: int) -> str:
    """Return in a sentence how a child ended by itself that gave no record."""
    during = _during(messages)
    if code < 0:
        name, place = signal.Signals(-code).name, _place(messages.last_words)
        return f"The process died of {name} {during}: the code crashed the interpreter{place and f', at {place}'}."
    lines = [line.strip() for line in messages.last_words if line.strip()]
    last = messages.complaint or (lines or ["it printed nothing"])[-1]
    return f"The process ended with status {code} {during}: {last}"


def _place(lines: Sequence[str]) -> str:
    """Return the first place in a file that some lines speak of, empty without any."""
    return next((line.strip() for line in lines if line.lstrip().startswith("File ")), "")
