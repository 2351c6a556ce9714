"""A check as workflow commands of GitHub Actions, which show as annotations on the lines of a change."""

from conformance.hand_written.report.places import Remark, remarks
from conformance.hand_written.report.view import TITLES
from conformance.record.check import CheckRecord
from conformance.report.workflow_commands import workflow_command


def check_github(record: CheckRecord) -> str:
    """Return a check as workflow commands, a line each; a notice where all conforms."""
    found = remarks(record)
    if not found:
        return workflow_command("notice", record.headline, title=TITLES[record.verdict]) + "\n"
    return "".join(_command(remark) for remark in found)


def _command(remark: Remark) -> str:
    level = "error" if remark.grave else "warning"
    return workflow_command(level, remark.text, title=remark.rule, file=remark.file, line=remark.line) + "\n"
