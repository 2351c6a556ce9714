"""Writing a report's files: each whole or not at all, whatever interrupts."""

import os
import tempfile
from pathlib import Path

from conformance.record import Record, encode
from conformance.report.markdown import markdown
from conformance.summary import summarise

REPORT_FILES = ("agreement.json", "agreement.md")


def write_report(directory: Path, record: Record) -> list[Path]:
    """Write `REPORT_FILES` to `directory` and return their paths."""
    texts = (encode(record), markdown(summarise(record)).encode())
    directory.mkdir(parents=True, exist_ok=True)
    return [write_whole(directory / name, text) for name, text in zip(REPORT_FILES, texts, strict=True)]


def write_whole(path: Path, content: bytes) -> Path:
    """Replace `path` by `content` in one step: a reader sees the old file or the new one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
