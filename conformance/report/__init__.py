"""Reports: a record as Markdown, as files, on the terminal. They print a summary and compute nothing."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.report.files import REPORT_FILES as REPORT_FILES
    from conformance.report.files import write_report as write_report
    from conformance.report.markdown import markdown as markdown
    from conformance.report.words import tell as tell

_HOMES = {"REPORT_FILES": "files", "markdown": "markdown", "tell": "words", "write_report": "files"}

__all__ = ["REPORT_FILES", "markdown", "tell", "write_report"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attributes can be anything
    """Load a public name when it is asked for, so that one report imports nothing of the others."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
