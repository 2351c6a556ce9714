"""The process in which foreign code runs: it judges a target and hands back the record as JSON, and nothing else.

    python -m conformance.hand_written.checking.worker

Its question is a line of the standard input, where it isn't handed over. The standard error output that it was started
with carries messages, a line each, a word and a JSON string: "progress" with what it is about to do, and at last
"record", or "refusal" or "complaint" where there is none. What a dying interpreter says goes there too. Whatever
foreign code prints, in Python or in C, goes to the standard output. All that it may change lies in the folder for
temporary files.
"""

import faulthandler
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from conformance.errors import NoSuchTarget, well_formed
from conformance.hand_written.calling.running.guard import guarded
from conformance.hand_written.calling.running.limits import CALLS
from conformance.hand_written.calling.running.program import describe_error
from conformance.hand_written.checking.keeper import DISK, MEMORY
from conformance.hand_written.checking.target import checked_target
from conformance.hand_written.request import Question
from conformance.record.check import CheckRecord
from conformance.record.text import json_of


class Channel(Struct, frozen=True):
    """The line to the parent process."""

    stream: IO[bytes]

    def send(self, kind: str, text: str) -> None:
        """Send one message."""
        self.stream.write(kind.encode() + b" " + msgspec.json.encode(well_formed(text)) + b"\n")
        self.stream.flush()


def diverted_errors() -> Channel:
    """Keep the standard error output for messages; let what is said there from now on be printed."""
    channel = Channel(os.fdopen(os.dup(2), "wb"))
    faulthandler.enable(os.dup(2))
    os.dup2(1, 2)
    return channel


def limit(seconds: float) -> None:
    """Let memory and files beyond what is allowed fail as errors, and the process end after `seconds` of computing.

    A system without such limits, or that refuses them, leaves that to the processes that wait for this one.
    """
    try:
        import resource
    except ImportError:
        return
    limits = (
        (resource.RLIMIT_DATA, MEMORY),
        (resource.RLIMIT_FSIZE, DISK),
        (resource.RLIMIT_CPU, math.ceil(seconds)),
    )
    for what, wanted in limits:
        _, most = resource.getrlimit(what)
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        try:
            resource.setrlimit(what, (allowed, most))
        except (ValueError, OSError):
            continue  # as macOS does for some


def main(line: bytes) -> None:
    """Answer a question by a record, or by what made that impossible; then end at once.

    No thread of foreign code is waited for, and nothing is run that it has registered for the end.
    """
    question = Question.read(line)
    limit(question.seconds)
    CALLS.follow(question.seconds)
    channel = diverted_errors()
    status = 0
    try:
        record = judged(question, channel)
        channel.send("record", json_of(record).decode())
    except NoSuchTarget as refusal:
        channel.send("refusal", str(refusal))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        channel.send("complaint", describe_error(error))
        status = 1
    sys.stdout.flush()
    os._exit(status)


def judged(question: Question, channel: Channel) -> CheckRecord:
    """Return the record of what is asked about, with what was refused to its code."""
    with guarded(Path(tempfile.gettempdir())) as guard:
        record = checked_target(
            question.target,
            question.case,
            question.request,
            lambda text: channel.send("progress", text),
            execute=question.execute,
        )
    return msgspec.structs.replace(record, notes=[*guard.sentences(), *record.notes])


if __name__ == "__main__":
    main(sys.stdin.buffer.readline())
