"""The process in which foreign code runs: it judges a target and hands back the record as JSON, and nothing else.

    python -m conformance.checking.worker TARGET CASE SECONDS [--execute]

The standard output that it was started with carries messages, a line each, a word and a JSON string: "progress" with
what it is about to do, and at last "record", or "complaint" where there is none. Whatever foreign code prints, in
Python or in C, goes to a file instead; what a dying interpreter says goes to the standard error output.
"""

import faulthandler
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import msgspec

from conformance.checking.answers import Asked
from conformance.checking.running import told
from conformance.checking.target import checked_target

MEMORY = 4 * 2**30
"""Bytes of address space that foreign code may take."""

MOST_PRINTED = 4000
"""Characters of what foreign code printed that a record keeps."""


@dataclass(frozen=True, slots=True)
class Channel:
    """The line to the parent process."""

    stream: IO[bytes]

    def send(self, kind: str, text: str) -> None:
        """Send one message."""
        self.stream.write(kind.encode() + b" " + msgspec.json.encode(text) + b"\n")
        self.stream.flush()


@contextmanager
def diverted_output() -> Iterator[tuple[Channel, IO[bytes]]]:
    """Keep the standard output for messages; let what is printed from now on go to a file."""
    sys.stdout.flush()
    channel = Channel(os.fdopen(os.dup(1), "wb"))
    faulthandler.enable(os.dup(2))
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
        yield channel, printed


def what_was_printed(printed: IO[bytes]) -> str:
    """Return what foreign code printed, shortened where it is long."""
    sys.stdout.flush()
    sys.stderr.flush()
    printed.seek(0)
    text = printed.read(MOST_PRINTED + 1).decode("utf-8", "replace")
    return text if len(text) <= MOST_PRINTED else text[:MOST_PRINTED] + "\n…"


def limit(seconds: float) -> None:
    """Let an allocation beyond `MEMORY` fail as MemoryError, and the process end once it has computed for `seconds`.

    A system without such limits leaves both to the parent process.
    """
    try:
        import resource
    except ImportError:
        return
    for what, wanted in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, math.ceil(seconds))):
        _, most = resource.getrlimit(what)
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(what, (allowed, most))


def no_copies_of_copies() -> None:
    """End a copy of a copy of this process at once: code that forks in each of many calls would fill the machine."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: os.register_at_fork(after_in_child=lambda: os._exit(0)))


def main(target: str, case: str, seconds: str, execute: str = "") -> None:
    """Check `target` and send the record, or what made that impossible."""
    limit(float(seconds))
    no_copies_of_copies()
    with diverted_output() as (channel, printed):
        asked = Asked.on_the_command_line(target, case, execute=bool(execute))
        try:
            record = checked_target(
                target, case, asked, lambda text: channel.send("progress", text), execute=bool(execute)
            )
        except BaseException as error:
            channel.send("complaint", told(error))
            raise
        record = msgspec.structs.replace(record, printed=what_was_printed(printed))
        channel.send("record", msgspec.json.encode(record).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
