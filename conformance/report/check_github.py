"""A check as workflow commands of GitHub Actions, which show as annotations on the lines of a change."""

from conformance.record.check import CheckRecord
from conformance.report.check_places import Remark, remarks
from conformance.report.check_view import TITLES


def check_github(record: CheckRecord) -> str:
    """Return a check as workflow commands, a line each; a notice where all conforms."""
    found = remarks(record)
    if not found:
        return f"::notice title={_property(TITLES[record.verdict])}::{_data(record.headline)}\n"
    return "".join(_command(remark) for remark in found)


def _command(remark: Remark) -> str:
    place = {"file": remark.file, "line": str(remark.line) if remark.line else ""}
    properties = [f"{name}={_property(value)}" for name, value in place.items() if value]
    properties.append(f"title={_property(remark.rule)}")
    return f"::{'error' if remark.grave else 'warning'} {','.join(properties)}::{_data(remark.text)}\n"


def _data(text: str) -> str:
    r"""Return the text of a command as its grammar wants it escaped.

    >>> _data("100 %\nnext")
    '100 %25%0Anext'
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
