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
        if tag != "equal":
            yield from _of_some_lines(file, i + 1, old[i:j], new[k:n])


def _of_some_lines(file: str, first: int, before: Sequence[str], after: Sequence[str]) -> Iterator[Fix]:
    """Yield the fixes of lines that are others: one for each line, as far as it is known what became of it."""
    if len(before) == len(after):
        for n, (old, new) in enumerate(zip(before, after, strict=True)):
            yield Fix(file=file, first=first + n, before=(old,), after=(new,))
    elif len(before) == 1 and len(after) > 1:
        alike = [difflib.SequenceMatcher(None, before[0], line).ratio() for line in after]
        at = alike.index(max(alike))
        if at:
            yield Fix(file=file, first=first, before=(), after=tuple(after[:at]))
        yield from _of_some_lines(file, first, before, after[at : at + 1])
        if after[at + 1 :]:
            yield Fix(file=file, first=first + 1, before=(), after=tuple(after[at + 1 :]))
    else:
        yield Fix(file=file, first=first, before=tuple(before), after=tuple(after))


def made(text: str, fixes: Sequence[Fix]) -> str:
    """Return the text of a file with its fixes made."""
    lines = text.split("\n")
    for fix in sorted(fixes, key=lambda fix: (fix.first, len(fix.before)), reverse=True):
        start = fix.first - 1
        lines[start : start + len(fix.before)] = fix.after
    return "\n".join(lines)
