"""`Fix`: lines of a file with others in their place; what a patch is made of, and what a diff shows."""

import difflib
from collections.abc import Iterator, Sequence

from msgspec import Struct

from conformance.hand_written.mending.state import Files


class Fix(Struct, frozen=True, kw_only=True):
    """Some lines of a file, from `first` (from 1), and the lines that take their place; either may be none."""

    file: str
    first: int
    before: tuple[str, ...]
    after: tuple[str, ...]


def fixes_of(before: Files, after: Files) -> list[Fix]:
    """Return the fixes that lead from one state of sources to another, in the order of their lines."""
    return [fix for file, text in before.items() for fix in _of_a_file(file, text, after[file])]


def _of_a_file(file: str, before: str, after: str) -> Iterator[Fix]:
    old, new = before.split("\n"), after.split("\n")
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, i, j, k, n in matcher.get_opcodes():
        if tag == "replace" and j - i == n - k:
            yield from (
                Fix(file=file, first=i + m + 1, before=(old[i + m],), after=(new[k + m],))
                for m in range(j - i)
            )
        elif tag != "equal":
            yield Fix(file=file, first=i + 1, before=tuple(old[i:j]), after=tuple(new[k:n]))


def made(text: str, fixes: Sequence[Fix]) -> str:
    """Return the text of a file with its fixes made."""
    lines = text.split("\n")
    for fix in sorted(fixes, key=lambda fix: fix.first, reverse=True):
        start = fix.first - 1
        lines[start : start + len(fix.before)] = fix.after
    return "\n".join(lines)
