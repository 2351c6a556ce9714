"""What the functions of foreign code held in their local variables when they returned."""

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from msgspec import Struct, field

MOST_CALLS = 400
"""Calls of one function that are kept."""

Seen = dict[str, list[dict[str, Any]]]
"""By a function's name, the local variables of each of its calls at its return, in the order of returning."""


OURS = ("conformance", "refrnn", "numpy")
"""Packages that know the right gradients, or move them about. Code made by exec calls its file "<string>" there too."""


ADAPTER = "<adapter>"
"""The file that lines of ours which call foreign code say they are in."""


class Watch(Struct, kw_only=True):
    """What was seen of foreign functions, what our own lines handed to them, and how many events there were.

    An event is a function called or left, one of Python's own as well: they measure work where a clock would measure
    the machine.
    """

    seen: Seen = field(default_factory=dict)
    handed: list[Any] = field(default_factory=list)
    events: int = 0


@contextmanager
def watched(files: Collection[str], watch: Watch) -> Iterator[None]:
    """Add to `watch` what the functions defined in `files` hold when they return, while the block runs.

    A tracer or profiler that was active before is put back afterwards.
    """
    events = 0  # counted here: this is called some thousand times in a run

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal events
        events += 1
        if event == "call":
            if (caller := frame.f_back) is not None and caller.f_code.co_filename == ADAPTER:
                watch.handed.extend(frame.f_locals.values())
        elif event == "return" and frame.f_code.co_filename in files and not _is_ours(frame):
            name = frame.f_code.co_name
            if name[0] != "<":
                calls = watch.seen.setdefault(name, [])
                if len(calls) < MOST_CALLS:
                    calls.append(dict(frame.f_locals))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)
        watch.events += events


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] in OURS
