"""The lines of a ledger: which run it is of, and what single cases gave. They are read like a record."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from conformance.errors import UsageError
from conformance.record import Body, CaseRecord, Timing
from conformance.record.contradictions import of_a_case, of_a_timing
from conformance.record.reading import contents
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

    @property
    def digest(self) -> str:
        """A short digest of all this, which every further line carries: one alone tells which run it is of."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:16]


class Entry(Body):
    """One finished case, and the digest of the run that it is of."""

    run: str
    case: str
    records: list[CaseRecord]
    timings: list[Timing]


class DamageError(Exception):
    """A line isn't what a run of this identity writes; the message says why."""


class Reading(Struct):
    """What a ledger holds of a run.

    Attributes
    ----------
    finished, lines
        What cases gave, and their lines as they stand there.
    length
        Bytes up to the end of the last whole line.
    damaged
        What is wrong with lines, in words.
    doubted
        Cases that two lines tell differently: neither is believed.
    """

    finished: dict[str, Examined] = field(default_factory=dict)
    lines: dict[str, bytes] = field(default_factory=dict)
    length: int = 0
    damaged: list[str] = field(default_factory=list)
    doubted: set[str] = field(default_factory=set)


def read_ledger(path: Path, identity: Identity) -> Reading:
    """Return what the ledger at `path` holds of a run; a line that is damaged costs its own case.

    Raises
    ------
    UsageError
        If it belongs to another run, as far as that can be told, or can't be read.
    """
    whole = _contents(path)
    found = Reading(length=whole.rfind(b"\n") + 1)
    if not found.length:
        return found
    first, *lines = whole[: found.length].split(b"\n")[:-1]
    for number, line in enumerate(lines, 2):
        try:
            _add(found, line, identity)
        except DamageError as damage:
            found.damaged.append(_damage(path, number, damage, "Its case is run again."))
    try:
        _refuse_another_run(path, _decoded(first, Identity), identity)
    except DamageError as damage:
        if not found.finished:
            outcome = "No line is left that is of this run. Delete the file to begin anew."
            raise UsageError(_damage(path, 1, damage, outcome)) from damage
        found.damaged.insert(0, _damage(path, 1, damage, "Which run it is of is known from the others."))
    return found


def _contents(path: Path) -> bytes:
    try:
        return contents(path)
    except OSError as error:
        message = f"The ledger {path} can't be read: {error.strerror}. Pass the folder of a run's report."
        raise UsageError(message) from error


def _add(found: Reading, line: bytes, identity: Identity) -> None:
    """Take a line in, or raise `DamageError`."""
    entry = _decoded(line, Entry)
    complaint = next(_complaints(entry, identity), None)
    if complaint is not None:
        raise DamageError(complaint)
    before = found.finished.get(entry.case)
    if before is not None and [record for record, _ in before] != entry.records:
        found.doubted.add(entry.case)
        del found.finished[entry.case], found.lines[entry.case]
    if entry.case in found.doubted:
        message = f"{entry.case} stands there twice, with different results"
        raise DamageError(message)
    if before is None:
        found.finished[entry.case] = list(zip(entry.records, entry.timings, strict=True))
        found.lines[entry.case] = line


def _decoded(line: bytes, kind: type[Line]) -> Line:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamageError(str(error)) from error


def _complaints(entry: Entry, identity: Identity) -> Iterator[str]:
    """Yield what a run of this identity wouldn't have written, and what contradicts itself as in a record."""
    if entry.run != identity.digest:
        yield "it is of another run"
    if [record.subject for record in entry.records] != identity.subjects or len(entry.timings) != len(
        identity.subjects
    ):
        yield "it isn't of the subjects of this run"
    for record in entry.records:
        if record.case != entry.case or record.platform != 0:
            yield "its parts are of different cases or platforms"
        try:
            yield from of_a_case(record)
        except UsageError as error:
            yield str(error)
    for timing in entry.timings:
        yield from of_a_timing(timing)


def _damage(path: Path, number: int, damage: DamageError, outcome: str) -> str:
    return f"The ledger {path} is damaged in line {number}: {damage}. {outcome}"


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
