"""The errors that a user of this package may meet, and how those of foreign code, and commands, are told."""

import os
import shlex
import subprocess


class ConformanceError(Exception):
    """Anything this package refuses or can't do, told in a sentence."""


class UsageError(ConformanceError):
    """What was asked for can't be done as it was asked; the message says how it can."""


class NoSuchTarget(UsageError):  # noqa: N818 - it says what is wrong with what was asked
    """There is no such file, no such module, or no such name in it."""


class Unsupported(ConformanceError):  # noqa: N818 - a verdict's name, not a mistake
    """A subject can't run this case at all; the message is the reason."""


MOST_WORDS = 1000
"""Characters of what an exception says that are told."""


def in_words(error: BaseException) -> str:
    """Return an exception's kind and its text, which foreign code may have made unreadable."""
    kind = type(error).__name__
    try:
        text = str(error)
    except BaseException as another:  # noqa: BLE001 - whatever __str__ does, sys.exit() included, is told
        text = f"its text can't be had, its __str__ raises {type(another).__name__}"
    return well_formed(f"{kind}: {text}"[:MOST_WORDS])


def well_formed(text: str) -> str:
    r"""Return `text` with what is no character written out: such as a byte of a name that isn't UTF-8.

    >>> print(well_formed("caf\udce9.py"))
    caf\udce9.py
    """
    return text.encode("utf-8", "backslashreplace").decode()


def quoted(text: str) -> str:
    """Return `text` as a shell of this system takes it for one argument."""
    return subprocess.list2cmdline([text]) if os.name == "nt" else shlex.quote(text)
