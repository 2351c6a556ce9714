"""Every format of a check that is text, by name."""

from collections.abc import Callable

from conformance.hand_written.report.github import check_github
from conformance.hand_written.report.html import check_html
from conformance.hand_written.report.markdown import check_markdown
from conformance.hand_written.report.sarif import check_sarif
from conformance.hand_written.report.suggestions import check_suggestions
from conformance.record.check import CheckRecord, encode_check

FORMATS: dict[str, Callable[[CheckRecord], str]] = {
    "json": lambda record: encode_check(record).decode(),
    "markdown": check_markdown,
    "html": check_html,
    "github": check_github,
    "sarif": check_sarif,
    "suggestions": check_suggestions,
}
