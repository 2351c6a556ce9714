"""The ledger: a file to which every finished case of a run is appended at once, so that a run can go on after a crash.

The first line says which run it is, every further line is one finished case: JSON, flushed to the disk before the case
counts. What a crash or a full disk leaves of a last line is dropped, and its case run again. So is the case of a line
that is damaged, or says what can't be true of a record.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from io import FileIO
from pathlib import Path
from typing import Self

import msgspec

from conformance.errors import ConformanceError, UsageError
from conformance.record import Body
from conformance.record.writing import reserved, write_set
from conformance.runs.lines import Entry, Identity, Reading, read_ledger
from conformance.runs.unit import Examined


class Ledger:
    """The ledger of one run at `path`; its folder is that run's alone as long as it is open.

    Use it as a context manager.

    Parameters
    ----------
    path
        Where the ledger is, or will be.
    identity
        Of the run that is to be kept.
    resume
        Whether to go on with the ledger that is there; otherwise there must be none.

    Attributes
    ----------
    finished
        What the ledger held when it was opened, by case.
    damaged
        What was wrong with its lines, in words; what they told is run again.

    Raises
    ------
    UsageError
        If another run writes to the folder, or there is a ledger and `resume` is false, or it belongs to another run.
    """

    def __init__(self, path: Path, identity: Identity, *, resume: bool) -> None:
        self.path = path
        self._run = identity.digest
        with ExitStack() as held:
            held.enter_context(reserved(path.parent))
            found = _found(path, identity, resume=resume)
            self.finished: Mapping[str, Examined] = found.finished
            self.damaged: Sequence[str] = found.damaged
            if found.damaged:
                found.length = _rewritten(path, [msgspec.json.encode(identity), *found.lines.values()])
            self._file = held.enter_context(_opened(path, found.length))
            if not found.length:
                self._write(identity)
            self._held = held.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def append(self, case_id: str, examined: Examined) -> None:
        """Write a finished case; when this returns it is safe.

        Raises
        ------
        ConformanceError
            If the disk is full or fails; the message says how to go on.
        """
        records, timings = [record for record, _ in examined], [timing for _, timing in examined]
        self._write(Entry(run=self._run, case=case_id, records=records, timings=timings))

    def forget(self) -> None:
        """Delete the ledger, once the record of the whole run is written."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _write(self, line: Body) -> None:
        try:
            left = memoryview(msgspec.json.encode(line) + b"\n")
            while left:  # a disk that is nearly full may take a part
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            message = (
                f"The ledger {self.path} can't be written: {error}. All cases finished before are safe in it; "
                "make room and go on with --resume."
            )
            raise ConformanceError(message) from error


def _found(path: Path, identity: Identity, *, resume: bool) -> Reading:
    """Return what the ledger at `path` holds, if there is one that is to be gone on with."""
    if not (path.exists() and path.stat().st_size > 0):
        return Reading()
    if not resume:
        message = (
            f"{path} holds an unfinished run. Go on with it (--resume), or delete the file to begin anew."
        )
        raise UsageError(message)
    return read_ledger(path, identity)


def _rewritten(path: Path, lines: Sequence[bytes]) -> int:
    """Put these lines in the place of a ledger, as a whole or not at all, and return how many bytes they have."""
    content = b"".join(line + b"\n" for line in lines)
    write_set(path.parent, {path.name: content})
    return len(content)


def _opened(path: Path, length: int) -> FileIO:
    """Open the ledger for appending after `length` good bytes, whatever is behind them."""
    file = FileIO(path, "r+" if path.exists() else "w+")
    file.truncate(length)
    file.seek(length)
    _sync_folder(path.parent)
    return file


def _sync_folder(folder: Path) -> None:
    """Make a new file's name as durable as its content, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
