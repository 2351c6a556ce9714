"""Writing a report's files: all of one run or none, whatever interrupts, and never those of two runs mixed."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from conformance.record import Record, encode
from conformance.report.badge import badge
from conformance.report.junit import junit
from conformance.report.markdown import markdown
from conformance.views.page import page_of
from conformance.views.summary import summarise

REPORT_FILES = ("agreement.json", "agreement.html", "agreement.md", "junit.xml", "badge.json")


def write_report(directory: Path, record: Record) -> list[Path]:
    """Write `REPORT_FILES` to `directory` and return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    return write_set(directory, contents(record))


def contents(record: Record) -> dict[str, bytes]:
    """Return the bytes of every file of a report; they depend on the record alone."""
    from conformance.report.html import html  # Matplotlib is loaded only where something is drawn

    encoded, summary = encode(record), summarise(record)
    digest = hashlib.sha256(encoded).hexdigest()
    made = (
        encoded,
        html(page_of(summary, digest)).encode(),
        markdown(summary).encode(),
        junit(record),
        badge(record),
    )
    return dict(zip(REPORT_FILES, made, strict=True))


def write_set(directory: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Replace files by others: each is written whole next to its place, then all take their places under a lock.

    A reader sees the old file or the new one. Two writers don't mix: the files of the later one stay.
    """
    staged: dict[Path, Path] = {}
    try:
        for name, content in files.items():
            staged[directory / name] = _staged(directory / name, content)
        with _alone_in(directory):
            for path, temporary in staged.items():
                temporary.replace(path)
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)
    return list(staged)


def _staged(path: Path, content: bytes) -> Path:
    """Write a file next to its place, on the disk and readable by all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Hold a lock on a folder, where the system has such locks; it goes with the process, whatever ends it."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
