"""A check as a review of a pull request on GitHub, with a suggestion to commit for every line of its patch.

It is what `gh api repos/OWNER/NAME/pulls/NUMBER/reviews --input -` takes.
"""

import re

import msgspec

from conformance.hand_written.mending.patch import NOTEBOOK
from conformance.hand_written.report.markdown import escaped
from conformance.record.check import CheckRecord, FixRecord
from conformance.record.text import json_of
from conformance.report.words import legal


def check_suggestions(record: CheckRecord) -> str:
    """Return the review of a check as JSON; what lies in notebooks has no line that could be commented on."""
    comments = [_comment(fix) for fix in record.fixes if NOTEBOOK not in fix.file]
    faults = () if record.diagnosis is None else record.diagnosis.faults
    told = (record.headline, *(f"{f.id}: {f.name}" for f in faults), f"Reproduce: {record.reproduce}")
    review = {"event": "COMMENT", "body": "\n\n".join(map(escaped, told)), "comments": comments}
    return msgspec.json.format(json_of(review), indent=2).decode() + "\n"


def _comment(fix: FixRecord) -> dict[str, object]:
    """Return the comment on the lines of a fix; where it only puts lines in, they go above the one commented on."""
    text = legal("\n".join(fix.after))
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    kind = "suggestion" if fix.before else "python"
    change = f"{fix.change[:1].upper()}{fix.change[1:]}." if fix.change else "This makes gradients wrong."
    said = escaped(" ".join([change, *(f"({fault})" for fault in fix.faults)]))
    above = "" if fix.before else " Put in above this line:"
    last = fix.first + max(1, len(fix.before)) - 1
    comment: dict[str, object] = {
        "path": fix.file,
        "side": "RIGHT",
        "line": last,
        "body": f"{said}{above}\n{fence}{kind}\n{text}\n{fence}",
    }
    if last > fix.first:
        comment |= {"start_line": fix.first, "start_side": "RIGHT"}
    return comment
