"""Expected failures and a baseline: what they excuse, and that they excuse nothing else."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from support.gating import AGREEING, A, B, assessed, case, expecting, record_of, since

from conformance import UsageError
from conformance.record import FREE_RUN, CaseRecord, Verdict, encode
from conformance.record.summary import FAILING, VERDICTS, exit_code, sentence
from conformance.report.gated import describe, gate_lines
from conformance.report.junit import junit
from conformance.runs.gate import Assessment, Baseline, Expectations, Gate

# Without a file or a baseline.


@pytest.mark.parametrize("verdicts", [(a, b) for a in VERDICTS for b in VERDICTS])
def test_an_open_gate_leaves_the_exit_code_as_it_is(verdicts: tuple[Verdict, Verdict]) -> None:
    found = assessed(Gate(), case(verdicts[0]), case(verdicts[1], B))
    assert found.exit_code == exit_code(found.record)
    assert [r.case.verdict for r in found.failing] == [v for v in verdicts if v in FAILING]
    assert list(gate_lines(found)) == []


def test_an_interrupted_run_is_never_a_success() -> None:
    found = Assessment.of(
        replace(record_of(case("differs")), complete=False), expecting("*  # known"), [(A, "mine")]
    )
    assert found.exit_code == 130


# Expected failures.


SIXTEEN = "rnn-tanh-T4-B3-I5-H6-bf16-s0"


def test_what_sixteen_bits_leave_open_fails_nothing_and_is_no_agreement() -> None:
    found = assessed(Gate(), case("agrees"), case("undecidable", SIXTEEN))
    assert (found.exit_code, found.failing) == (0, [])
    assert sentence(found.record) == (
        "Conforms: every one of 1 comparisons that decide anything agrees to rounding (1 undecidable, 1 agrees)."
    )
    assert b'<skipped type="undecidable"' in junit(found.record)
    assert assessed(Gate(), case("agrees"), case("differs", SIXTEEN)).exit_code == 1
    assert assessed(Gate(), case("agrees"), case("undecidable")).exit_code == 5


def left_open(name: str) -> CaseRecord:
    """Return a case of which one quantity agrees and another is undecidable."""
    lost = replace(AGREEING, quantity=name, verdict="undecidable", scale="noise", undecided=1)
    return replace(case("undecidable", B, reason=""), quantities=[AGREEING, lost])


def test_what_only_a_black_boxs_own_steps_could_decide_fails_nothing_and_is_counted_in_a_line() -> None:
    unreached = left_open(f"dL/dx{FREE_RUN}")
    found = assessed(Gate(), case("agrees"), unreached)
    assert (found.exit_code, found.failing) == (0, [])
    assert sentence(found.record) == (
        "Conforms: every one of 1 comparisons that decide anything agrees to rounding; 1 are out of reach without the "
        "subject's own steps (1 undecidable, 1 agrees)."
    )
    assert b'<skipped type="undecidable"' in junit(found.record)
    assert assessed(Gate(), unreached).exit_code == 5  # nothing was decided
    assert assessed(Gate(), case("agrees"), left_open("dL/dx")).exit_code == 5
    both = replace(unreached, quantities=[*unreached.quantities, *left_open("h").quantities[1:]])
    assert assessed(Gate(), case("agrees"), both).exit_code == 5


@pytest.mark.parametrize("verdict", FAILING)
def test_an_expected_failure_fails_nothing_and_is_told_with_its_reason(verdict: Verdict) -> None:
    found = assessed(expecting("rnn-tanh-*  # ticket 12"), case(verdict), case("agrees", B))
    assert found.exit_code == 0
    assert [ruling.outcome for ruling in found.rulings] == ["expected", "passes"]
    assert describe(found.rulings[0]).endswith("\n  expected: ticket 12 (known.txt:1)")
    (line,) = gate_lines(found)
    assert line.startswith("At the gate: 0 fail, 1 fail as expected, 0 as in the baseline")


def test_other_failures_still_fail() -> None:
    found = assessed(expecting("rnn-relu-*  # ticket 12"), case("differs"), case("differs", B))
    assert found.exit_code == 1
    assert [ruling.outcome for ruling in found.rulings] == ["fails", "expected"]


def test_an_entry_can_be_of_one_subject() -> None:
    gate = expecting("*  mi?e  # ticket 12")
    found = assessed(gate, case("differs"), case("differs", subject="other"))
    assert [ruling.outcome for ruling in found.rulings] == ["expected", "fails"]


def test_what_passes_unexpectedly_fails_the_run_and_names_the_entry() -> None:
    found = assessed(
        expecting("# header", "", "rnn-*  # ticket 12"),
        case("agrees"),
        case("differs", B),
        pairs=[(A, "mine")],
    )
    assert found.exit_code == 1
    assert [ruling.outcome for ruling in found.rulings] == ["fails", "expected"]
    assert "unexpected: it agrees, but known.txt:3 expects it to fail (ticket 12); remove" in describe(
        found.rulings[0]
    )
    assert any("known.txt:3" in line for line in gate_lines(found))


@pytest.mark.parametrize("verdict", ["unsupported", "vacuous"])
def test_what_was_not_put_to_the_test_is_neither_expected_nor_unexpected(verdict: Verdict) -> None:
    found = assessed(expecting("rnn-tanh-*  # ticket 12"), case(verdict), case("agrees", B))
    assert [ruling.outcome for ruling in found.rulings] == ["skipped", "passes"]
    assert found.exit_code == 0


def test_an_entry_that_matches_nothing_fails_the_run_and_is_named() -> None:
    gate = expecting("rnn-tanh-*  # ticket 12", "rnn-lstm-*  # mistyped", "rnn-tanh-*  theirs  # not mine")
    found = assessed(gate, case("differs"), pairs=[(A, "mine"), (B, "mine")])
    assert [entry.line for entry in found.unmatched] == [2, 3]
    assert found.exit_code == 1
    lines = list(gate_lines(found))
    assert "known.txt:2: 'rnn-lstm-*' matches no case of this run (mistyped)" in lines[0]
    assert "known.txt:3: 'rnn-tanh-* theirs' matches no case" in lines[1]
    assert lines[-1].endswith("entries that match nothing: 2.")


def test_entries_are_held_against_the_whole_suite_not_against_a_part_of_it() -> None:
    gate = expecting("rnn-relu-*  # in another shard")
    assert assessed(gate, case("agrees"), pairs=[(A, "mine"), (B, "mine")]).exit_code == 0
    assert assessed(gate, case("agrees"), pairs=None).exit_code == 0


@pytest.mark.parametrize("line", ["rnn-tanh-*", "rnn-tanh-*  #  ", "rnn-tanh-* mine too # three words"])
def test_an_entry_needs_a_pattern_and_a_reason(line: str) -> None:
    with pytest.raises(UsageError, match=r"known.txt:2: expected a pattern of case ids.* got 'rnn-tanh"):
        Expectations.parse(f"# a comment\n{line}", source="known.txt")


# A baseline.


@pytest.mark.parametrize("before", VERDICTS)
@pytest.mark.parametrize("now", VERDICTS)
def test_a_baseline_fails_exactly_what_got_worse(before: Verdict, now: Verdict) -> None:
    ruling = since(case(before)).ruling(case(now))
    if VERDICTS.index(now) < VERDICTS.index(before):
        assert ruling.outcome == "fails"
        assert describe(ruling).endswith(f"\n  new: in the baseline it was {before!r}")
    elif now in FAILING:
        assert ruling.outcome == "known"
    else:
        assert ruling.outcome == ("passes" if now == "agrees" else "skipped")


def test_what_the_baseline_does_not_know_is_judged_by_itself() -> None:
    gate = since(case("differs"))
    assert gate.ruling(case("differs", B)).outcome == "fails"
    assert gate.ruling(case("differs", subject="other")).outcome == "fails"
    assert gate.ruling(case("agrees", B)).outcome == "passes"


def test_a_subject_of_another_name_goes_by_its_description() -> None:
    described = replace(record_of(case("differs"), case("agrees", B)), descriptions={"mine": "by hand"})
    gate = Gate(baseline=Baseline.of(described))
    ruling = gate.ruling(case("differs", subject="mine.py:Mine"), "by hand")
    assert (ruling.outcome, ruling.reason) == ("known", "known: in the baseline it was 'differs', as mine")
    assert gate.ruling(case("differs", B, subject="mine.py:Mine"), "by hand").outcome == "fails"
    assert gate.ruling(case("differs", subject="mine.py:Mine"), "in another way").outcome == "fails"
    assert gate.ruling(case("differs", subject="mine.py:Mine")).outcome == "fails"


def test_a_case_that_stopped_running_is_new_though_no_verdict_of_its_own_fails() -> None:
    found = assessed(since(case("agrees"), case("agrees", B)), case("unsupported"), case("agrees", B))
    assert found.exit_code == 1


def test_only_known_failures_leave_0() -> None:
    assert assessed(since(case("differs")), case("differs")).exit_code == 0


def test_of_several_platforms_the_best_verdict_counts() -> None:
    gate = since(case("differs"), case("agrees"), case("undecidable"))
    assert gate.ruling(case("differs")).outcome == "fails"


def test_an_expectation_goes_before_the_baseline() -> None:
    gate = Gate(
        expectations=expecting("*  # since 2.3").expectations, baseline=since(case("agrees")).baseline
    )
    assert gate.ruling(case("differs")).outcome == "expected"


# The files.


def test_both_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "known.txt").write_text("rnn-relu-*  # größer\n", encoding="utf-8")
    (tmp_path / "agreement.json").write_bytes(encode(record_of(case("differs"))))
    gate = Gate.load(tmp_path / "known.txt", tmp_path / "agreement.json")
    assert gate.ruling(case("differs")).outcome == "known"
    assert "größer" in gate.ruling(case("differs", B)).reason


def test_the_mark_that_some_editors_put_in_front_of_a_file_is_no_part_of_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "known.txt").write_bytes("\ufeffrnn-relu-*  # ticket 12\n".encode())
    (entry,) = Gate.load(tmp_path / "known.txt", None).expectations.entries
    assert entry.pattern == "rnn-relu-*"


def test_files_that_are_none_are_refused_with_advice(tmp_path: Path) -> None:
    binary = tmp_path / "known.txt"
    binary.write_bytes(b"\xff\xfe")
    for expect in (tmp_path / "missing.txt", binary, tmp_path):
        with pytest.raises(UsageError, match="The expected failures can't be read: "):
            Gate.load(expect, None)
    with pytest.raises(UsageError, match=r"missing\.json can't be read: "):
        Gate.load(None, tmp_path / "missing.json")
    with pytest.raises(UsageError, match=r"known\.txt: This is no conformance record"):
        Gate.load(None, binary)
