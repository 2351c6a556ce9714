"""A guard against accident, not against malice: what foreign code would do to the world around it is refused and told.

Only the process of a check has one. An audit hook can't be taken out again, so a user's own process is left alone.
"""

import importlib
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from msgspec import Struct, field

import conformance
import refrnn
from conformance.hand_written.calling.running.effects import EFFECTS, UNANNOUNCED

MOST_LISTED = 20
"""Places where something was refused that are told one by one."""

HOMES = (
    *(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    *(str(Path(str(package.__file__)).parent) + os.sep for package in (conformance, refrnn)),
)
"""The folders of libraries."""

LIBRARIES = (*HOMES, "<")
"""How names of files begin whose code isn't the user's own: libraries, and what was never in a file."""

IMPORTING = "<frozen importlib._bootstrap>"
"""The file that the import system says it is in."""


class Refused(PermissionError):
    """Foreign code was about to do what a check lets no code do."""


class Guard(Struct):
    """The folder in which all is allowed, and what was refused outside it: to what first, by place and effect."""

    folder: str
    refused: dict[str, str] = field(default_factory=dict)

    def look(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Let an event happen unless it changes something outside the folder.

        Raises
        ------
        Refused
            If it would.
        """
        effect = EFFECTS[event]
        thing = effect.outside(self.folder, arguments)
        if thing is None:
            return
        frame, imports = _place(sys._getframe(2))  # noqa: SLF001 - the way to a user's line
        if imports and effect.at_import:
            return
        self.refused.setdefault(f"{_line(frame)} would {effect.words}", thing)
        message = f"it would {effect.words}, which a check lets no code do: {thing}"
        raise Refused(message)

    def sentences(self) -> list[str]:
        """Return what was refused, once for each place."""
        sentences = [f"{what}; it was not run: {thing}" for what, thing in self.refused.items()]
        more = len(sentences) - MOST_LISTED
        return [
            *sentences[:MOST_LISTED],
            *([f"Nor were {more} more that would do such things."] if more > 0 else []),
        ]


def _place(frame: FrameType | None) -> tuple[FrameType | None, bool]:
    """Return the frame of the user's own code that is nearest, and whether that is importing a library."""
    imports = False
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(LIBRARIES):
            break
        imports = imports or file == IMPORTING
        frame = frame.f_back
    return frame, imports


def _line(frame: FrameType | None) -> str:
    return "A thread" if frame is None else f"{frame.f_code.co_filename}: line {frame.f_lineno}"


@contextmanager
def copying() -> Iterator[None]:
    """Let the check itself make a copy of the process in the block."""
    global _on  # noqa: PLW0603 - a process has one hook, for good
    guard, _on = _on, None
    try:
        yield
    finally:
        _on = guard


_on: Guard | None = None
_installed = False


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in EFFECTS and _on is not None:
        _on.look(event, arguments)


@contextmanager
def guarded(folder: Path) -> Iterator[Guard]:
    """Let nothing outside `folder` be changed while the block runs; yield what is refused."""
    global _on, _installed  # noqa: PLW0603 - a process has one hook, for good
    guard = Guard(os.path.realpath(folder))
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    with ExitStack() as announcements:
        for name in UNANNOUNCED:
            announcements.callback(_announced(name))
        _on = guard
        try:
            yield guard
        finally:
            _on = None
            sys.dont_write_bytecode = writes


def _announced(name: str) -> Callable[[], None]:
    """Let a function raise an audit event of its name; return what puts it back."""
    home, _, own = name.rpartition(".")
    try:
        module = importlib.import_module(home)
        function = getattr(module, own)
    except (ImportError, AttributeError):
        return lambda: None  # this system has no such function

    def announced(*arguments: Any, **named: Any) -> Any:
        sys.audit(name, *arguments)
        return function(*arguments, **named)

    setattr(module, own, announced)
    return lambda: setattr(module, own, function)
