"""Doing something again whenever files change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import sleep

POLL = 0.1
"""Seconds between looks at the files: a tenth of what a person notices."""

State = dict[Path, tuple[int, int]]
"""When each file was changed last, in nanoseconds, and its size."""


def changes(files: Callable[[], Iterable[Path]]) -> Iterator[None]:
    """Yield at once, and again whenever one of `files` has changed, appeared or gone, until nobody asks any more.

    A change counts once it is over: an editor may write a file in several goes.
    """
    seen = state(files())
    yield
    while True:
        sleep(POLL)
        now = state(files())
        if now == seen:
            continue
        while now != seen:
            seen = now
            sleep(POLL)
            now = state(files())
        yield


def state(files: Iterable[Path]) -> State:
    """Return how files are now; those that are gone are left out."""
    found: State = {}
    for path in files:
        try:
            status = path.stat()
        except OSError:
            continue
        found[path] = (status.st_mtime_ns, status.st_size)
    return found
