"""Every format of a check that is text, by name; and of several checks, where a format can hold them."""

from collections.abc import Callable, Sequence

from conformance.errors import UsageError
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


SEVERAL: dict[str, Callable[[Sequence[CheckRecord]], str]] = {
    "json": lambda records: (
        "[\n" + ",\n".join(encode_check(r).decode().rstrip("\n") for r in records) + "\n]\n"
    ),
    "markdown": lambda records: "\n".join(map(check_markdown, records)),
    "html": lambda records: check_html(*records),
    "github": lambda records: "".join(map(check_github, records)),
    "sarif": lambda records: check_sarif(*records),
}


def text_of(form: str, records: Sequence[CheckRecord], *, several: bool) -> str:
    """Return checks in a format; one that isn't `several` as itself, not as a list of one.

    Raises
    ------
    UsageError
        If the format can't hold several.
    """
    if not several:
        return FORMATS[form](records[0])
    if form not in SEVERAL:
        message = f"--format {form} tells of one network; name it: file.py:Name."
        raise UsageError(message)
    return SEVERAL[form](records)
