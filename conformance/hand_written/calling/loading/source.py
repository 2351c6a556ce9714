"""The text of a target: of a file, of a notebook's cells in order without magics, of a module."""

import ast
import json
import linecache
import re
import tokenize
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from conformance.errors import UsageError

MAGIC = re.compile(r"^\s*(%|!|\?)|^\s*[\w.]+\?+\s*$|^\s*\w+\s*=\s*[!%]")
"""A line of a notebook that isn't Python."""


class Piece(Struct, frozen=True, kw_only=True):
    """Part of a source: a file, or one cell of a notebook. Its lines are those that the file or the cell shows."""

    file: str
    text: str
    tree: ast.Module
    older: bool = False  # whether it is Python 2


def pieces_of(path: Path) -> tuple[list[Piece], list[str]]:
    """Return the pieces of a file, and a sentence about each that isn't Python.

    Raises
    ------
    UsageError
        If the file can't be read, or if none of it is Python.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        message = f"{path} can't be read: {error.strerror}. Pass the path of a .py or .ipynb file."
        raise UsageError(message) from error
    texts = {str(path): text} if path.suffix != ".ipynb" else _cells(path, text)
    pieces, complaints = [], []
    for name, part in texts.items():
        piece, complaint = _piece(name, part)
        if piece is None:
            complaints.append(complaint)
        else:
            pieces.append(piece)
    if not pieces and complaints:
        message = f"{path} isn't Python: {complaints[0]}."
        raise UsageError(message)
    return pieces, complaints


def _cells(path: Path, text: str) -> dict[str, str]:
    """Return the code cells of a notebook by a name of each, lines that aren't Python emptied."""
    try:
        notebook = json.loads(text)
        cells = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
        texts = [_text(cell) for cell in cells if cell.get("cell_type") == "code"]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        message = f"{path} is no notebook: it holds no JSON with cells of text ({error})."
        raise UsageError(message) from error
    found = {}
    for number, code in enumerate(texts, start=1):
        first = code.lstrip()
        if first.startswith("%%") and not re.match(r"%%(time|timeit|capture|prun)\b", first):
            continue
        lines = [
            ("pass" if MAGIC.match(line) and not line.startswith((" ", "\t")) else _indented(line))
            for line in code.split("\n")
        ]
        found[f"{path}#{number}"] = "\n".join(lines)
    return found


def _text(cell: dict[str, Any]) -> str:
    """Return the source of a cell, which is a text or a list of lines."""
    source = cell.get("source", cell.get("input", ""))
    return source if isinstance(source, str) else "".join(source)


def _indented(line: str) -> str:
    """Return a line, an indented magic replaced by `pass` of the same depth."""
    if MAGIC.match(line):
        return line[: len(line) - len(line.lstrip())] + "pass"
    return line


def _with_print_called(text: str) -> str:
    r"""Return a text in which the print statements of Python 2 are calls, each on the lines that it was on.

    >>> _with_print_called("if x: print 'a %s' % (\n    x),\nprint\nprint(y)\n")
    "if x: print('a %s' % (\n    x))\nprint()\nprint(y)\n"
    """
    lines = text.splitlines(keepends=True)
    try:
        tokens = [t for t in tokenize.generate_tokens(iter(lines).__next__) if t.type not in LAYOUT]
    except (tokenize.TokenError, SyntaxError):
        return text
    edits: list[tuple[tuple[int, int], int, str]] = []
    starts = [
        n for n, t in enumerate(tokens) if t.string == "print" and (not n or tokens[n - 1].string in BEFORE)
    ]
    for n in starts:
        ends = next(
            (m for m in range(n + 1, len(tokens)) if tokens[m].string in AFTER or not tokens[m].string), n
        )
        if ends == n + 1 or tokens[n + 1].string != "(":
            comma = tokens[ends - 1].string == ","
            last = tokens[ends - 1]
            edits.append((last.end, -int(comma), ")"))
            edits.append((tokens[n].end, int(lines[tokens[n].end[0] - 1][tokens[n].end[1]] in " \t"), "("))
    for (row, column), shift, mark in sorted(edits, reverse=True):
        line = lines[row - 1]
        start, end = sorted((column, column + shift))
        lines[row - 1] = line[:start] + mark + line[end:]
    return "".join(lines)


LAYOUT = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT)
"""Tokens that are no part of a statement."""

BEFORE, AFTER = ("\n", "\r\n", ":", ";", ""), ("\n", "\r\n", ";")
"""What stands before a statement, and after it."""


def _of_python_2(text: str) -> Iterator[str]:
    """Yield a text of Python 2 as Python 3 may read it: converted, or with print called and tabs of eight columns."""
    yield _converted(text.expandtabs(8))
    printing = _with_print_called(text)
    yield printing
    yield text.expandtabs(8)
    yield printing.expandtabs(8)


FIXERS = (
    "print",
    "except",
    "raise",
    "ne",
    "repr",
    "tuple_params",
    "numliterals",
    "dict",
    "has_key",
    "exec",
    "unicode",
)
"""What is put into Python 3's words: each means the same there, whatever its operands are."""


def _converted(text: str) -> str:
    """Return a text of Python 2 as that of Python 3 by lib2to3, which newer versions of Python lack; else as it is."""
    try:
        with warnings.catch_warnings(action="ignore"):
            from lib2to3.refactor import RefactoringTool

            tool = RefactoringTool([f"lib2to3.fixes.fix_{name}" for name in FIXERS])
            return str(tool.refactor_string(text if text.endswith("\n") else f"{text}\n", "text"))
    except Exception:  # it is neither, or there is no such library
        return text


def _piece(name: str, text: str) -> tuple[Piece | None, str]:
    text = text.expandtabs(8) if "\t" in text and " \t" in text else text
    older = False
    try:
        tree = ast.parse(text, filename=name)
    except (RecursionError, MemoryError):
        return None, f"{name}: it is nested too deeply for Python"
    except (SyntaxError, ValueError) as error:
        for again in _of_python_2(text):
            try:
                tree, text, older = ast.parse(again, filename=name), again, True
                break
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
        else:
            line = getattr(error, "lineno", "?")
            return None, f"line {line} of {name}: {getattr(error, 'msg', error)}"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    return Piece(file=name, text=text, tree=tree, older=older), ""
