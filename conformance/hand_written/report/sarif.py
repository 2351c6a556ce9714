"""A check in SARIF 2.1.0, the format in which code scanning takes results (OASIS, 2020)."""

import os
from collections.abc import Sequence
from pathlib import PurePath
from urllib.parse import quote

import msgspec

from conformance.hand_written.mending.patch import NOTEBOOK
from conformance.hand_written.report.places import Remark, remarks
from conformance.hand_written.report.view import PROVED
from conformance.record.check import CheckRecord
from conformance.record.text import json_of

SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

NOTHING_JUDGED = ("failed", "not-called", "out-of-time")
"""Verdicts of checks that came to no judgement."""


def check_sarif(*records: CheckRecord) -> str:
    """Return checks as a SARIF log of one run, without results where all conforms.

    Code scanning refuses several runs of one tool that aren't told apart, and takes no more than twenty.
    """
    log = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [_run(records)]}
    return msgspec.json.format(json_of(log), indent=2).decode() + "\n"


def _run(records: Sequence[CheckRecord]) -> dict[str, object]:
    found = [remarks(record) for record in records]
    rules = {remark.rule: remark.about for of_one in found for remark in of_one}
    judged = all(record.verdict not in NOTHING_JUDGED for record in records)
    described = [{"id": rule, "shortDescription": {"text": about}} for rule, about in rules.items()]
    order = list(rules)
    return {
        "tool": {"driver": {"name": "conformance", "rules": described}},
        "invocations": [{"executionSuccessful": judged}],
        "results": [
            result
            for record, of_one in zip(records, found, strict=True)
            for result in _results(record, of_one, order)
        ],
        "columnKind": "unicodeCodePoints",
    }


def _results(record: CheckRecord, found: Sequence[Remark], rules: Sequence[str]) -> list[dict[str, object]]:
    """Return the results of a check; the patch goes with the first one, since it mends all of them."""
    results = [_result(remark, rules.index(remark.rule)) for remark in found]
    if results and (fixes := _fixes(record)):
        results[0]["fixes"] = fixes
    return results


def _result(remark: Remark, rule: int) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": remark.rule,
        "ruleIndex": rule,
        "level": "error" if remark.grave else "warning",
        "message": {"text": remark.text},
    }
    if remark.file:
        location: dict[str, object] = {"artifactLocation": {"uri": _uri(remark.file)}}
        if remark.line:
            location["region"] = {"startLine": remark.line}
        result["locations"] = [{"physicalLocation": location}]
    return result


def _fixes(record: CheckRecord) -> list[dict[str, object]]:
    """Return the patch of a record, but for what lies in notebooks, whose lines are no lines of the file."""
    changes: dict[str, list[dict[str, object]]] = {}
    for fix in record.fixes:
        region = {
            "startLine": fix.first,
            "startColumn": 1,
            "endLine": fix.first + len(fix.before),
            "endColumn": 1,
        }
        text = "".join(f"{line}\n" for line in fix.after)
        changes.setdefault(fix.file, []).append({"deletedRegion": region, "insertedContent": {"text": text}})
    if not changes or any(NOTEBOOK in file for file in changes):
        return []
    artifacts = [
        {"artifactLocation": {"uri": _uri(file)}, "replacements": replacements}
        for file, replacements in changes.items()
    ]
    return [{"description": {"text": PROVED}, "artifactChanges": artifacts}]


def _uri(file: str) -> str:
    return quote(os.fsencode(PurePath(file).as_posix()))
