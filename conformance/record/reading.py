"""Reading records from files: whatever is wrong with one is told by its name, and nothing of it is trusted."""

import errno
import stat
from pathlib import Path

from conformance.errors import UsageError
from conformance.record import Record, decode
from conformance.record.contradictions import check

LARGEST = 2**31
"""Bytes that a record or a ledger may have; a night of a hundred machines stays far below."""


def read_record(path: Path) -> Record:
    """Return the record in a file.

    Raises
    ------
    UsageError
        If there is none, or it was cut off or changed by hand so that its parts contradict each other.
    """
    try:
        data = contents(path)
    except OSError as error:
        message = f"{path} can't be read: {error.strerror}. Pass an agreement.json that a run has written."
        raise UsageError(message) from error
    try:
        record = decode(data)
        check(record)
    except UsageError as error:
        message = f"{path}: {error}"
        raise UsageError(message) from error
    return record


def contents(path: Path) -> bytes:
    """Return what a file or a pipe holds; devices, some of which have no end, are refused as an `OSError`."""
    mode = path.stat().st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise OSError(errno.ENODEV, "it is a device")
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise OSError(errno.EFBIG, f"more than {LARGEST:,} bytes")
    return data
