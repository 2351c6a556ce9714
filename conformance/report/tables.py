"""The pieces of Markdown that every page is made of, whatever the text: tables, cells, blocks."""

from collections.abc import Iterable, Sequence

from conformance.report.words import legal, one_line


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines)


def cell(text: str) -> str:
    r"""Return text that can break neither a table nor a page: one line, no bar, no HTML.

    >>> cell("a | b\n<i>")
    'a \\| b &lt;i>'
    """
    text = one_line(text).replace("|", "\\|")
    return text.replace("&", "&amp;").replace("<", "&lt;")


def code(text: str) -> str:
    """Return a name as code, which nothing in it can end.

    >>> code("a`b")
    "`a'b`"
    """
    return "`" + legal(text).replace("`", "'") + "`"


def block(text: str) -> str:
    """Return text as a block that nothing in it can end."""
    return "```text\n" + legal(text).replace("```", "'''") + "\n```"
