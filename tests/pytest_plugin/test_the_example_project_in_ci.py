"""The example project of the documents, tested as CI would test it: with workers and without, in shards, on GitHub."""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace
from support.records import saying

from conformance import SUITES
from conformance.record import CaseRecord, Record, decode, encode
from conformance.record.comparing.merge import merged
from conformance.report import (
    github as github,
)  # loaded before sessions within this process, which forget modules
from conformance.report import html

pytest_plugins = ["pytester"]

PROJECT = Path(__file__).parents[2] / "docs" / "examples" / "ci_project"
SMOKE = SUITES["smoke"].cases()
PLAIN = [
    case.id
    for case in SMOKE
    if case.layers == 1 and case.steps < 50 and not (case.bidirectional or case.lengths or "-bf-" in case.id)
]
"""Short cases, most of which the project's network can run."""
FEW = [f"--conformance-case={case_id}" for case_id in PLAIN]
BLOCK = re.MULTILINE | re.DOTALL


@dataclass(frozen=True)
class Run:
    """How pytest ended in a copy of the project, and what it left."""

    code: int
    out: str
    project: Path

    @property
    def record(self) -> Record:
        return decode((self.project / "report" / "agreement.json").read_bytes())

    @property
    def body(self) -> bytes:
        """The record byte for byte, without the blocks that differ from run to run."""
        text = (self.project / "report" / "agreement.json").read_bytes()
        body, count = re.subn(
            rb'^"environments": \[\n.*?^\],?$|^"(seconds|timings)": [^\n]*$', b"", text, flags=BLOCK
        )
        assert count == 3
        return body


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    """Return a copy of the project, in which pytest is started."""
    shutil.copytree(
        PROJECT, pytester.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*")
    )
    return pytester.path


@pytest.fixture(autouse=True)
def _elsewhere_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be away from GitHub, and draw no page in runs within this process."""
    monkeypatch.setattr(html, "html", lambda _: "")
    for name in [name for name in os.environ if name.startswith("GITHUB_")]:
        monkeypatch.delenv(name)


def run(pytester: pytest.Pytester, *arguments: str) -> Run:
    """Run pytest on the project within this process."""
    done = pytester.runpytest_inprocess("-n", "0", "--conformance-report=report", *arguments)
    return Run(int(done.ret), "\n".join(done.outlines), pytester.path)


def with_workers(folder: Path, count: int, *arguments: str) -> Run:
    """Run pytest on the project with workers, from a process of its own."""
    options = ["-n", str(count), "--conformance-report=report", *arguments]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Run(done.returncode, done.stdout + done.stderr, folder)


@pytest.mark.usefixtures("project")
def test_the_project_passes_with_every_case_of_the_suite_in_its_record(pytester: pytest.Pytester) -> None:
    done = run(pytester, "--junitxml=report/pytest.xml", "-rx")
    assert done.code == 0, done.out
    record = done.record
    assert (record.complete, record.suite, record.subjects) == (True, "smoke", ["my-rnn"])
    assert [case.case for case in record.cases] == [case.id for case in SMOKE]
    assert len(record.timings) == len(SMOKE)
    assert record.summary["agrees"] >= 15
    assert record.summary["differs"] == 1  # the one that is expected
    (line,) = [line for line in done.out.splitlines() if line.startswith("XFAIL")]
    assert "rnn-relu-T5-B3-I4-H16-f64-zeros-s0" in line
    assert "takes the slope of relu at exactly 0 to be 1, where torch has 0 (expected-failures.txt:3)" in line
    told = done.out.partition("= conformance =")[2]
    counts = record.summary
    assert (
        f"my-rnn: {counts['agrees']} agrees, {counts['unsupported']} unsupported, 1 differs; up to " in told
    )
    assert "At the gate: 0 fail, 1 fail as expected" in told
    assert f"wrote {pytester.path / 'report' / 'agreement.json'}\n" in told
    cases = ET.parse(done.project / "report" / "pytest.xml").iter("testcase")  # noqa: S314 - we have just written it
    properties = [p for case in cases for p in case.iter("property") if p.get("name") == "conformance"]
    assert [json.loads(p.get("value", ""))["case"]["case"] for p in properties] == [case.id for case in SMOKE]


def test_four_workers_write_the_very_same_record(pytester: pytest.Pytester, project: Path) -> None:
    alone = run(pytester, *FEW)
    body = alone.body
    assert b"agrees" in body
    together = with_workers(project, 4, *FEW)
    assert (alone.code, together.code) == (0, 0), together.out
    assert together.body == body
    assert [case.case for case in together.record.cases] == PLAIN
    assert together.record.complete


# A real discrepancy.


@pytest.fixture
def broken(project: Path) -> Path:
    """Return a copy of the project with the usual mistake in the derivative of tanh."""
    source = project / "my_rnn.py"
    right, wrong = "1 - self.h[t + 1] ** 2", "1 - np.tanh(self.h[t + 1]) ** 2"
    text = source.read_text(encoding="utf-8")
    assert text.count(right) == 1
    source.write_text(text.replace(right, wrong), encoding="utf-8")
    return project


def failing(record: Record) -> list[CaseRecord]:
    """Return the cases that differ and are not expected to."""
    return [case for case in record.cases if case.verdict == "differs" and "zeros" not in case.case]


@pytest.mark.usefixtures("broken")
def test_a_discrepancy_fails_its_cases_and_is_told_where_gitlab_and_github_look(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))
    done = run(pytester, *FEW, "--junitxml=report/pytest.xml")
    assert done.code == 1
    differing = failing(done.record)
    assert len(differing) > 10
    assert all("tanh" in case.case for case in differing)
    failures = ET.parse(done.project / "report" / "pytest.xml").iter("failure")  # noqa: S314
    bodies = [failure.text or "" for failure in failures]
    assert len(bodies) == len(differing)
    assert all(body.startswith("DIFFERS: my-rnn on ") and "first divergent step" in body for body in bodies)
    commands = [line for line in done.out.splitlines() if line.startswith("::error")]
    assert len(commands) == 10
    assert commands[-1].endswith(f"::and {len(differing) - 9} more failures")
    summary = (pytester.path / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith("### Conformance: suite selected cases\n")
    assert summary.count("```text\nDIFFERS") == len(differing)


def test_a_baseline_excuses_exactly_what_it_has(pytester: pytest.Pytester, broken: Path) -> None:
    """One of the recorded discrepancies is taken out of the baseline, and is new then."""
    some = FEW[:6]
    record, baseline = run(pytester, *some).record, broken / "baseline.json"
    baseline.write_bytes(encode(record))
    known = run(pytester, *some, f"--conformance-baseline={baseline}")
    assert known.code == 0, known.out
    assert f"{len(failing(record))} as in the baseline" in known.out
    new = failing(record)[1]
    right = saying(new, "agrees")
    agreeing = [right if case == new else case for case in record.cases]
    counted = dict(Counter(case.verdict for case in agreeing))
    baseline.write_bytes(encode(replace(record, cases=agreeing, summary=counted)))
    found = run(pytester, *some, f"--conformance-baseline={baseline}")
    assert found.code == 1
    (failed,) = [line for line in found.out.splitlines() if line.startswith("FAILED")]
    assert new.case in failed
    assert "new: in the baseline it was 'agrees'" in found.out


# Shards, and entries that match nothing.


@pytest.mark.usefixtures("project")
def test_shards_merge_into_the_record_of_the_whole_suite(pytester: pytest.Pytester) -> None:
    shards = {shard: run(pytester, f"--conformance-shard={shard}").record for shard in ("1/2", "2/2")}
    assert min(len(shard.cases) for shard in shards.values()) > len(SMOKE) // 3
    whole = merged(shards)
    assert (whole.suite, whole.complete) == ("smoke", True)
    assert [case.case for case in whole.cases] == [case.id for case in SMOKE]


def test_entries_are_held_against_the_whole_suite_in_every_shard(
    pytester: pytest.Pytester, project: Path
) -> None:
    shard = "--conformance-shard=1/30"
    done = run(pytester, shard)
    assert done.code == 0, done.out
    assert done.record.suite == "smoke, shard 1/30"
    assert not any("zeros" in case.case for case in done.record.cases)
    with (project / "expected-failures.txt").open("a", encoding="utf-8") as file:
        file.write("rnn-lstm-*  # mistyped\n")
    done = run(pytester, shard)
    assert done.code == 1
    assert "expected-failures.txt:4: 'rnn-lstm-*' matches no case of this run (mistyped)" in done.out
