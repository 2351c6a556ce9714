"""A check as HTML: a fragment that notebooks show, and a page of its own. No script, no network, all text escaped."""

from collections.abc import Iterable, Iterator
from html import escape

from conformance.record.check import CheckRecord
from conformance.report.check_view import COLUMNS, Block, CheckView, view

COLOURS = {
    "conforms": "#1a7f37",
    "conforms-up-to-a-constant": "#1a7f37",
    "differs": "#cf222e",
    "failed": "#cf222e",
}
DOUBTFUL = "#9a6700"

STYLE = """
.conformance-check { font: 14px/1.5 system-ui, sans-serif; max-width: 60em; }
.conformance-check h2 { font-size: 1.15em; margin: 0 0 .3em; }
.conformance-check table { border-collapse: collapse; margin: .6em 0; }
.conformance-check th, .conformance-check td { padding: .1em .8em .1em 0; text-align: right; }
.conformance-check th:nth-child(-n+2), .conformance-check td:nth-child(-n+2) { text-align: left; }
.conformance-check dt { font-weight: 600; margin-top: .4em; }
.conformance-check dd { margin: 0 0 0 1.2em; white-space: pre-wrap; }
"""


def check_html(record: CheckRecord) -> str:
    """Return a check as a page of its own."""
    title = escape(f"{view(record).title}: {record.target}")
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body>\n{check_fragment(record)}\n</body>\n</html>\n"
    )


def check_fragment(record: CheckRecord) -> str:
    """Return a check as a fragment of HTML, with its style."""
    return "\n".join(_lines(view(record)))


def _lines(seen: CheckView) -> Iterator[str]:
    colour = COLOURS.get(seen.verdict, DOUBTFUL)
    yield f'<div class="conformance-check"><style>{STYLE}</style>'
    yield f'<h2><span style="color:{colour}">{escape(seen.title)}</span> {escape(seen.target)}</h2>'
    yield f"<p>{escape(seen.headline)}</p>"
    if seen.first is not None:
        yield from _list([seen.first])
    if seen.rows:
        yield (
            "<table><thead><tr>"
            + "".join(f"<th>{escape(name)}</th>" for name in COLUMNS)
            + "</tr></thead><tbody>"
        )
        yield from (
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in seen.rows
        )
        yield "</tbody></table>"
    yield from _list(seen.blocks)
    yield f"<p>Reproduce: <code>{escape(seen.reproduce)}</code></p></div>"


def _list(blocks: Iterable[Block]) -> Iterator[str]:
    yield "<dl>"
    for block in blocks:
        yield f"<dt>{escape(block.name)}</dt><dd>{escape(chr(10).join(block.lines))}</dd>"
    yield "</dl>"
