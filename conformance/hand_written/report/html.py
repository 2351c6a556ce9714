"""A check as HTML: a fragment that notebooks show, and a page of its own. No script, no network, all text escaped."""

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from conformance.hand_written.report.view import COLUMNS, MEND, view
from conformance.record.check import CheckRecord
from conformance.report.templates import template

if TYPE_CHECKING:
    from jinja2 import Template

TONES = defaultdict(lambda: "open", {"agrees": "good", "differs": "bad"})
"""How the verdict on each quantity looks; what is in doubt looks open."""


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
    style = Markup(template("check.css"))  # noqa: S704 - ours
    return _fragment().render(
        seen=view(record), style=style, tones=TONES, columns=COLUMNS, patch=MEND, changed=CHANGED
    )


@cache
def _fragment() -> "Template":
    from jinja2 import (  # a check that isn't shown as HTML needs none of it
        DictLoader,
        Environment,
        StrictUndefined,
    )

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=DictLoader({"check": template("check.html.jinja")}),
    )
    return environment.get_template("check")
