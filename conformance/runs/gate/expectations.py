"""Expected failures: a file of patterns of case ids, each with the reason why these cases are expected to fail.

    # cases                subjects     reason
    rnn-relu-*-f32-*                  # overflows in float32 since 2.3, ticket 12
    rnn-*-gain10-*         my-rnn     # chaotic, and my-rnn shows no steps

A line is a pattern of case ids, where needed a pattern of names of subjects, and a reason after `#`. Patterns are
those of the shell: `*` is anything, `?` one character (a blank too), `[ab]` one of these.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

from msgspec import Struct

from conformance.errors import UsageError

Pair = tuple[str, str]
"""A case id and the name of a subject."""


class Entry(Struct, frozen=True, kw_only=True):
    """One line of the file."""

    source: str
    line: int
    cases: str
    subjects: str
    reason: str

    def matches(self, case: str, subject: str) -> bool:
        """Return whether this entry speaks of a case with a subject."""
        return fnmatchcase(case, self.cases) and fnmatchcase(subject, self.subjects)

    @property
    def place(self) -> str:
        """Where the entry stands, as editors take it."""
        return f"{self.source}:{self.line}"

    @property
    def pattern(self) -> str:
        """The entry's patterns as they were written."""
        return self.cases if self.subjects == "*" else f"{self.cases} {self.subjects}"


class Expectations(Struct, frozen=True, kw_only=True):
    """All entries of a file; without any, nothing is expected to fail."""

    entries: tuple[Entry, ...] = ()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file at `path`.

        Raises
        ------
        UsageError
            If it can't be read, or a line isn't a pattern (or two) and a reason.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")  # some editors of Windows put a mark in front
        except (OSError, UnicodeDecodeError) as error:
            message = (
                f"The expected failures can't be read: {error}. Pass a text file of patterns and reasons."
            )
            raise UsageError(message) from error
        return cls.parse(text, source=str(path))

    @classmethod
    def parse(cls, text: str, *, source: str) -> Self:
        """Return the entries of `text`; blank lines and lines that begin with `#` say nothing.

        Examples
        --------
        >>> (entry,) = Expectations.parse("rnn-relu-*  my-rnn  # no relu yet", source="known.txt").entries
        >>> entry.pattern, entry.reason, entry.place
        ('rnn-relu-* my-rnn', 'no relu yet', 'known.txt:1')
        """
        lines = enumerate(text.splitlines(), start=1)
        return cls(
            entries=tuple(_entry(line, source, n) for n, line in lines if line.partition("#")[0].strip())
        )

    def entry_for(self, case: str, subject: str) -> Entry | None:
        """Return the first entry that expects `subject` to fail on `case`."""
        return next((entry for entry in self.entries if entry.matches(case, subject)), None)

    def unmatched(self, pairs: Iterable[Pair]) -> list[Entry]:
        """Return the entries that speak of none of `pairs`: mistyped, or left behind by a change of the suite."""
        known = list(pairs)
        return [entry for entry in self.entries if not any(entry.matches(*pair) for pair in known)]


def _entry(line: str, source: str, number: int) -> Entry:
    patterns, _, reason = line.partition("#")
    words = patterns.split()
    if len(words) > 2 or not reason.strip():
        message = (
            f"{source}:{number}: expected a pattern of case ids, if needed a pattern of subjects, and a reason "
            f"after #; got {line.strip()!r}. Example: rnn-relu-*-f32-* my-rnn  # overflows in float32, ticket 12"
        )
        raise UsageError(message)
    cases, subjects = (*words, "*")[:2]
    return Entry(source=source, line=number, cases=cases, subjects=subjects, reason=reason.strip())
