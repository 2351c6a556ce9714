"""Which scripts show how a target is used: its own, or those next to it that import it by name."""

import ast
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from conformance.errors import UsageError
from conformance.hand_written.by_example.files import files_near
from conformance.hand_written.calling.loading.source import Piece, pieces_of
from conformance.hand_written.target import SOURCES, Target

MOST_OTHERS, MOST_FILES = 2, 200
"""Scripts beside its own that are run for one target, and files next to it that are read to find them."""

LIKELY = ("train", "main", "run", "demo", "example", "fit", "learn", "test")
"""Words in the names of scripts, those first that are most likely to train."""

DEFINING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass)


class Driver(Struct, frozen=True, kw_only=True):
    """A script that uses a target: its file, and its pieces (cells, of a notebook)."""

    path: Path
    pieces: Sequence[Piece]


def drivers_of(
    asked: Target, path: Path, pieces: Sequence[Piece], *, others: bool = True
) -> Iterator[Driver]:
    """Yield the scripts to run for a target whose file and pieces these are: its own, then the likeliest `others`."""
    if any(map(_works, pieces)):
        yield Driver(path=path, pieces=pieces)
    if not others:
        return
    names = {path.stem, *(name.partition(".")[0] for name in asked.names)}
    found = [
        other
        for other in _scripts_around(path, names)
        if names & _imported(other) and any(map(_works, other.pieces))
    ]
    yield from sorted(found, key=lambda other: _rank(other.path, path))[:MOST_OTHERS]


def _works(piece: Piece) -> bool:
    """Tell whether a piece does more than define."""
    return any(
        not isinstance(node, DEFINING)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and any(isinstance(inner, (ast.Call, ast.For, ast.While)) for inner in ast.walk(node))
        for node in piece.tree.body
    )


def _scripts_around(path: Path, names: Collection[str]) -> Iterator[Driver]:
    """Yield the scripts of a file's project that speak of a name, the nearest first.

    The project is that of the current folder, where the file is in it.
    """
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder != folder.parent:
        folder = folder.parent
    if Path.cwd() in path.parents:
        folder = Path.cwd()
    files = [file for file in files_near(folder) if file.suffix in SOURCES and file != path]
    for file in sorted(files, key=lambda file: (_apart(file, path), str(file)))[:MOST_FILES]:
        try:
            if not _speaks_of(file, names):
                continue
            pieces, _ = pieces_of(file)
        except (OSError, UsageError):
            continue
        yield Driver(path=file, pieces=pieces)


def _speaks_of(file: Path, names: Collection[str]) -> bool:
    """Tell whether a name may stand in a file; to read it takes a hundredth of parsing it."""
    content = file.read_bytes()
    return any(not name.isascii() or name.encode() in content for name in names)


def _imported(driver: Driver) -> set[str]:
    """Return the last names of all that a script imports."""
    nodes = [node for piece in driver.pieces for node in ast.walk(piece.tree)]
    modules = {
        alias.name for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names
    }
    modules |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.rpartition(".")[2] for name in modules}


def _rank(path: Path, target: Path) -> tuple[int, int, str]:
    words = [n for n, word in enumerate(LIKELY) if word in path.stem.lower()]
    return min(words, default=len(LIKELY)), _apart(path, target), str(path)


def _apart(one: Path, other: Path) -> int:
    """Return how many folders lie between two files."""
    shared = len(Path(os.path.commonpath([one, other])).parts)
    return len(one.parts) + len(other.parts) - 2 * shared
