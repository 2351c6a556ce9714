"""A check says the same in every format, and each format keeps to its own grammar."""

import json
import re
from html.parser import HTMLParser

import msgspec
import pytest
from hand_written.checking.test_checks_tell_what_is_wrong import (
    ActivatedTwice,
    InSinglePrecision,
    Network,
    Raises,
    check,
)
from msgspec.structs import replace
from support import sarif

from conformance.hand_written.report.formats import FORMATS
from conformance.hand_written.report.sarif import check_sarif
from conformance.hand_written.report.text import check_text
from conformance.record.check import DiagnosisRecord, FaultRecord, FixRecord, SuspectRecord, check_schema
from conformance.record.pictures import ExcerptRecord

FAULTY = "    da = dh * (1 - np.tanh(h)**2)"
NASTY = "<script>alert(1)</script> | a_b *c* `d` 100 %\n::error::"

FAULT = FaultRecord(
    id="tanh-prime-of-activated",
    name="tanh' is taken of the activated state.",
    effect="",
    mend="da = dh * (1 - h**2)",
    idiom="",
)


def diagnosed(*, verified=True, file="networks/my rnn.py"):
    """A record with a diagnosis that points at a line."""
    suspect = SuspectRecord(
        fault=FAULT.id,
        file=file,
        line=12,
        text="    da = dh * (1 - np.tanh(h)**2)",
        mended="    da = dh * (1 - h**2)",
        verified=verified,
    )
    diagnosis = DiagnosisRecord(
        explained=True,
        faults=[FAULT],
        equivalents=[],
        by_parameter={},
        scale=1.0,
        scale_name="1",
        residual=1.0,
        nearest_miss=1e12,
        known=[],
        suspects=[suspect],
    )
    return replace(check(ActivatedTwice()), diagnosis=diagnosis)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_tells_the_verdict_the_cause_and_how_to_ask_again(name):
    text = FORMATS[name](diagnosed())
    for words in ("tanh-prime-of-activated", "conformance check here.py:Network"):
        assert words in text.replace("\\", "")


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_is_disturbed_by_what_foreign_code_is_called_or_says(name):
    record = replace(diagnosed(), target=NASTY, headline=NASTY, printed=NASTY, notes=[NASTY])
    text = FORMATS[name](record)
    if name in ("html", "markdown"):
        assert "<script>" not in text
    if name in ("json", "sarif", "suggestions"):
        json.loads(text)
    if name == "github":
        assert all(line.startswith("::") for line in text.splitlines())
        assert len(text.splitlines()) == len(FORMATS[name](diagnosed()).splitlines())


def patched():
    """A record with a patch: one line in the place of another that undoes a fault, and one that is put in."""
    changed = FixRecord(
        file="my_rnn.py",
        first=12,
        before=["    da = dh * (1 - np.tanh(h)**2)"],
        after=["    da = dh * (1 - h**2)"],
        change="h belongs in the place of np.tanh(h)",
        faults=[FAULT.id],
    )
    put_in = FixRecord(file="my_rnn.py", first=14, before=[], after=["    db += da  # ```"], change="")
    cell = FixRecord(file="rnn.ipynb#2", first=1, before=["a = b"], after=["a = c"])
    return replace(diagnosed(file="my_rnn.py"), fixes=[changed, put_in, cell])


def test_suggestions_are_comments_on_the_lines_of_a_patch():
    review = json.loads(FORMATS["suggestions"](patched()))
    assert review["event"] == "COMMENT"
    changed, put_in = review["comments"]  # a cell of a notebook has no line that could be commented on
    assert (changed["path"], changed["line"], changed["side"]) == ("my_rnn.py", 12, "RIGHT")
    assert changed["body"].endswith("\n```suggestion\n    da = dh * (1 - h**2)\n```")
    assert FAULT.id in changed["body"]
    assert "Put in above this line:\n````python\n" in put_in["body"]
    assert put_in["line"] == 14


def test_every_line_of_a_patch_is_remarked_on():
    first, second, third = FORMATS["github"](patched()).splitlines()[:3]
    assert first.startswith("::error file=my_rnn.py,line=12,title=tanh-prime-of-activated::")
    assert "Write: da = dh * (1 - h**2)" in first
    assert second.startswith("::error file=my_rnn.py,line=14,title=wrong-gradient::")
    assert "Put in: db += da" in second
    assert third.startswith("::error file=rnn.ipynb,title=wrong-gradient::Cell 2, line 1: ")


@pytest.mark.parametrize("name", ["terminal", "markdown", "html", "json", "sarif"])
def test_a_patch_is_told_once_in_every_format(name):
    text = check_text(patched()) if name == "terminal" else FORMATS[name](patched())
    assert "da = dh * (1 - h**2)" in text.replace("\\", "")
    if name in ("terminal", "markdown", "html"):
        assert "write: " not in text


def test_html_colours_what_a_patch_changes():
    text = FORMATS["html"](patched())
    assert '<pre class="bad">-    da = dh * (1 - np.tanh(h)**2)</pre>' in text
    assert '<pre class="good">+    da = dh * (1 - h**2)</pre>' in text


def test_json_follows_its_published_schema():
    shape = check_schema()["$defs"]["CheckRecord"]
    found = json.loads(FORMATS["json"](diagnosed()))
    assert set(shape["required"]) <= set(found) <= set(shape["properties"])
    assert list(found) == sorted(found)
    assert found["verdict"] == "differs"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.balanced = [], True

    def handle_starttag(self, tag, _attrs):
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        self.balanced &= bool(self.open) and self.open.pop() == tag


@pytest.mark.parametrize("network", [Network(), ActivatedTwice(), Raises()])
def test_html_is_balanced_and_loads_nothing(network):
    text = FORMATS["html"](check(network))
    tags = Tags()
    tags.feed(text)
    assert tags.balanced
    assert not tags.open
    assert not re.search(r"(src|href)=|<script|url\(|@import", text)


def test_github_annotates_the_line_of_the_fault():
    [first, *_] = FORMATS["github"](diagnosed()).splitlines()
    assert first.startswith("::error file=networks/my rnn.py,line=12,title=tanh-prime-of-activated::")
    assert "da = dh * (1 - h**2)" in first


def test_a_line_of_a_notebook_is_told_in_words_since_the_file_has_no_such_line():
    record = diagnosed(file="networks/rnn.ipynb#4")
    [first, *_] = FORMATS["github"](record).splitlines()
    assert first.startswith(
        "::error file=networks/rnn.ipynb,title=tanh-prime-of-activated::Cell 4, line 12: "
    )
    [run] = json.loads(FORMATS["sarif"](record))["runs"]
    [place] = run["results"][0]["locations"]
    assert place["physicalLocation"] == {"artifactLocation": {"uri": "networks/rnn.ipynb"}}


def test_github_warns_of_a_broken_contract_and_notices_what_conforms():
    assert FORMATS["github"](check(InSinglePrecision())).startswith(
        "::warning file=here.py,title=precision-kept::"
    )
    assert FORMATS["github"](check(Network())).startswith("::notice ")
    assert FORMATS["github"](check(Raises())).startswith("::warning file=here.py,title=failed::")


@pytest.mark.parametrize("verified", [True, False])
def test_sarif_has_what_the_standard_requires(verified):
    record = diagnosed(verified=verified)
    [run] = sarif.read(FORMATS["sarif"](record)).runs
    assert run.results
    assert all(result.locations for result in run.results)
    assert ("a guess" in run.results[0].message.text) is not verified


def test_sarif_of_anything_is_what_the_standard_requires():
    records = [
        patched(),
        check(Network()),
        check(Raises()),
        check(InSinglePrecision()),
        diagnosed(file="rnn.ipynb#2"),
    ]
    in_files = replace(patched(), fixes=patched().fixes[:2])
    for record in (*records, in_files):
        sarif.read(FORMATS["sarif"](record))
    [together] = sarif.read(check_sarif(*records)).runs
    alone = [result for record in records for result in sarif.read(check_sarif(record)).runs[0].results]
    assert [(r.rule_id, r.locations) for r in together.results] == [(r.rule_id, r.locations) for r in alone]
    assert not together.invocations[0].execution_successful
    [fix] = sarif.read(FORMATS["sarif"](in_files)).runs[0].results[0].fixes
    assert [r.deleted_region.start_line for r in fix.artifact_changes[0].replacements] == [12, 14]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"startLine": 12', '"startLine": 0'),
        ('"startLine": 12', '"firstLine": 12'),
        ('"level": "error"', '"level": "grave"'),
        ('"version": "2.1.0"', '"version": "2.1"'),
        ('"ruleIndex": 0', '"ruleIndex": 1'),
        ('"uri": "my_rnn.py"', '"uri": "my rnn.py"'),
    ],
)
def test_what_the_standard_does_not_know_is_noticed(old, new):
    text = FORMATS["sarif"](replace(patched(), fixes=patched().fixes[:1]))
    assert old in text
    with pytest.raises((msgspec.ValidationError, IndexError)):
        sarif.read(text.replace(old, new, 1))


def test_sarif_of_what_conforms_has_no_results_and_of_what_failed_says_so():
    [run] = json.loads(FORMATS["sarif"](check(Network())))["runs"]
    assert run["results"] == []
    assert run["invocations"][0]["executionSuccessful"]
    [run] = json.loads(FORMATS["sarif"](check(Raises())))["runs"]
    assert not run["invocations"][0]["executionSuccessful"]


def test_the_terminal_shows_a_check_on_one_screen():
    lines = check_text(diagnosed()).splitlines()
    assert len(lines) <= 40
    assert lines[0].startswith("DIFFERS")
    assert lines[-1] == "reproduce: conformance check here.py:Network"
    assert any("networks/my rnn.py:12: da = dh * (1 - np.tanh(h)**2)" in line for line in lines)
    assert any(
        "write: da = dh * (1 - h**2)  (tried in memory: the mistake is gone)" in line for line in lines
    )


def test_a_check_shows_the_steps_and_their_sizes():
    record = check(ActivatedTwice())
    assert [m.quantity for m in record.maps] == ["h", "dL/dh"]
    assert record.maps[1].first is not None
    assert record.norms is not None
    steps = len(record.maps[0].columns)
    assert {len(getattr(record.norms, n)) for n in ("got", "expected", "from_output", "from_next")} == {steps}
    assert float(record.norms.from_next[-1]) == 0  # no step comes after the last
    assert record.norms.got[-1] == record.norms.expected[-1]
    assert record.norms.got[0] != record.norms.expected[0]
    text = FORMATS["html"](record)
    assert text.count("<svg class=") == 3
    assert "the first that is wrong" in text
    assert FORMATS["html"](check(Network())).count("<svg") == 0


def test_a_patch_stands_in_its_source_and_nowhere_else():
    excerpt = ExcerptRecord(
        file="my_rnn.py", first=11, lines=["    # before", FAULTY, "    db = 0", "    return db"]
    )
    html = FORMATS["html"](replace(patched(), excerpts=[excerpt]))
    assert html.count("np.tanh(h)**2") == 2  # once where it is, once in the remark on the fault
    rows = re.findall(r'<div class="(\w+)"><span class="number">(\d*)</span>.*?<code>(.*?)</code>', html)
    assert rows == [
        ("plain", "11", "    # before"),
        ("bad", "12", FAULTY),
        ("good", "", "    da = dh * (1 - h**2)"),
        ("plain", "13", "    db = 0"),
        ("good", "", "    db += da  # ```"),
        ("plain", "14", "    return db"),
    ]


def test_suspected_lines_are_marked_where_there_is_no_patch():
    excerpt = ExcerptRecord(file="rnn.ipynb#2", first=12, lines=[FAULTY, "    return da"])
    html = FORMATS["html"](replace(diagnosed(file="rnn.ipynb#2"), excerpts=[excerpt]))
    assert '<div class="bad"><span class="number">12</span>' in html
    assert '<div class="plain"><span class="number">13</span>' in html
    assert "<figcaption>rnn.ipynb, cell 2</figcaption>" in html


@pytest.mark.parametrize("name", ["terminal", "markdown", "html"])
def test_a_line_of_a_notebook_is_one_of_a_cell(name):
    record = diagnosed(file="networks/rnn.ipynb#4")
    text = check_text(record) if name == "terminal" else FORMATS[name](record)
    assert "networks/rnn.ipynb, cell 4, line 12: da = dh" in text
