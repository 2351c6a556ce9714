"""The exit code of a run says what came out of it, and only 0 that all is well; what is wrong is said beside it."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import planting
from support.commands import CASE, CHAOTIC, Command, wrong
from support.planting import Raises, Shows

from conformance import Observation, Problem, Subject, Unsupported, load_subject, parse_id


def test_a_subject_that_conforms_exits_0(command: Command) -> None:
    answer = command("run", "--case", CASE, "--subject", "torch")
    assert answer.code == 0
    assert "Conforms: every one of 1 comparisons agrees to rounding." in answer.out


def test_a_discrepancy_exits_1_and_is_told_in_full(
    command: Command, plant: Callable[[Subject], None]
) -> None:
    plant(wrong())
    answer = command("run", "--case", CASE, "--subject", "torch", "--subject", "planted")
    assert answer.code == 1
    lines = answer.out.splitlines()
    start = lines.index(f"DIFFERS: planted on {CASE}")
    told = lines[start + 1 : lines.index(next(line for line in lines if line.startswith("  reproduce: ")))]
    assert told[0] == "  first divergent step: forward pass, h, layer 0 forward, t = 1, row 2, unit 3"
    assert told[1].split() == ["got", "0.25"]
    assert told[2].split()[0] == "expected"
    assert told[3].strip().startswith("off by ")
    assert told[4].startswith("  h: mismatched elements ")
    assert " / 72 (" in told[4]
    assert "  reproduce: " in answer.out
    assert "Does not conform: 1 of 2 comparisons differ" in lines[-1]


def test_the_line_that_reproduces_a_discrepancy_does(
    command: Command, plant: Callable[[Subject], None]
) -> None:
    plant(wrong())
    first = command("run", "--case", CASE, "--subject", "planted")
    (line,) = [line for line in first.out.splitlines() if line.startswith("  reproduce: ")]
    program, *arguments = shlex.split(line.removeprefix("  reproduce: "))
    assert program == "conformance"
    again = command(*arguments)
    assert (again.code, again.out) == (first.code, first.out) == (1, again.out)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "--case", "rnn-tanh-B3"), "expected T<steps>, got 'B3'"),
        (("run", "--suite", "huge"), "There is no suite 'huge'; choose from smoke, standard, full."),
        (("list", "--suite", "huge"), "There is no suite 'huge'"),
        (
            ("run", "--case", CASE, "--subject", "theano"),
            "There is no subject 'theano'; choose from torch-steps, torch",
        ),
        (("show", CASE, "--subject", "theano"), "There is no subject 'theano'"),
        (("show", "nonsense"), "expected rnn|lstm|gru, got 'nonsense'"),
        (("show",), "Missing argument 'ID'"),
        (("run", "--jobs", "0"), "'--jobs'"),
        (("run", "--jobs", "two"), "'--jobs'"),
        (("run", "--seed", "-1"), "'--seed'"),
        *(
            ((*arguments, number), f"{number} is not a finite number")
            for number in ("nan", "inf")
            for arguments in (
                ("diff", "old", "new", "--margin"),
                ("run", "--limit"),
                ("check", "x", "--time-limit"),
            )
        ),
        (("run", "--nonsense"), "No such option"),
        (("nonsense",), "No such command"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_would_be_right(
    command: Command, arguments: Sequence[str], says: str
) -> None:
    answer = command(*arguments)
    assert answer.code == 2
    assert says in answer.err
    assert "Traceback" not in answer.err


def test_a_report_that_cannot_be_written_exits_2_before_anything_runs(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        answer = command("run", "--suite", "standard", "--report", str(folder))
        assert answer.code == 2
        assert str(folder) in answer.err
        assert "Traceback" not in answer.err


def test_a_folder_in_the_place_of_the_report_exits_2(command: Command, tmp_path: Path) -> None:
    (tmp_path / "agreement.json").mkdir()
    answer = command("run", "--case", CASE, "--subject", "torch", "--report", str(tmp_path))
    assert answer.code == 2
    assert "Traceback" not in answer.err


def test_a_case_too_large_for_memory_exits_with_a_code_that_claims_nothing_and_no_traceback(
    command: Command,
) -> None:
    answer = command("run", "--case", "rnn-tanh-T99999999999-B3-I4-H5-f64-s0", "--subject", "torch")
    assert answer.code in (2, 3)
    assert "Traceback" not in answer.err


def test_a_subject_that_raises_exits_3(command: Command, plant: Callable[[Subject], None]) -> None:
    plant(Raises(RuntimeError("out of order")))
    answer = command("run", "--case", CASE, "--subject", "planted", "--subject", "torch")
    assert answer.code == 3
    assert "RuntimeError: out of order" in answer.out
    assert "1 of 2 comparisons raised an error" in answer.out


def test_a_discrepancy_outweighs_an_error(command: Command, plant: Callable[[Subject], None]) -> None:
    @dataclass(frozen=True)
    class Both:
        observation: Observation
        name: str = "planted"
        description: str = "raises on every second case"

        def run(self, problem: Problem) -> Observation:
            if problem.case.id != CASE:
                raise RuntimeError
            return self.observation

    plant(Both(wrong().observation))
    answer = command("run", "--case", CASE, "--case", CHAOTIC, "--subject", "planted")
    assert answer.code == 1


@pytest.mark.parametrize("code", [0, 1])
def test_a_subject_that_exits_is_an_error_whatever_code_it_wished(
    command: Command, plant: Callable[[Subject], None], code: int
) -> None:
    plant(Raises(SystemExit(code)))
    assert command("run", "--case", CASE, "--subject", "planted").code == 3


def test_a_run_in_which_nothing_was_supported_exits_4(
    command: Command, plant: Callable[[Subject], None]
) -> None:
    plant(Raises(Unsupported("one layer only")))
    answer = command("run", "--case", CASE, "--subject", "planted")
    assert answer.code == 4
    assert "one layer only" in answer.out
    assert "Nothing was checked" in answer.out


def test_what_cannot_be_decided_exits_5(command: Command, plant: Callable[[Subject], None]) -> None:
    shown = load_subject("torch").run(planting.judged(parse_id(CHAOTIC), "torch").problem)
    plant(Shows(Observation(output=None, h_n=None, parameters=shown.parameters)))
    answer = command("run", "--case", CHAOTIC, "--subject", "planted")
    assert answer.code == 5
    assert "Inconclusive: 1 of 1 comparisons can't be decided" in answer.out
    plant(Shows(Observation()))
    assert command("run", "--case", CASE, "--subject", "planted", "--subject", "torch").code == 5
