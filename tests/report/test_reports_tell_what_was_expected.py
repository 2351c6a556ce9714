"""Every report tells, from the record alone, what failed as expected, what was known, and what passed unexpectedly."""

import json
import re
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace
from support.gating import A, B, assessed, case, expecting, record_of, since

from conformance import UsageError
from conformance.record import RulingRecord, decode, encode
from conformance.record.contradictions import check
from conformance.report.files import contents
from conformance.report.junit import junit
from conformance.runs.gate import Assessment, Baseline, Gate

EXPECTED = expecting("rnn-tanh-*  # ticket 12")


def shown(found: Assessment) -> tuple[ET.Element, list[ET.Element]]:
    root = ET.fromstring(junit(decode(encode(found.record))))  # noqa: S314 - our own
    return root, list(root.iter("testcase"))


@pytest.mark.parametrize("verdict", ["differs", "error", "undecidable"])
def test_an_expected_failure_is_skipped_with_its_reason(verdict) -> None:
    root, (test, _) = shown(assessed(EXPECTED, case(verdict), case("agrees", B)))
    (element,) = test
    assert (element.tag, element.get("type")) == ("skipped", verdict)
    assert "ticket 12 (known.txt:1)" in str(element.get("message"))
    assert "ticket 12" in str(element.text)
    assert "a reason" in str(element.text)
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["2", "0", "0", "1"]


def test_an_unexpected_pass_is_a_failure() -> None:
    root, (test,) = shown(assessed(EXPECTED, case("agrees")))
    (element,) = test
    assert element.tag == "failure"
    assert "unexpected: it agrees" in str(element.get("message"))
    assert (root.get("failures"), root.get("skipped")) == ("1", "0")


def test_what_a_baseline_knows_is_skipped_and_what_got_worse_is_not() -> None:
    gate = since(case("differs"), case("agrees", B))
    root, (known, new) = shown(assessed(gate, case("differs"), case("unsupported", B)))
    assert [element.tag for test in (known, new) for element in test] == ["skipped", "failure"]
    assert "new: in the baseline it was 'agrees'" in str(new[0].get("message"))
    assert (root.get("failures"), root.get("skipped")) == ("1", "1")


def test_other_failures_stay_what_they_are() -> None:
    _, tests = shown(assessed(EXPECTED, case("differs", B), case("agrees", B, subject="other")))
    assert [[element.tag for element in test] for test in tests] == [["failure"], []]
    assert assessed(EXPECTED, case("differs", B)).record.rulings == []


def test_markdown_and_the_page_tell_the_reason_too() -> None:
    files = contents(assessed(EXPECTED, case("differs")).record)
    assert b"ticket 12" in files["agreement.md"]
    assert b"ticket 12" in files["agreement.html"]
    assert json.loads(files["agreement.json"])["rulings"][0][3] == "expected"


def test_the_page_tells_how_many_fail_as_they_may_and_how_many_fail_the_run() -> None:
    gate = Gate(
        expectations=EXPECTED.expectations, baseline=Baseline.of(record_of(case("differs", B, subject="old")))
    )
    cases = [
        case("differs"),
        case("error", B),
        case("differs", B, subject="old"),
        case("agrees", subject="new"),
    ]
    found = assessed(gate, *cases)
    listed = "Of these 1 fail as expected and 1 as in the baseline; 2 fail the run."
    assert listed in contents(found.record)["agreement.html"].decode()
    assert b"fail the run" not in contents(record_of(case("differs")))["agreement.html"]


@pytest.mark.parametrize(
    "ruling",
    [
        RulingRecord(B, "mine", 0, "expected", "none of its cases"),
        RulingRecord(A, "mine", 0, "known", "agrees"),
    ],
)
def test_rulings_that_contradict_the_record_are_refused(ruling: RulingRecord) -> None:
    with pytest.raises(UsageError, match="a ruling is of no case of it, or excuses one that doesn't fail"):
        check(replace(record_of(case("agrees")), rulings=[ruling]))


def test_a_baseline_without_cases_is_refused(tmp_path) -> None:
    path = tmp_path / "empty.json"
    path.write_bytes(encode(record_of()))
    with pytest.raises(UsageError, match="holds no case to compare with"):
        Baseline.load(path)


def told(found: Assessment) -> tuple[str, str, str, str]:
    """Return the colour and message of the badge, the tone of the page and the sentence of the Markdown."""
    files = contents(decode(encode(found.record)))
    badge = json.loads(files["badge.json"])
    tone = re.search(r'<div class="verdict (\w+)">', files["agreement.html"].decode())
    sentence = re.search(r"^\*\*(.*)\*\*$", files["agreement.md"].decode(), re.MULTILINE)
    assert tone is not None
    assert sentence is not None
    assert sentence[1] in files["agreement.html"].decode()
    return badge["color"], badge["message"], tone[1], sentence[1]


def test_a_gate_that_passes_is_green_everywhere_with_the_count_of_what_was_expected() -> None:
    found = assessed(EXPECTED, case("differs"), case("agrees", B))
    assert found.exit_code == 0
    assert told(found) == (
        "brightgreen",
        "1 comparisons agree; expected: 1",
        "good",
        "Nothing new fails: 1 of 2 comparisons agree to rounding; expected: 1 (1 differs, 1 agrees).",
    )


def test_a_baseline_is_told_beside_it_too() -> None:
    gate = since(case("error"), case("agrees", B))
    colour, message, tone, sentence = told(assessed(gate, case("error"), case("agrees", B)))
    assert (colour, tone) == ("brightgreen", "good")
    assert message.endswith("; in the baseline: 1")
    assert "; in the baseline: 1 (" in sentence


def test_a_gate_that_fails_is_red_everywhere_and_counts_what_failed_it() -> None:
    new = assessed(EXPECTED, case("differs"), case("differs", B))
    assert told(new) == (
        "red",
        "1 of 2 differ; expected: 1",
        "bad",
        "Does not conform: 1 of 2 comparisons differ; expected: 1.",
    )
    unexpected = assessed(EXPECTED, case("agrees"), case("agrees", B))
    assert told(unexpected) == (
        "red",
        "1 of 2 unexpected",
        "bad",
        "Does not pass: 1 of 2 comparisons are not as they were expected.",
    )
    assert new.exit_code == unexpected.exit_code == 1
