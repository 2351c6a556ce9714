"""What the functions of foreign code held in their local variables when they returned."""

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

MOST_CALLS = 400
"""Calls of one function that are kept."""

Seen = dict[str, list[dict[str, Any]]]
"""By a function's name, the local variables of each of its calls at its return, in the order of returning."""


OURS = ("conformance", "refrnn", "numpy")
"""Packages that know the right gradients, or move them about. Code made by exec calls its file "<string>" there too."""


ADAPTER = "<adapter>"
"""The file that lines of ours which call foreign code say they are in."""


@contextmanager
def watched(
    files: Collection[str], seen: Seen | None = None, handed: list[Any] | None = None
) -> Iterator[Seen]:
    """Yield what the functions defined in `files` hold when they return, while the block runs, added to `seen`.

    What our own lines handed to them is added to `handed`. A tracer or profiler that was active before is put back
    afterwards.
    """
    seen = {} if seen is None else seen
    handed = [] if handed is None else handed

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and _is_called_by_us(frame):
            handed.extend(frame.f_locals.values())
        if event == "return" and frame.f_code.co_filename in files and not _is_ours(frame):
            name = frame.f_code.co_name
            if name[0] != "<":
                calls = seen.setdefault(name, [])
                if len(calls) < MOST_CALLS:
                    calls.append(dict(frame.f_locals))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)


def _is_called_by_us(frame: FrameType) -> bool:
    return frame.f_back is not None and frame.f_back.f_code.co_filename == ADAPTER


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] in OURS
