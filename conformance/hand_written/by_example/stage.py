"""A driver run statement by statement, as it stands: what is missing is made up, and nothing outside is changed."""

import builtins
import io
import os
import shutil
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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
from conformance.hand_written.calling.loading.stubs import stubbed_imports
from conformance.hand_written.calling.running.clipping import Clips, clipping
from conformance.hand_written.calling.running.effects import harmless_open
from conformance.hand_written.calling.running.limits import sandbox, seeded, time_limit

LONGEST = 10.0
"""Seconds of computing that one top-level statement may take, its step run again and again not counted."""

TEXT = "".join(
    f"{n} the quick brown fox jumps over the lazy dog, {n * n % 97} times.\n" for n in range(1, 1001)
)
"""What a text file holds that isn't there."""

LARGEST, LARGEST_COPY = 5_000_000, 50_000_000
"""Bytes of a file, and of all files, that are copied beside a driver."""


class Stage(Struct):
    """What a run brings about: the foreign files, their modules' names, and what was made up."""

    log: LoadLog = field(default_factory=LoadLog)
    modules: dict[str, dict[str, Any]] = field(default_factory=dict)
    made_up: list[str] = field(default_factory=list)
    clips: Clips = field(default_factory=Clips)  # to ±c that were lifted


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
        roots = list(dict.fromkeys((driver.path.parent, root, *driver.path.parents[1:3])))
        used = stack.enter_context(stubbed_imports())
        stack.enter_context(neighbours(roots, {}, stage.log, _whole(stage)))
        stack.enter_context(started_as(folder / driver.path.name))
        stack.enter_context(_answers(stage))
        stage.clips = stack.enter_context(clipping(lifted=True))
        names.update(BUILTINS, __file__=str(folder / driver.path.name), open=_opening(stage, folder))
        seeded()
        sys.settrace(trace)
        try:
            for piece in driver.pieces:
                stage.log.files.add(piece.file)
                for name in put_back(piece.tree):
                    stage.log.note(f"{name} is gone from this version; what took its place stands in for it.")
                for node in piece.tree.body:
                    run_statement(node, piece, names, stage.log, time_limit(LONGEST, copies_go_on=True))
                    sys.settrace(trace)  # an error in a trace function ends it
        except Enough:
            pass
        finally:
            sys.settrace(None)
            ended()
    stage.made_up += [f"{name} is not installed or not needed" for name in sorted(used)]


def _whole(stage: Stage) -> Callable[..., None]:
    """Return what runs all of a file next to a driver, as an import does."""

    def run(module: types.ModuleType, pieces: Any, _sizes: Any, log: LoadLog) -> None:
        names = vars(module)
        stage.modules[module.__name__] = names
        names.update(BUILTINS, open=_opening(stage, Path.cwd()))
        for piece in pieces:
            log.files.add(piece.file)
            for name in put_back(piece.tree):
                log.note(f"{name} is gone from this version; what took its place stands in for it.")
            for node in piece.tree.body:
                run_statement(node, piece, names, log)

    return run


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


def _opening(stage: Stage, folder: Path) -> Callable[..., Any]:
    """Return what opens files: those of the copy, or a made-up text for what isn't there."""

    def opened(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if "r" in mode and isinstance(file, (str, os.PathLike)) and not (folder / file).exists():
            stage.made_up.append(f"{os.fspath(file)} isn't there: a text was made up for it")
            return io.BytesIO(TEXT.encode()) if "b" in mode else io.StringIO(TEXT)
        return harmless_open(file, mode, *args, beside=folder, **kwargs)

    return opened


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
