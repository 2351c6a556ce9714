"""A driver run statement by statement, as it stands: what is missing is made up, and nothing outside is changed."""

import ast
import builtins
import io
import os
import shutil
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, field

from conformance.hand_written.by_example.drivers import Driver
from conformance.hand_written.by_example.files import files_near
from conformance.hand_written.by_example.watching import Enough
from conformance.hand_written.calling.loading.definitions import neighbours
from conformance.hand_written.calling.loading.executing import started_as
from conformance.hand_written.calling.loading.load_log import LoadLog, run_statement
from conformance.hand_written.calling.loading.older_names import BUILTINS, put_back
from conformance.hand_written.calling.loading.source import Piece
from conformance.hand_written.calling.loading.stubs import stubbed_imports
from conformance.hand_written.calling.running.clipping import Clips, clipping
from conformance.hand_written.calling.running.effects import harmless_open
from conformance.hand_written.calling.running.limits import sandbox, seeded, time_limit

LONGEST = 20.0
"""Seconds of computing that one top-level statement may take, its step run again and again not counted.

Twice what the events that are waited for take on a slow machine: this ends what computes without any.
"""

TEXT = "".join(
    f"{n} the quick brown fox jumps over the lazy dog, {n * n % 97} times.\n" for n in range(1, 1001)
)
"""What a text file holds that isn't there."""

TABLES, ROWS, COLUMNS = (".csv", ".tsv"), 400, 4
"""Endings of files that hold tables, and what one has that is made up."""

MOST_SUPPLIED = 20
"""Files that are made up for one script."""

LARGEST, LARGEST_COPY = 5_000_000, 50_000_000
"""Bytes of a file, and of all files, that are copied beside a driver."""


class Stage(Struct):
    """What a run needs and brings about: where files lie, the foreign ones, their modules' names, what was made up."""

    folders: list[Path] = field(default_factory=list)  # the copy of the driver's, and that itself
    log: LoadLog = field(default_factory=LoadLog)
    modules: dict[str, dict[str, Any]] = field(default_factory=dict)
    made_up: list[str] = field(default_factory=list)
    clips: Clips = field(default_factory=Clips)  # to ±c that were lifted
    out_of_time: str = ""  # the place of a statement that took longer than any may


def played(
    driver: Driver, root: Path, stage: Stage, trace: Callable[..., Any], ended: Callable[[], None]
) -> None:
    """Run a driver under `trace` until its end, or until that raises `Enough`; call `ended` before it is undone."""
    script = types.ModuleType("__main__")
    names = vars(script)
    stage.modules["__main__"] = names
    with ExitStack() as stack:
        stack.enter_context(sandbox())
        folder = _copied(driver.path.parent)
        stage.folders = [folder, driver.path.parent]
        roots = list(dict.fromkeys((driver.path.parent, root, *driver.path.parents[1:3])))
        used = stack.enter_context(stubbed_imports("script"))
        stack.enter_context(neighbours(roots, {}, stage.log, _imported(stage)))
        stack.enter_context(started_as(folder / driver.path.name))
        stack.enter_context(_answers(stage))
        stage.clips = stack.enter_context(clipping(lifted=True))
        names["__file__"] = str(folder / driver.path.name)
        seeded()
        sys.settrace(trace)
        try:
            for _ in _statements_run(stage, names, driver.pieces):
                sys.settrace(trace)  # an error in a trace function ends it
        except Enough:
            pass
        finally:
            sys.settrace(None)
            ended()
    stage.made_up += [f"{name} is not installed or not needed" for name in sorted(used)]


def _imported(stage: Stage) -> Callable[..., None]:
    """Return what runs all of a file next to a driver, as an import does."""

    def run(module: types.ModuleType, pieces: Sequence[Piece], _sizes: object, _log: LoadLog) -> None:
        stage.modules[module.__name__] = vars(module)
        for _ in _statements_run(stage, vars(module), pieces):
            pass

    return run


def _statements_run(stage: Stage, names: dict[str, Any], pieces: Sequence[Piece]) -> Iterator[None]:
    """Run the top-level statements of a file one by one, and yield after each."""
    names.update(BUILTINS, open=partial(_opened, stage))
    for piece in pieces:
        stage.log.files.add(piece.file)
        for name in put_back(piece.tree):
            stage.log.note(f"{name} is gone from this version; what took its place stands in for it.")
        for node in piece.tree.body:
            limit = partial(time_limit, LONGEST, copies_go_on=True)
            if not run_statement(node, piece, names, stage.log, limit, partial(_supplied, stage, piece)):
                stage.out_of_time = f"{piece.file}:{node.lineno}"
            yield


def _supplied(stage: Stage, piece: Piece, error: BaseException) -> bool:
    """Make up the file that a statement didn't find, in the copy of the project; tell whether there is one now."""
    if not isinstance(error, FileNotFoundError) or error.filename is None:
        return False
    if len(stage.made_up) >= MOST_SUPPLIED:
        return False
    file = Path(os.fsdecode(error.filename))
    if file.is_absolute() or ".." in file.parts or file.exists():
        return False
    columns = [] if file.suffix not in TABLES else list(dict.fromkeys(_texts_of_indices(piece.tree)))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(table_of(columns) if file.suffix in TABLES else TEXT, encoding="utf-8")
    stage.made_up.append(
        f"{file} isn't there: {'a table' if file.suffix in TABLES else 'a text'} was made up for it"
    )
    return True


def _texts_of_indices(tree: ast.Module) -> Iterator[str]:
    """Yield the texts that anything is indexed by: names of columns."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            parts = node.slice.elts if isinstance(node.slice, (ast.List, ast.Tuple)) else [node.slice]
            yield from (p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str))


def table_of(columns: Sequence[str]) -> str:
    """Return a table of comma-separated numbers: of these columns, or of some."""
    rows = np.random.default_rng(0).standard_normal((ROWS, len(columns) or COLUMNS)).cumsum(axis=0)
    lines = [",".join(columns or [f"column_{n}" for n in range(COLUMNS)])]
    return "\n".join([*lines, *(",".join(f"{each:.6f}" for each in row) for row in rows), ""])


def _opened(stage: Stage, file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
    """Open a file of the copy, or beside the driver itself; a made-up text for what isn't there."""
    if "r" not in mode or not isinstance(file, (str, os.PathLike)):
        return harmless_open(file, mode, *args, beside=stage.folders[0], **kwargs)
    for folder in stage.folders:
        if (folder / file).exists():
            return harmless_open(folder / file, mode, *args, **kwargs)
    stage.made_up.append(f"{os.fspath(file)} isn't there: a text was made up for it")
    return io.BytesIO(TEXT.encode()) if "b" in mode else io.StringIO(TEXT)


def _copied(folder: Path) -> Path:
    """Return a copy of a folder in the current one, which is temporary, without large files."""
    copy, left = Path.cwd() / "project" / folder.name, LARGEST_COPY
    copy.mkdir(parents=True)
    for file in files_near(folder):
        size = file.stat().st_size
        if size <= min(LARGEST, left):
            left -= size
            place = copy / file.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
    return copy


@contextmanager
def _answers(stage: Stage) -> Iterator[None]:
    """Let readers of arrays that aren't there return made-up ones, and questions be answered."""

    def reading(name: str, read: Callable[..., Any]) -> Callable[..., Any]:
        def replaced(*args: Any, **kwargs: Any) -> Any:
            try:
                return read(*args, **kwargs)
            except OSError as error:
                stage.made_up.append(
                    f"np.{name} found no file ({error.strerror or error}): numbers were made up for it"
                )
                return np.random.default_rng(0).standard_normal((60, 4))

        return replaced

    kept = {name: getattr(np, name) for name in ("loadtxt", "genfromtxt", "load")}
    asked = builtins.input
    for name, read in kept.items():
        setattr(np, name, reading(name, read))
    builtins.input = lambda _="": "1"
    try:
        yield
    finally:
        builtins.input = asked
        for name, read in kept.items():
            setattr(np, name, read)
