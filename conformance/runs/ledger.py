"""The ledger: a file to which every finished case of a run is appended at once, so that a run can go on after a crash.

The first line says which run it is, every further line is one finished case: JSON, flushed to the disk before the case
counts. What a crash or a full disk leaves of a last line is dropped, and its case run again.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeVar

import msgspec

from conformance.errors import ConformanceError, UsageError
from conformance.record import Body, CaseRecord, Timing
from conformance.runs.unit import Examined

Line = TypeVar("Line", "Identity", "Entry")


class Identity(Body):
    """What makes the results of two runs belong together: the cases, the subjects, the code and the machine."""

    suite: str
    seed: int | None
    subjects: list[str]
    cases: str  # a digest of all case ids
    code: str  # a digest of the sources of both packages
    environment: dict[str, str]


class Entry(Body):
    """One finished case."""

    case: str
    records: list[CaseRecord]
    timings: list[Timing]


class Ledger:
    """The ledger of one run at `path`; use it as a context manager.

    Parameters
    ----------
    path
        Where the ledger is, or will be.
    identity
        Of the run that is to be kept.
    resume
        Whether to go on with the ledger that is there; otherwise there must be none.

    Raises
    ------
    UsageError
        If there is a ledger and `resume` is false, or it belongs to another run, or is damaged before its end.
    """

    def __init__(self, path: Path, identity: Identity, *, resume: bool) -> None:
        self.path = path
        self.finished: Mapping[str, Examined] = {}
        found = path.exists() and path.stat().st_size > 0
        if found and not resume:
            message = (
                f"{path} holds an unfinished run. Go on with it (--resume), or delete the file to begin anew."
            )
            raise UsageError(message)
        length = 0
        if found:
            self.finished, length = _read(path, identity)
        self._file = _opened(path, length)
        if not length:
            self._write(identity)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, case_id: str, examined: Examined) -> None:
        """Write a finished case; when this returns it is safe.

        Raises
        ------
        ConformanceError
            If the disk is full or fails; the message says how to go on.
        """
        records, timings = [record for record, _ in examined], [timing for _, timing in examined]
        self._write(Entry(case=case_id, records=records, timings=timings))

    def _write(self, line: Body) -> None:
        try:
            self._file.write(msgspec.json.encode(line) + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            message = (
                f"The ledger {self.path} can't be written: {error}. All cases finished before are safe in it; "
                "make room and go on with --resume."
            )
            raise ConformanceError(message) from error


def _opened(path: Path, length: int) -> BinaryIO:
    """Open the ledger for appending after `length` good bytes, whatever is behind them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("r+b" if path.exists() else "w+b", buffering=0)
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


def _read(path: Path, identity: Identity) -> tuple[dict[str, Examined], int]:
    """Return the finished cases of the ledger at `path`, and how many bytes of it are good."""
    whole = path.read_bytes()
    good = whole[: whole.rfind(b"\n") + 1]
    if not good:
        return {}, 0
    first, *lines = good.splitlines()
    _refuse_another_run(path, _decoded(path, 1, first, Identity), identity)
    finished: dict[str, Examined] = {}
    for number, line in enumerate(lines, 2):
        entry = _decoded(path, number, line, Entry)
        if entry.case in finished or len(entry.records) != len(entry.timings):
            raise UsageError(_damaged(path, number, f"{entry.case} stands there twice or in parts"))
        finished[entry.case] = list(zip(entry.records, entry.timings, strict=True))
    return finished, len(good)


def _decoded(path: Path, number: int, line: bytes, kind: type[Line]) -> Line:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(_damaged(path, number, str(error))) from error


def _damaged(path: Path, number: int, why: str) -> str:
    return f"The ledger {path} is damaged in line {number}: {why}. Delete the file and run the cases anew."


def _refuse_another_run(path: Path, theirs: Identity, ours: Identity) -> None:
    old, new = (msgspec.to_builtins(identity) for identity in (theirs, ours))
    changed = list(_differences(old, new))
    if changed:
        message = (
            f"The ledger {path} belongs to another run: {'; '.join(changed)}. Repeat that run's command, or delete the "
            "file to begin anew."
        )
        raise UsageError(message)


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Sequence[str]:
    """Return what differs, in words; digests only by their names."""
    found = [f"other {name}" for name in ("cases", "code") if old[name] != new[name]]
    names = [name for name in ("suite", "seed", "subjects") if old[name] != new[name]]
    found += [f"{name} was {old[name]!r} and is {new[name]!r}" for name in names]
    before, now = old["environment"], new["environment"]
    return found + [
        f"{name} was {before.get(name)!r} and is {now.get(name)!r}"
        for name in sorted(before | now)
        if before.get(name) != now.get(name)
    ]
