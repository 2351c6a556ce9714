"""Findings in other frameworks: each has a script of its own, a report, and a row; the page is made of records."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FINDINGS = ROOT / "docs" / "findings"
MOST_LINES = 28
SCRIPTS = sorted(FINDINGS.glob("*.py"))


@pytest.fixture
def world(monkeypatch):
    """The modules of `make world`."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks" / "world"))
    before = set(sys.modules)
    import examined
    import findings
    import page

    yield examined, findings, page
    for name in ("examined", "findings", "page", "sections"):
        if name not in before:
            del sys.modules[name]


def test_every_finding_has_a_script_a_report_and_a_row(world):
    _, findings, _ = world
    names = {finding.id for finding in findings.FINDINGS}
    assert names == {path.stem for path in SCRIPTS} == {p.stem for p in FINDINGS.glob("*.md")} - {"README"}
    index = (FINDINGS / "README.md").read_text(encoding="utf-8")
    for finding in findings.FINDINGS:
        assert f"| {finding.title} | [script]({finding.id}.py) | [report]({finding.id}.md) |" in index


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_uses_nothing_of_this_project_and_is_read_at_a_glance(script):
    text = script.read_text(encoding="utf-8")
    assert not re.search(r"conformance|refrnn", text)
    assert len(text.splitlines()) <= MOST_LINES
    report = script.with_suffix(".md").read_text(encoding="utf-8")
    for part in ("**To:** ", "**Version:** ", "**To reproduce** ", "```text"):
        assert part in report


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_says_what_its_report_says_where_the_framework_is_installed(script):
    text = script.read_text(encoding="utf-8")
    needed = re.findall(r"^(?:from|import) (flax|jax|keras|onnxruntime|onnx)\b", text, re.MULTILINE)
    missing = [name for name in dict.fromkeys(needed) if find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)}: not installed here")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    if done.returncode:  # as it was in the version that the report is of
        assert (done.stdout + done.stderr).strip() in script.with_suffix(".md").read_text(encoding="utf-8")


def test_a_page_tells_every_verdict_every_reason_and_what_nobody_explains(world, tmp_path):
    from conformance import examine, load_subject, parse_id
    from conformance.examination.recording import unjudged
    from conformance.record.environment import environment
    from conformance.runs import assembled

    examined, findings, page = world

    class Wrong:
        name, description = "onnx-reference", "wrong by 1 % everywhere"

        def run(self, problem):
            shown = load_subject("reference").run(problem)
            return type(shown)(output=shown.output * problem.dtype.type(1.01))

    ids = ["rnn-tanh-T3-B2-I4-H5-f64-s0", "rnn-tanh-T4-len4.2-B2-I4-H5-f64-s0"]
    records = [examine(parse_id(text), Wrong()) for text in ids]
    records.append(
        unjudged("rnn-relu-T3-B2-I4-H5-f64-s0", "onnx-reference", "unsupported", "No \x1b[1m<relu> | here.")
    )
    timings = [load_timing() for _ in records]
    record = assembled(
        suite="smoke",
        seed=None,
        descriptions={"onnx-reference": "x"},
        examined=list(zip(records, timings, strict=True)),
        here=structs_with(environment(), frameworks={"onnx": "1.0"}),
        complete=True,
        seconds=1.0,
    )
    entrant = examined.Entrant("onnx-reference", "onnx-reference")
    found = examined.examined(entrant, [record])
    assert [d.finding and d.finding.id for d in found.disagreements] == [None, "onnx_reference_rnn_lengths"]
    said = {finding.id: "confirmed" for finding in findings.FINDINGS}
    markdown, html = page.written(tmp_path, [found], ["jax"], said)
    for path in (markdown, html):
        text = path.read_text(encoding="utf-8")
        assert "Not installed: jax." in text
        assert "onnx 1.0" in text
        assert ids[0] in text
        assert "1 of onnx-reference" in text
    assert r"No \x1b[1m&lt;relu&gt; | here." in html.read_text(encoding="utf-8")
    assert r"No \x1b[1m&lt;relu> \| here." in markdown.read_text(encoding="utf-8")


def load_timing():
    from conformance.record import Timing

    return Timing(subject=0.0, reference=0.0, judging=0.0, total=0.0)


def structs_with(environment, **changes):
    from msgspec import structs

    return structs.replace(environment, **changes)
