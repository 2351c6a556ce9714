"""What the site needs done to the documents: links that leave docs/ lead nowhere there, and stand as names of files."""

import posixpath
import re
from typing import Any

LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:  # noqa: ANN401 - a page of MkDocs
    """Return the text of a page whose links to files outside docs/, or to programs, are the names of these files.

    >>> class Page: file = type("File", (), {"src_uri": "findings/README.md"})
    >>> on_page_markdown("[world](../../reports/world.md), [x](x.md)", Page)
    'world (`reports/world.md`), [x](x.md)'
    """
    folder = posixpath.dirname(page.file.src_uri)

    def told(link: re.Match[str]) -> str:
        text, target = link[1], link[2]
        place = posixpath.normpath(posixpath.join("docs", folder, target))
        inside = place.startswith("docs/") and place.endswith((".md", ".ipynb", ".png"))
        name = text.strip("`")
        return link[0] if inside else f"`{place}`" if name in (place, target) else f"{text} (`{place}`)"

    return LINK.sub(told, markdown)
