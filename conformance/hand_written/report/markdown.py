"""A check as Markdown, for a comment on a change or a step summary."""

import re
from collections.abc import Iterator

from conformance.hand_written.report.view import COLUMNS, MEND, Block, CheckView, view
from conformance.record.check import CheckRecord
from conformance.report.words import legal


def check_markdown(record: CheckRecord) -> str:
    """Return a check as Markdown."""
    return "\n".join(_lines(view(record))) + "\n"


def _lines(seen: CheckView) -> Iterator[str]:
    yield f"## {seen.title}: {escaped(seen.target)}"
    yield f"\n{escaped(seen.headline)}"
    if seen.first is not None:
        yield from _block(seen.first)
    if seen.rows:
        yield f"\n| {' | '.join(COLUMNS)} |"
        yield "| --- | --- |" + " ---: |" * (len(COLUMNS) - 2)
        yield from (f"| {' | '.join(map(escaped, row))} |" for row in seen.rows)
    for block in seen.blocks:
        yield from _block(block)
    yield f"\nReproduce: {inline(seen.reproduce)}"


def _block(block: Block) -> Iterator[str]:
    yield f"\n**{escaped(block.name)}**\n"
    if block.name == MEND and len(block.lines) > 1:
        yield f"{escaped(block.lines[0])}\n"
        yield fenced("\n".join(block.lines[1:]))
        return
    yield from (f"- {escaped(line.strip())}" for line in block.lines if line.strip())


def escaped(text: str) -> str:
    r"""Return `text` so that Markdown shows it as it is.

    >>> escaped("dL/dW_hh | <b>")
    'dL/dW\\_hh \\| &lt;b&gt;'
    """
    text = legal(text)
    for character in ("\\", "`", "*", "_", "|", "[", "]", "#"):
        text = text.replace(character, f"\\{character}")
    return " ".join(text.replace("<", "&lt;").replace(">", "&gt;").splitlines())


def fenced(diff: str) -> str:
    """Return a diff between fences that are longer than any in it."""
    diff = legal(diff)
    longest = max((len(run) for run in re.findall("`+", diff)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}diff\n{diff}\n{fence}"


def inline(code: str) -> str:
    """Return `code` between as many backticks as keep its own apart.

    >>> inline("a`b")
    '`` a`b ``'
    """
    code = legal(code)
    longest = max((len(run) for run in "".join(c if c == "`" else " " for c in code).split()), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {code} {fence}" if longest else f"{fence}{code}{fence}"
