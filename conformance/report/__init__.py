"""Reports: a record as Markdown, as files, on the terminal. They print a summary and compute nothing."""

from conformance.report.files import REPORT_FILES as REPORT_FILES
from conformance.report.files import write_report as write_report
from conformance.report.markdown import markdown as markdown
from conformance.report.words import tell as tell

__all__ = ["REPORT_FILES", "markdown", "tell", "write_report"]
