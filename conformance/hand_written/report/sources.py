"""The source of a network as a picture shows it: numbered lines, the wrong ones marked, the patch in its place."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from conformance.hand_written.locations import place_of
from conformance.record.check import CheckRecord, FixRecord, SuspectRecord
from conformance.record.pictures import ExcerptRecord

Tone = Literal["", "bad", "good"]


class Row(Struct, frozen=True):
    """A line: its number, 0 for one that a patch adds, its text, and whether it is wrong or what mends that."""

    number: int
    text: str
    tone: Tone


class SourceView(Struct, frozen=True):
    """Some lines of a file, with a name for the place."""

    place: str
    rows: tuple[Row, ...]


def sources_of(record: CheckRecord) -> tuple[SourceView, ...]:
    """Return the excerpts of a record with its patch, or where there is none with its suspects marked."""
    return tuple(
        SourceView(place=place_of(excerpt.file), rows=tuple(_rows(excerpt, record)))
        for excerpt in record.excerpts
    )


def _rows(excerpt: ExcerptRecord, record: CheckRecord) -> Iterator[Row]:
    fixes = {fix.first: fix for fix in record.fixes if fix.file == excerpt.file}
    suspected = {s.line for s in _suspects(record) if s.file == excerpt.file} if not record.fixes else set()
    removed = {fix.first + n for fix in fixes.values() for n in range(len(fix.before))}
    for number, text in enumerate(excerpt.lines, start=excerpt.first):
        fix = fixes.get(number)
        if fix is not None and not fix.before:
            yield from _added(fix)
        yield Row(number, text, "bad" if number in removed or number in suspected else "")
        last = next((f for f in fixes.values() if f.before and f.first + len(f.before) - 1 == number), None)
        if last is not None:
            yield from _added(last)


def _suspects(record: CheckRecord) -> list[SuspectRecord]:
    return [] if record.diagnosis is None else record.diagnosis.suspects


def _added(fix: FixRecord) -> Iterator[Row]:
    yield from (Row(0, line, "good") for line in fix.after)
