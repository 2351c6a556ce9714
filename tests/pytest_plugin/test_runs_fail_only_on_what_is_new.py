"""`conformance run --expect --baseline`, and what GitHub reads of a run: from the options to the exit code."""

import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import planting
from support.planting import Shows

from conformance import SUITES, parse_id, subjects
from conformance.cli import main

CASE = "rnn-tanh-T4-B3-I5-H6-f64-s0"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return a function that runs `conformance run` here, with a subject "planted" that has one wrong state."""
    run = planting.judged(parse_id(CASE), "torch-steps")
    module = types.ModuleType("planted_subject")
    module.SUBJECT = Shows(planting.planted(run, run.finding("h"), (1, 2, 3), np.float64(0.25)))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "planted_subject", module)
    monkeypatch.setitem(subjects.MODULES, "planted", "planted_subject")
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)

    def run_it(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            main(("run", *arguments))
        captured = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return caught.value.code, captured.out, captured.err

    return run_it


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_an_expected_failure_exits_0_and_an_unexpected_pass_1(command: Command, tmp_path: Path) -> None:
    both = ("--case", CASE, "--subject", "planted", "--subject", "torch")
    known = written(tmp_path / "known.txt", "rnn-tanh-*  planted  # one wrong state\n")
    code, out, _ = command(*both, "--expect", known)
    assert code == 0
    assert "At the gate: 0 fail, 1 fail as expected" in out
    known = written(tmp_path / "known.txt", "rnn-tanh-*  # one wrong state\n")
    code, out, _ = command(*both, "--expect", known)
    assert code == 1
    assert f"torch on {CASE}: unexpected: it agrees, but {known}:1 expects it to fail" in out


def test_shards_are_merged_at_the_same_gate(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An entry of the whole suite matches nothing of this one, and a case of one shard is expected to fail."""
    known = written(tmp_path / "known.txt", "rnn-*  # it answers one case only\nrnn-lstm-*  # mistyped\n")
    shards = []
    for shard in ("1/2", "2/2"):
        folder = tmp_path / shard[0]
        cases = (
            "--case",
            CASE,
            "--case",
            "rnn-tanh-T4-B3-I5-H6-f64-s1",
            "--case",
            "rnn-tanh-T4-B3-I5-H6-f64-s4",
        )
        command(*cases, "--subject", "planted", "--shard", shard, "--report", str(folder))
        shards.append(str(folder / "agreement.json"))
    with pytest.raises(SystemExit) as caught:
        main(("merge", *shards, "--out", str(tmp_path / "all"), "--expect", known))
    assert caught.value.code == 0
    assert "1 fail as expected" in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        main(("merge", *shards, "--out", str(tmp_path / "all")))
    assert caught.value.code == 1


def test_an_entry_that_matches_nothing_in_the_suite_exits_1(command: Command, tmp_path: Path) -> None:
    last = SUITES["smoke"].cases()[-1]
    known = written(
        tmp_path / "known.txt", f"{last.id} planted # it answers one case only\nrnn-lstm-*  # mistyped\n"
    )
    code, out, _ = command("--suite", "smoke", "--subject", "planted", "--expect", known)
    assert code == 1
    assert f"{known}:2: 'rnn-lstm-*' matches no case of this run (mistyped)" in out
    assert f"{known}:1" not in out


def test_a_baseline_excuses_what_it_has_and_nothing_more(command: Command, tmp_path: Path) -> None:
    one = ("--case", CASE, "--subject", "planted")
    report = ("--report", str(tmp_path))
    assert command(*one, *report)[0] == 1
    code, out, _ = command(*one, "--baseline", str(tmp_path / "agreement.json"))
    assert code == 0
    assert "At the gate: 0 fail, 0 fail as expected, 1 as in the baseline" in out
    other = ("--case", CASE, "--subject", "torch")
    assert command(*other, *report)[0] == 0
    assert command(*one, "--baseline", str(tmp_path / "agreement.json"))[0] == 1


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--expect", "The expected failures can't be read: "),
        ("--baseline", "missing can't be read: "),
    ],
)
def test_files_that_are_missing_are_refused_before_anything_runs(
    command: Command, tmp_path: Path, option: str, says: str
) -> None:
    report = tmp_path / "report"
    code, out, err = command("--suite", "smoke", option, str(tmp_path / "missing"), "--report", str(report))
    assert (code, out) == (2, "")
    assert says in err
    assert not report.exists()


def test_github_gets_its_summary_and_annotations_there_and_nowhere_else(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ("--case", CASE, "--subject", "planted")
    assert "::error" not in command(*one)[1]
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    code, out, _ = command(*one)
    assert code == 1
    (command_for_github,) = [line for line in out.splitlines() if line.startswith("::")]
    assert command_for_github.startswith(f"::error title=differs%3A planted on {CASE}::DIFFERS")
    assert "Does not conform" in (tmp_path / "summary.md").read_text(encoding="utf-8")
