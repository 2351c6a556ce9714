"""The parent's side of a check in processes of their own: limits on time, and an answer whatever becomes of them."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from time import monotonic
from typing import IO, Self, cast

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from conformance.errors import NoSuchTarget
from conformance.hand_written.request import MENDING, Question, failed_record, out_of_time_record
from conformance.hand_written.target import Target, parts_of
from conformance.record.check import CheckRecord

TIME_LIMIT = 60.0
"""Seconds of computing that a check may take altogether before its process is ended."""

PATIENCE = 4
"""Times that limit, by the clock: a busy machine computes more slowly, and code that sleeps computes nothing."""

CLOSING = 20.0
"""Seconds within which what was started is ended and cleared away; what still holds a pipe then isn't waited for."""

OUT_OF_TIME = -signal.SIGXCPU if hasattr(signal, "SIGXCPU") else None
"""The status of a process that was ended because it had computed for so long, where the system knows such limits."""

KEEPER = "conformance.hand_written.checking"

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
    status: int | None = None  # that the process ended with

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
        elif kind == b"ended":
            self.status = int(text)
        elif kind in (b"complaint", b"refusal", b"printed"):
            setattr(self, kind.decode(), text)

    @property
    def over(self) -> bool:
        """Whether the answer is there, or none will come."""
        return self.record is not None or bool(self.refusal) or self.ended

    @property
    def ended(self) -> bool:
        """Whether the process has ended, and everything is said."""
        return self.status is not None


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
    question = Question(target=target, case=case, seconds=seconds, execute=execute, mend=mend)
    with Keeper() as keeper:
        return keeper.answer(question, progress)


class Keeper:
    """The process that keeps those of checks: it starts with the first question, and then waits for more.

    What a check takes is imported by then, where the system lets processes be copied.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: Queue[bytes | None] = Queue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it, and all that is still running; the next question starts another one."""
        if self._process is not None:
            self._hang_up()
            self._process.wait()
            self._process = None

    def answer(self, question: Question, progress: Callable[[str], None] = lambda _: None) -> CheckRecord:
        """Return the record of what is asked, whatever the code does; see `checked_apart`."""
        _refuse_what_is_not_there(question.target)
        messages = ChildMessages()
        self._ask(question)
        deadline = monotonic() + PATIENCE * question.seconds
        in_time = self._take(messages, progress, deadline, lambda: messages.over)
        if not in_time:
            self._hang_up()  # so that all is ended, and what is said of that is taken too
        self._take(messages, progress, monotonic() + CLOSING, lambda: messages.ended)
        if not in_time or not messages.ended:
            self.close()
        if messages.refusal:
            raise NoSuchTarget(messages.refusal)
        if messages.record is None and messages.steps[-1:] == [MENDING]:
            return self._without_a_mend(question, messages, progress, in_time=in_time)
        record = messages.record or _unfinished(question, messages, in_time=in_time)
        return msgspec.structs.replace(record, printed=messages.printed)

    def _ask(self, question: Question) -> None:
        if self._process is not None and self._process.poll() is not None:
            self.close()  # somebody has ended it
        if self._process is None:
            self._start()
        with suppress(BrokenPipeError):  # what it said at its end is told
            self._stdin.write(question.line)
            self._stdin.flush()

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", KEEPER],
            stdin=subprocess.PIPE,  # ends with this process
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=os.environ | SETTINGS,
            start_new_session=True,
        )
        said, lines = cast("IO[bytes]", self._process.stderr), Queue[bytes | None]()

        def read() -> None:
            with said:
                for line in said:
                    lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        self._lines = lines

    @property
    def _stdin(self) -> IO[bytes]:
        return cast("IO[bytes]", cast("subprocess.Popen[bytes]", self._process).stdin)

    def _hang_up(self) -> None:
        """Let it know that nobody asks any more."""
        with suppress(BrokenPipeError):
            self._stdin.close()

    def _without_a_mend(
        self,
        question: Question,
        messages: ChildMessages,
        progress: Callable[[str], None],
        *,
        in_time: bool,
    ) -> CheckRecord:
        """Return the record of what is asked, where the search for a patch came to no end, and why."""
        record = self.answer(replace(question, mend=False), progress)
        ended = _unfinished(question, messages, in_time=in_time).headline
        return replace(
            record, notes=[*record.notes, f"No patch: {ended}"], reproduce=question.request.reproduce
        )

    def _take(
        self,
        messages: ChildMessages,
        progress: Callable[[str], None],
        deadline: float,
        enough: Callable[[], bool],
    ) -> bool:
        """Take messages until there are no more, or enough; return whether that was before the deadline."""
        while not enough():
            try:
                line = self._lines.get(timeout=max(0.0, deadline - monotonic()))
            except Empty:
                return False
            if line is None:
                self._lines.put(None)  # whoever asks again is told the same
                return True
            messages.take(line, progress)
        return True


def _unfinished(question: Question, messages: ChildMessages, *, in_time: bool) -> CheckRecord:
    """Return the record of a check that came to no answer."""
    if not in_time or (messages.status is not None and messages.status == OUT_OF_TIME):
        how_far = _how_far(messages, question.seconds, by_the_clock=not in_time)
        return out_of_time_record(question.request, how_far)
    return failed_record(question.request, _end(messages))


def _refuse_what_is_not_there(target: str) -> None:
    for request in map(Target.parse, parts_of(target)):
        if request.is_file and not Path(request.place).is_file():
            ways = "file.py:Name, notebook.ipynb:Name or package.module:Name"
            message = f"There is no file {request.place}. Pass {ways}."
            raise NoSuchTarget(message)


def _how_far(messages: ChildMessages, seconds: float, *, by_the_clock: bool) -> str:
    """Return in a sentence how far a child had come whose time was up."""
    limit = f"{PATIENCE * seconds:g} seconds" if by_the_clock else f"{seconds:g} seconds of computing"
    return (
        f"No answer within {limit}, {_during(messages)}: the code hangs or is very slow. "
        "Give it more with --time-limit."
    )


def _during(messages: ChildMessages) -> str:
    return f"while {messages.steps[-1]}" if messages.steps else "before anything was tried"


def _end(messages: ChildMessages) -> str:
    """Return in a sentence how a child ended by itself that gave no record."""
    during, status = _during(messages), messages.status
    if status is not None and status < 0:
        place = _place(messages.last_words)
        crashed = f"the code crashed the interpreter{place and f', at {place}'}"
        return f"The process died of {_signal(-status)} {during}: {crashed}."
    lines = [line.strip() for line in messages.last_words if line.strip()]
    last = messages.complaint or (lines or ["it printed nothing"])[-1]
    ended = "could not be kept" if status is None else f"ended with status {status}"
    return f"The process {ended} {during}: {last}"


def _signal(number: int) -> str:
    """Return the name of a signal; those of a system's own have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _place(lines: Sequence[str]) -> str:
    """Return the first place in a file that some lines speak of, empty without any."""
    return next((line.strip() for line in lines if line.lstrip().startswith("File ")), "")
