"""Step summaries and annotations: complete, escaped, within GitHub's limits, and silent elsewhere."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from support.gating import A, B, assessed, case, expecting

from conformance.record.summary import summarise
from conformance.report import github
from conformance.report.github import (
    MOST_ANNOTATIONS,
    SUMMARY_LIMIT,
    annotations,
    step_summary,
    write_github_outputs,
    write_step_summary,
)
from conformance.runs.gate import Assessment, Gate

COMMAND = re.compile(r"::error (?:file=[^,:]*,line=\d+,)?title=[^,:]*::\S[^\r\n]*")
"""A workflow command: properties without the characters that would end them, and a message on one line."""


def failing(count: int, reason: str = "a reason") -> Assessment:
    return assessed(Gate(), *(case("differs", f"{A[:-1]}{seed}", reason=reason) for seed in range(count)))


def summary_of(assessment: Assessment, limit: int = SUMMARY_LIMIT) -> str:
    return step_summary(summarise(assessment.record), assessment, limit)


# Annotations.


def test_every_failure_is_annotated_and_nothing_else() -> None:
    found = assessed(
        expecting("rnn-relu-*  # ticket 12"), case("differs"), case("differs", B), case("agrees", subject="x")
    )
    (command,) = annotations(found)
    assert command.startswith(f"::error title=differs%3A mine on {A}::DIFFERS: mine on {A}%0A")
    assert COMMAND.fullmatch(command)


def test_a_failure_of_a_subject_in_a_file_is_annotated_where_that_is_defined(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = "import other\n\n\nclass Mine:\n    pass\n\n\ntheirs = other.of(Mine)\nfrom other import Last\n"
    (tmp_path / "rnn.py").write_text(source, encoding="utf-8")
    (tmp_path / "broken.py").write_text("class Mine(:", encoding="utf-8")
    places = {"rnn.py:Mine": ",line=4", "rnn.py:theirs": ",line=8", "rnn.py:Last": "", "broken.py:Mine": ""}
    for subject, line in places.items():
        (command,) = annotations(assessed(Gate(), case("differs", subject=subject)))
        file = subject.partition(":")[0]
        assert command.startswith(
            f"::error file={file}{line},title=differs%3A {subject.replace(':', '%3A')} on "
        )
    for subject in ("gone.py:Mine", "package.rnn:Mine", "torch"):
        (command,) = annotations(assessed(Gate(), case("differs", subject=subject)))
        assert command.startswith("::error title=differs"), "there is no file to show it in"


def test_an_entry_that_matches_nothing_is_annotated_at_its_line() -> None:
    gate = expecting("", "rnn-lstm-*  # mistyped")
    (command,) = annotations(assessed(gate, case("agrees"), pairs=[(A, "mine")]))
    assert command.startswith("::error file=known.txt,line=2,title=expected failure that matches nothing::")
    assert COMMAND.fullmatch(command)


@pytest.mark.parametrize(
    "text", ["a\n::error::b", "a\r\nb", "100 %", "%0A", "::set-env name=PATH::x", "a,b:c"]
)
def test_no_text_can_end_a_command_or_start_another(text: str) -> None:
    odd = replace(case("error", reason=text), subject=text)
    (command,) = annotations(assessed(Gate(), odd))
    assert COMMAND.fullmatch(command)
    message = command[command.index("::ERROR") :]
    assert text in message.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")


@pytest.mark.parametrize("count", [MOST_ANNOTATIONS, MOST_ANNOTATIONS + 1, 3 * MOST_ANNOTATIONS])
def test_there_are_ten_annotations_at_most_and_the_last_counts_the_rest(count: int) -> None:
    commands = annotations(failing(count))
    assert len(commands) == MOST_ANNOTATIONS
    counted = re.fullmatch(r".*::and (\d+) more failures", commands[-1])
    assert (MOST_ANNOTATIONS - 1 + int(counted[1]) if counted else len(commands)) == count


def test_an_annotation_has_an_end_however_long_the_error() -> None:
    (command,) = annotations(failing(1, "x" * 100_000))
    assert len(command) < 2 * github.MOST_CHARACTERS


# The step summary.


def test_the_summary_tells_the_verdict_the_counts_and_the_failures_in_full() -> None:
    found = assessed(
        expecting("rnn-relu-*  # ticket 12"), case("differs"), case("differs", B), case("agrees", B)
    )
    text = summary_of(found)
    assert text.startswith(
        "### Conformance: suite selected cases\n\n**Does not conform: 1 of 3 comparisons differ; expected: 1 ("
    )
    assert "| `mine` | 2 | 0 | 0 | 0 | 0 | 1 |" in text
    assert text.count("```text\nDIFFERS: mine on ") == 1  # the other one is expected
    assert "1 fail as expected" in text


def test_no_text_can_leave_its_block_or_break_the_page() -> None:
    found = assessed(Gate(), replace(case("error", reason="```\n<script>"), subject="<b>|"))
    text = summary_of(found)
    assert text.count("```") == 2
    assert "<script>" not in text.partition("```text")[0]
    assert "&lt;b>\\|" in text


@pytest.mark.parametrize("limit", [SUMMARY_LIMIT, 20_000, 2_000, 700])
def test_the_summary_keeps_to_its_limit_and_counts_what_it_leaves_out(limit: int) -> None:
    """Bytes count, not characters: an ï has two."""
    text = summary_of(failing(60, "ï" * 30_000 if limit == SUMMARY_LIMIT else "ï" * 300), limit)
    left_out = re.search(r"\n… and (\d+) more that fail; the report has them all\.\n$", text)
    assert left_out is not None
    assert text.count("```text") + int(left_out[1]) == 60
    assert limit - (61_000 if limit == SUMMARY_LIMIT else 1_000) < len(text.encode()) <= limit


def test_what_fits_whole_has_no_count() -> None:
    text = summary_of(failing(60))
    assert text.count("```text") == 60
    assert "more that fail" not in text


def test_other_texts_of_the_step_count_against_the_limit(tmp_path: Path) -> None:
    path, found = tmp_path / "summary.md", failing(60, "x" * 30_000)
    path.write_text("y" * (SUMMARY_LIMIT - 100_000))
    write_step_summary(summarise(found.record), found, {"GITHUB_STEP_SUMMARY": str(path)})
    assert SUMMARY_LIMIT - 40_000 < path.stat().st_size <= SUMMARY_LIMIT
    path.write_text("y" * (SUMMARY_LIMIT - 10))
    write_step_summary(summarise(found.record), found, {"GITHUB_STEP_SUMMARY": str(path)})
    assert path.stat().st_size == SUMMARY_LIMIT - 10


# Only there.


@pytest.mark.parametrize("variables", [{}, {"GITHUB_ACTIONS": "false"}, {"GITHUB_ACTIONS": ""}])
def test_elsewhere_nothing_is_written(tmp_path: Path, variables: dict[str, str]) -> None:
    path, found = tmp_path / "summary.md", failing(1)
    assert write_github_outputs(found, variables | {"GITHUB_STEP_SUMMARY": str(path)}) == []
    assert not path.exists()


def test_there_both_are_written(tmp_path: Path) -> None:
    path, found = tmp_path / "summary.md", failing(1)
    variables = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(path)}
    assert write_github_outputs(found, variables) == annotations(found)
    assert path.read_text(encoding="utf-8") == summary_of(found)
    assert write_github_outputs(found, {"GITHUB_ACTIONS": "true"}) == annotations(found)
