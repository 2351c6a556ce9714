"""The standard streams of the program: there, and able to take every text whatever their encoding."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from typing import TextIO


def prepare_streams() -> None:
    """Let what a stream's encoding doesn't know be printed as question marks, and what was closed swallow all."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as long as the process
            setattr(sys, name, stream)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def is_terminal(stream: TextIO) -> bool:
    """Return whether somebody looks at a stream, or wants it as if somebody did, by FORCE_COLOR or TTY_COMPATIBLE.

    Only then is what draws on terminals imported; it has the last word on colours.
    """
    return stream.isatty() or any(os.environ.get(name) for name in ("FORCE_COLOR", "TTY_COMPATIBLE"))


def escaped(text: str, form: str) -> str:
    """Return a document that is read as UTF-8, so that it can be so whatever the standard output's encoding is.

    JSON and HTML have escapes of their own for what isn't ASCII; other formats have none.
    """
    name = getattr(sys.stdout, "encoding", None) or "utf-8"
    if form not in ESCAPES or codecs.lookup(name).name == "utf-8":
        return text
    return text.encode("ascii", ESCAPES[form]).decode()


def _as_json(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


ESCAPES = {"json": "as_json", "sarif": "as_json", "suggestions": "as_json", "html": "xmlcharrefreplace"}
"""How characters that aren't ASCII are written in a format, by the name of an error handler."""

codecs.register_error("as_json", _as_json)
