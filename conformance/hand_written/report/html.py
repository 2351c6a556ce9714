"""A check as HTML: a fragment that notebooks show, and a page of its own. No script, no network, all text escaped."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from conformance.hand_written.report.sources import sources_of
from conformance.hand_written.report.view import COLUMNS, MEND, OTHERWISE, view
from conformance.record.check import CheckRecord
from conformance.report import pictures
from conformance.report.templates import template

if TYPE_CHECKING:
    from jinja2 import Template

TONES = defaultdict(lambda: "open", {"agrees": "good", "differs": "bad"})
"""How the verdict on each quantity looks; what is in doubt looks open."""


DIFF = ("-", "+", "@")
"""How the lines of a diff begin."""

CHANGED = {"+": "good", "-": "bad"}
"""How the lines of a patch look, by their first letter."""


def check_html(*records: CheckRecord) -> str:
    """Return checks as a page of its own, one below the other."""
    title = escape("; ".join(f"{view(record).title}: {record.target}" for record in records))
    fragments = "\n".join(map(check_fragment, records))
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>:root {{ color-scheme: light dark; }}</style></head>\n"
        f"<body>\n{fragments}\n</body>\n</html>\n"
    )


def check_fragment(record: CheckRecord) -> str:
    """Return a check as a fragment of HTML, with its style."""
    style = Markup(template("check.css") + template("pictures.css"))  # noqa: S704 - ours
    seen = view(record)
    return _fragment().render(
        seen=seen,
        record=record,
        sources=sources_of(record),
        style=style,
        tones=TONES,
        columns=COLUMNS,
        patch=MEND,
        changed=CHANGED,
        beside_source=beside_source,
    )


def beside_source(lines: Sequence[str]) -> list[str]:
    """Return the lines of a patch's block but for the diff itself, where the source shows that."""
    others = lines.index(OTHERWISE) if OTHERWISE in lines else len(lines)
    return [line for n, line in enumerate(lines) if n >= others or line[:1] not in DIFF]


@cache
def _fragment() -> "Template":
    from jinja2 import (  # a check that isn't shown as HTML needs none of it
        DictLoader,
        Environment,
        StrictUndefined,
    )

    names = ("check", "pictures")
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=DictLoader({name: template(f"{name}.html.jinja") for name in names}),
    )
    environment.filters |= pictures.FILTERS
    environment.globals |= pictures.GLOBALS
    return environment.get_template("check")
