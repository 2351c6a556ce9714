"""GitHub's view of a run: a step summary and annotations, written only when a workflow of GitHub's runs us.

A step summary over 1 MiB is dropped whole, and of all annotations of a step GitHub shows ten of each level: what goes
beyond is counted instead. The formats are those of GitHub's documentation, "Workflow commands for GitHub Actions".
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from conformance.record.summary import VERDICTS, Summary, summarise
from conformance.report.gated import describe, gate_lines, stale
from conformance.report.tables import block, cell, table
from conformance.report.workflow_commands import workflow_command
from conformance.runs.gate import Assessment
from conformance.subjects import defined_at

SUMMARY_LIMIT = 1024**2
"""Bytes that GitHub takes as the summary of one step."""

MOST_ANNOTATIONS = 10
MOST_CHARACTERS = 4000
"""Of one annotation: what a subject raises may be long, and the report has all of it."""


def write_github_outputs(assessment: Assessment, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Write the step summary and return the annotations to print; nothing of both anywhere else."""
    if environment.get("GITHUB_ACTIONS") != "true":
        return []
    write_step_summary(summarise(assessment.record), assessment, environment)
    return annotations(assessment)


def annotations(assessment: Assessment) -> list[str]:
    """Return a workflow command for each failure, ten at most; the last one counts what is left out.

    Those of a subject in a file show where it is defined.
    """
    commands = [
        _error(
            f"{ruling.case.verdict}: {ruling.case.subject} on {ruling.case.case}",
            describe(ruling),
            *defined_at(ruling.case.subject),
        )
        for ruling in assessment.failing
    ]
    commands += [
        _error("expected failure that matches nothing", stale(entry), entry.source, entry.line)
        for entry in assessment.unmatched
    ]
    if len(commands) <= MOST_ANNOTATIONS:
        return commands
    shown = commands[: MOST_ANNOTATIONS - 1]
    return [*shown, _error("conformance", f"and {len(commands) - len(shown):,} more failures")]


def step_summary(summary: Summary, assessment: Assessment, limit: int = SUMMARY_LIMIT) -> str:
    """Return Markdown of at most `limit` bytes: the verdict, the counts, then failures in full while there is room."""
    counts = [
        (f"`{subject}`", *(f"{found[verdict]:,}" for verdict in VERDICTS))
        for subject, found in summary.verdicts.items()
    ]
    head = [
        f"### Conformance: suite {cell(summary.record.suite)}",
        f"**{cell(summary.sentence)}**",
        table(("subject", *VERDICTS), counts),
        "\n".join(f"- {cell(line)}" for line in gate_lines(assessment)),
    ]
    failures = [f"\n{block(describe(ruling))}\n" for ruling in assessment.failing]
    return _fitting([part for part in head if part], failures, limit)


def write_step_summary(summary: Summary, assessment: Assessment, environment: Mapping[str, str]) -> None:
    """Append the step summary to the file that GitHub names; what other programs of the step wrote there counts too."""
    name = environment.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    path = Path(name)
    taken = path.stat().st_size if path.exists() else 0
    text = step_summary(summary, assessment, SUMMARY_LIMIT - taken)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _fitting(head: Sequence[str], failures: Sequence[str], limit: int) -> str:
    """Return the head, then failures while they and the count of the others fit; "" where not even the head does."""
    text = "\n\n".join(head) + "\n"
    room = limit - len(text.encode()) - len(_left_out(len(failures)).encode())
    if room < 0:
        return ""
    kept = 0
    for failure in failures:
        room -= len(failure.encode())
        if room < 0:
            break
        kept += 1
    return text + "".join(failures[:kept]) + (_left_out(len(failures) - kept) if kept < len(failures) else "")


def _left_out(count: int) -> str:
    return f"\n… and {count:,} more that fail; the report has them all.\n"


def _error(title: str, message: str, file: str = "", line: int = 0) -> str:
    return workflow_command("error", message[:MOST_CHARACTERS], title=title, file=file, line=line)
