"""What foreign code may not do to the world around it: a table by audit events (PEP 578), and what `open` does instead.

Reading is free, and so is everything in the check's own folder. What would change other files, start programs, signal
other processes or use the network is refused by the guard. Sources that are loaded meet `harmless_open` first: there
nothing need be refused, since what is written stays in memory.
"""

import codecs
import gzip
import io
import os
import sys
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
"""Flags of a file that is opened to be changed."""

DEVICES = frozenset([os.devnull, "/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty"])
"""What may be written to, since nothing is kept there."""

TEXT = "the quick brown fox jumps over the lazy dog\n" * 8
"""What a data file holds that isn't there."""


class Effect(Struct, frozen=True):
    """What an event would do, in a user's words, and to which things: none of them means that it would do nothing.

    Those of `files` are paths. What is allowed `at_import` is so while a library is imported: some ask the system's own
    programs what they run on.
    """

    words: str
    things: Callable[..., Sequence[str]]
    files: bool = True
    at_import: bool = False

    def outside(self, folder: str, arguments: Sequence[Any]) -> str | None:
        """Return the first thing outside `folder` that it would be done to, None where there is none."""
        things = self.things(*arguments)
        return next((thing for thing in things if not (self.files and within(thing, folder))), None)


def within(path: str, folder: str) -> bool:
    """Tell whether a resolved path is that of `folder`, or below it."""
    return path == folder or path.startswith(folder + os.sep)


def harmless_open(file: Any, mode: str = "r", *args: Any, beside: Path = Path(), **kwargs: Any) -> Any:
    """Open what exists for reading; give a made-up text for what doesn't; keep what is written in memory.

    Names are those of files here, or else of files in the folder `beside`.
    """
    reads = not set(mode) & set("wax+")
    if reads and isinstance(file, (str, os.PathLike)):
        there = [place for place in (Path(file), beside / Path(file)) if place.exists()]
        if there:
            return there[0].open(mode, *args, **kwargs)
    if "b" in mode:
        return io.BytesIO(TEXT.encode() if reads else b"")
    return io.StringIO(TEXT if reads else "")


OPENING = ("pathlib", "_local", "_abc", "codecs")
"""Modules of Python's that open files for others."""


@contextmanager
def made_up_files(foreign: Container[str]) -> Iterator[None]:
    """Let `foreign` files open what isn't there in any of Python's ways while the block runs: it is made up."""
    table = np.random.default_rng(0).normal(size=(len(TEXT.splitlines()), len("xywz")))
    others = {
        (io, "open"): harmless_open,
        (codecs, "open"): lambda file, mode="r", *_, **__: harmless_open(file, mode),
        (gzip, "open"): lambda file, mode="rb", *_, **__: harmless_open(file, mode),
        **{(np, name): lambda *_, **__: table.copy() for name in ("loadtxt", "genfromtxt", "load")},
    }
    plain = {(module, name): getattr(module, name) for module, name in others}

    def opening(place: tuple[Any, str]) -> Callable[..., Any]:
        def opened(file: Any, *args: Any, **kwargs: Any) -> Any:
            caller = sys._getframe(1)  # noqa: SLF001 - there is no other way to a caller
            while caller.f_back is not None and Path(caller.f_code.co_filename).stem in OPENING:
                caller = caller.f_back
            missing = isinstance(file, (str, os.PathLike)) and not Path(file).exists()
            made_up = missing and caller.f_code.co_filename in foreign
            return (others if made_up else plain)[place](file, *args, **kwargs)

        return opened

    for module, name in others:
        setattr(module, name, opening((module, name)))
    try:
        yield
    finally:
        for (module, name), function in plain.items():
            setattr(module, name, function)


def _absolute(path: Any, folder: int = -1) -> str:
    """Return the path that is meant by a text, bytes or a descriptor, in the folder of a descriptor if any."""
    if isinstance(path, int):
        return _of_descriptor(path)
    base = "" if folder == -1 else _of_descriptor(folder)
    return os.path.join(base, os.fsdecode(path))  # noqa: PTH118 - a Path would cost more, and this is in every open()


def _of_descriptor(descriptor: int) -> str:
    """Return the path of an open file or folder, or a name for it that lies nowhere."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - no Path here
    except OSError:
        pass  # there is no such folder on this system
    try:
        import fcntl

        return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
    except (ImportError, AttributeError, OSError):
        return f"the open file {descriptor}"


def _entry(path: Any, folder: int = -1) -> str:
    """Return where a name stands, without following a link that it may be."""
    head, tail = os.path.split(_absolute(path, folder).rstrip(os.sep))
    return os.path.join(os.path.realpath(head), tail)  # noqa: PTH118


def _content(path: Any, folder: int = -1) -> str:
    """Return what a name leads to."""
    return os.path.realpath(_absolute(path, folder))


def _opened(path: Any, _mode: object, flags: object) -> Sequence[str]:
    writes = isinstance(flags, int) and flags & WRITING
    return () if not writes or isinstance(path, int) or path in DEVICES else (_content(path),)


def _database(path: Any) -> Sequence[str]:
    return () if path in (":memory:", b":memory:", "", b"") else (_content(path),)


def _deleted(path: Any, folder: int | None = -1) -> Sequence[str]:
    """Return what would go away; for what isn't there Python has its own words."""
    entry = _entry(path, -1 if folder is None else folder)
    return (entry,) if os.path.lexists(entry) else ()


def _moved(source: Any, target: Any, from_folder: int = -1, to_folder: int = -1) -> Sequence[str]:
    here = _deleted(source, from_folder)
    return (*here, _entry(target, to_folder)) if here else ()


def _made(path: Any, _mode: object = 0, folder: int = -1) -> Sequence[str]:
    entry = _entry(path, folder)
    return () if os.path.lexists(entry) else (entry,)


def _linked(source: Any, target: Any, from_folder: int = -1, to_folder: int = -1) -> Sequence[str]:
    return _content(source, from_folder), _entry(target, to_folder)


def _pointed_from(_source: object, target: Any, folder: int = -1) -> Sequence[str]:
    return (_entry(target, folder),)


def _changed(path: Any, *_: object) -> Sequence[str]:
    return (_content(path),)


def _owned(path: Any, *others: Any) -> Sequence[str]:
    """Return what is changed by calls whose last argument is a folder."""
    return (_content(path, others[-1]),)


def _first(what: object = "", *_: object) -> Sequence[str]:
    return (_text(what),)


def _address(_socket: object, address: object = "", *_: object) -> Sequence[str]:
    return (_text(address),)


def _host(*names: object) -> Sequence[str]:
    return (":".join(_text(name) for name in names[:2] if name),)


def _process(number: int, *_: object) -> Sequence[str]:
    return () if number == os.getpid() else (f"process {number}",)


def _copy(*_: object) -> Sequence[str]:
    return ("a copy of its process",)


def _text(value: object) -> str:
    """Return a value as a text of one line."""
    if isinstance(value, (list, tuple)):
        return " ".join(_text(part) for part in value)
    return os.fsdecode(value) if isinstance(value, (bytes, os.PathLike)) else str(value)


def _all(names: str, effect: Effect) -> dict[str, Effect]:
    return dict.fromkeys(names.split(), effect)


EFFECTS: dict[str, Effect] = {
    "open": Effect("write files", _opened),
    "sqlite3.connect": Effect("write files", _database),
    "os.truncate": Effect("truncate files", _changed),
    "os.remove": Effect("delete files", _deleted),
    "os.rmdir": Effect("delete folders", _deleted),
    "shutil.rmtree": Effect("delete folders", _deleted),
    "os.rename": Effect("rename files", _moved),
    "os.mkdir": Effect("make folders", _made),
    "os.mkfifo": Effect("make pipes", _made),
    "os.mknod": Effect("make devices", _made),
    "os.link": Effect("link files", _linked),
    "os.symlink": Effect("link files", _pointed_from),
    **_all("os.chmod os.chown os.utime", Effect("change what is told of files", _owned)),
    **_all(
        "os.chflags os.setxattr os.removexattr",
        Effect("change what is told of files", _changed),
    ),
    **_all(
        "winreg.CreateKey winreg.DeleteKey winreg.SetValue", Effect("change settings", _host, files=False)
    ),
    **_all(
        "subprocess.Popen os.system os.exec os.posix_spawn os.spawn os.startfile pty.spawn",
        Effect("start a program", _first, files=False, at_import=True),
    ),
    **_all(
        "os.fork os.forkpty _posixsubprocess.fork_exec",
        Effect("start a program", _copy, files=False, at_import=True),
    ),
    **_all("os.kill os.killpg", Effect("signal other processes", _process, files=False)),
    "_posixshmem.shm_open": Effect("share memory with other processes", _first, files=False),
    **_all(
        "socket.connect socket.bind socket.sendto socket.sendmsg",
        Effect("use the network", _address, files=False),
    ),
    **_all(
        "socket.getaddrinfo socket.gethostbyname socket.gethostbyaddr",
        Effect("use the network", _host, files=False),
    ),
}
"""What is refused, by audit event."""

UNANNOUNCED = ("os.mkfifo", "os.mknod", "os.killpg", "_posixsubprocess.fork_exec", "_posixshmem.shm_open")
"""Functions without an audit event of Python's, which raise one of their own name while the guard is on."""
