"""Workflow commands of GitHub Actions: lines of a program's output that show as annotations of a run or a change."""

from typing import Literal

from conformance.report.words import legal

Level = Literal["error", "warning", "notice"]


def workflow_command(level: Level, message: str, *, title: str, file: str = "", line: int = 0) -> str:
    r"""Return the command for one annotation, on one line, whatever the texts; `line` counts from 1, 0 for none.

    >>> workflow_command("error", "100 %\nnext", title="a: b", file="x.py", line=3)
    '::error file=x.py,line=3,title=a%3A b::100 %25%0Anext'
    """
    place = {"file": file, "line": str(line) if line else "", "title": title}
    properties = [f"{name}={_property(value)}" for name, value in place.items() if value]
    return f"::{level} {','.join(properties)}::{_data(message)}"


def _data(text: str) -> str:
    return legal(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
