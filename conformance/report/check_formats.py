"""Every format of a check that is text, by name."""

from collections.abc import Callable

from conformance.record.check import CheckRecord, encode_check
from conformance.report.check_github import check_github
from conformance.report.check_html import check_html
from conformance.report.check_markdown import check_markdown
from conformance.report.check_sarif import check_sarif

FORMATS: dict[str, Callable[[CheckRecord], str]] = {
    "json": lambda record: encode_check(record).decode(),
    "markdown": check_markdown,
    "html": check_html,
    "github": check_github,
    "sarif": check_sarif,
}
