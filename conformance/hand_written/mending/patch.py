"""Fixes made in the files that they are of: all else stays byte for byte, and no file that changed is touched."""

import difflib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.record.check import CheckRecord, FixRecord

NOTEBOOK = ".ipynb#"
"""What stands between the path of a notebook and the number of a cell."""

STYLES = [(indent, ascii_) for indent in (1, 2, 4, None) for ascii_ in (False, True)]
"""How notebooks are written: with which indentation, and whether letters beyond ASCII are written out."""


def patched(record: CheckRecord) -> dict[Path, bytes]:
    """Return the contents of every file of a record with its fixes made; none where there are no fixes.

    Raises
    ------
    UsageError
        If a file isn't there any more, or isn't what was checked.
    """
    by_path: dict[Path, dict[str, list[FixRecord]]] = {}
    for fix in record.fixes:
        path, mark, cell = fix.file.partition(NOTEBOOK)
        by_path.setdefault(Path(path + mark[:-1]), {}).setdefault(cell, []).append(fix)
    return {path: _made(path, fixes) for path, fixes in by_path.items()}


def unified(record: CheckRecord) -> str:
    """Return the fixes of a record as one unified diff, which `patch -p1` and `git apply` take; empty without any.

    The cells of a notebook that runs are in no file: of those the lines are shown that go and that come.

    Raises
    ------
    UsageError
        If a file isn't there any more, or isn't what was checked.
    """
    live = [fix for fix in record.fixes if fix.file.startswith(NOTEBOOK)]
    if live:
        return "".join(map(_hunk, live))
    return "".join(_difference(path, path.read_bytes(), after) for path, after in patched(record).items())


def _hunk(fix: FixRecord) -> str:
    """Return a fix in a cell of a notebook that runs as a hunk without lines around it."""
    cell = f"cell {fix.file.removeprefix(NOTEBOOK)}"
    places = (
        f"{sign}{fix.first - (not lines)},{len(lines)}"
        for sign, lines in (("-", fix.before), ("+", fix.after))
    )
    changed = (f"{sign}{line}" for sign, lines in (("-", fix.before), ("+", fix.after)) for line in lines)
    return "\n".join([f"--- {cell}", f"+++ {cell}", f"@@ {' '.join(places)} @@", *changed, ""])


def _made(path: Path, fixes: dict[str, list[FixRecord]]) -> bytes:
    if path.name == NOTEBOOK[:-1]:
        message = (
            "The cells of a notebook that runs are in no file. Write the lines of the patch into them, and run "
            "them again."
        )
        raise UsageError(message)
    try:
        before = path.read_bytes()
    except OSError as error:
        message = f"{path} can't be read: {error.strerror}. Check it again."
        raise UsageError(message) from error
    if path.suffix == ".ipynb":
        return _notebook(path, before, fixes)
    return with_fixes(before.decode("utf-8", "surrogateescape"), fixes[""], path).encode(
        "utf-8", "surrogateescape"
    )


def with_fixes(text: str, fixes: Sequence[FixRecord], path: Path) -> str:
    """Return a text with its fixes made; new lines end as the others do.

    Raises
    ------
    UsageError
        If the lines that are to go aren't there.
    """
    pieces = re.split(r"(\r\n|\n|\r)", text)
    lines, ends = pieces[::2], [*pieces[1::2], ""]
    usual = ends[0] or "\n"
    for fix in sorted(fixes, key=lambda fix: (fix.first, len(fix.before)), reverse=True):
        start, stop = fix.first - 1, fix.first - 1 + len(fix.before)
        standing = [line.removeprefix("\ufeff") if n == 0 else line for n, line in enumerate(lines)][
            start:stop
        ]
        if standing != fix.before:
            message = f"{path} isn't what was checked, at line {fix.first}. Check it again."
            raise UsageError(message)
        mark = "\ufeff" if start == 0 and lines[0].startswith("\ufeff") else ""
        after = [mark + line if n == 0 else line for n, line in enumerate(fix.after)]
        end = ends[stop - 1] if fix.before else usual
        lines[start:stop] = after
        ends[start:stop] = [*[usual] * (len(after) - 1), end][: len(after)]
    return "".join(line + end for line, end in zip(lines, ends, strict=True))


def _notebook(path: Path, before: bytes, fixes: dict[str, list[FixRecord]]) -> bytes:
    """Return a notebook with fixes made in its cells, its outputs and its way of writing as they were."""
    text = before.decode("utf-8")
    try:
        notebook = json.loads(text)
    except ValueError as error:
        message = f"{path} isn't what was checked. Check it again."
        raise UsageError(message) from error
    end = "\n" if text.endswith("\n") else ""
    style = next((style for style in STYLES if _written(notebook, *style) + end == text), None)
    if style is None:
        message = f"{path} is written in no usual way: the rest of it would change. Edit the cells by hand."
        raise UsageError(message)
    cells = [cell for cell in notebook["cells"] if cell.get("cell_type") == "code"]
    for number, of_cell in fixes.items():
        cell = cells[int(number) - 1]
        listed = isinstance(cell["source"], list)
        source = with_fixes("".join(cell["source"]), of_cell, path)
        cell["source"] = source.splitlines(keepends=True) if listed else source
    return (_written(notebook, *style) + end).encode()


def _written(notebook: Any, indent: int | None, ascii_: bool) -> str:  # noqa: FBT001
    return json.dumps(notebook, indent=indent, ensure_ascii=ascii_)


def _difference(path: Path, before: bytes, after: bytes) -> str:
    name = path.as_posix().lstrip("/")
    old, new = (re.findall(r"[^\n]*\n|[^\n]+", text.decode("utf-8", "replace")) for text in (before, after))
    lines = difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
