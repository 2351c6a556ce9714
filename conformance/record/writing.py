"""Writing files: each whole or not at all, whatever interrupts, and never those of two writers mixed."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from conformance.errors import UsageError

LOCK = ".agreement.lock"
"""The file that is locked as long as someone has its folder."""

GRACE = 0.2
"""Seconds that whoever has a folder gets to leave it."""


@contextmanager
def reserved(folder: Path) -> Iterator[None]:
    """Have a folder for this run alone; the system gives it back when the process ends, whatever ends it.

    Raises
    ------
    UsageError
        If another run has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock_file = folder / LOCK
    lock = FileLock(lock_file, thread_local=False)
    try:
        lock.acquire(timeout=GRACE)
    except Timeout:
        message = f"Another run is writing to {folder}. Wait until it has ended, or pass another folder."
        raise UsageError(message) from None
    try:
        yield
    finally:
        if (
            os.name == "posix"
        ):  # elsewhere filelock does so; whoever has opened this file by now is told it is no more
            lock_file.unlink(missing_ok=True)
        lock.release()


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
    """Hold a lock on a folder, where the system has such locks; it goes with the process, whatever ends it.

    filelock would leave or delete a file of its own in it, and the folder may be that of somebody's source.
    """
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
