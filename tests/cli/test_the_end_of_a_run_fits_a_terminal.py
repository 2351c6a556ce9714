"""What a run prints last: reasons once, rests by number, and a table that a narrow terminal has room for."""

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from msgspec import structs
from rich.console import Console
from support import records
from support.commands import CHAOTIC, Command

from conformance.record import decode
from conformance.record.summary import summarise
from conformance.report.terminal_summary import print_summary

ONLY_ELMAN = """
from conformance import Unsupported
from conformance.subjects.reference import observe


class Only:
    name, description = "only", "the reference, Elman's cell alone"

    def run(self, problem):
        if problem.case.cell != "rnn":
            raise Unsupported("Elman's cell alone.")
        return observe(problem, problem.dtype)
"""

CASES = ("rnn-tanh-T3-B2-I2-H3-f64-s0", "lstm-T3-B2-I2-H3-f64-s0", "gru-T3-B2-I2-H3-f64-s0")


@pytest.fixture
def printed(command: Command, tmp_path: Path) -> Callable[[int], str]:
    """What a terminal of so many columns is told of a run in the end."""
    path = tmp_path / "mine.py"
    path.write_text(ONLY_ELMAN, encoding="utf-8")
    cases = [part for case in CASES for part in ("--case", case)]
    answer = command("run", *cases, "--subject", f"{path}:Only", "--jobs", "1", "--report", str(tmp_path))
    assert answer.code == 0, answer.err
    record = decode((tmp_path / "agreement.json").read_bytes())

    def on(columns: int) -> str:
        out = StringIO()
        print_summary(Console(file=out, width=columns), summarise(record))
        return out.getvalue()

    return on


def test_a_reason_is_told_once(printed: Callable[[int], str]) -> None:
    assert re.search(
        f"UNSUPPORTED: .*:Only in 2 cases, first in {CASES[1]}: Elman's cell alone.", printed(400)
    )
    assert printed(400).count("Elman's cell alone.") == 1


def test_places_have_a_column_where_there_is_room(printed: Callable[[int], str]) -> None:
    assert re.search(r"worst share +where", printed(400))
    narrow = printed(70)
    assert "where" not in narrow
    assert re.search(r":Only: closest to what is allowed: .*rnn-tanh-T3-B2-I2-H3-f64-s0", narrow)


BLACK_BOX = """
from conformance import Observation
from conformance.subjects.reference import observe


class Right:
    name, description, factor = "right", "the reference as a black box", 1

    def run(self, problem):
        shown = observe(problem, problem.dtype)
        return Observation(
            output=shown.output,
            h_n=shown.h_n,
            parameters={n: g * self.factor ** ("hh" in n) for n, g in shown.parameters.items()},
        )


class Wrong(Right):
    description, factor = "the same with gradients of W_hh and b_hh that are twice too large", 2
"""

SMALL, LARGE = "rnn-tanh-T3-B2-I2-H3-f64-s0", "rnn-tanh-T9-B2-I2-H3-f64-s0"


@pytest.fixture
def ended(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What the end of a run of some cases on `Wrong` or `Right` says."""
    (tmp_path / "boxes.py").write_text(BLACK_BOX, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def of(name: str, *cases: str) -> str:
        chosen = [part for case in cases for part in ("--case", case)]
        return command("run", *chosen, "--subject", f"boxes.py:{name}").out

    return of


def test_the_place_is_that_of_the_worst_whatever_it_is_measured_in(ended: Callable[..., str]) -> None:
    assert re.search(r":Wrong .* dL/d[Wb]_hh after a free run, rnn", ended("Wrong", LARGE, SMALL))


def test_the_smallest_of_failing_cases_is_named_by_the_line_that_runs_it(
    ended: Callable[..., str],
) -> None:
    line = f"smallest of 2 cases that fail in boxes.py:Wrong: conformance run --case {SMALL} --subject boxes.py:Wrong"
    assert line in ended("Wrong", LARGE, SMALL)
    assert "smallest" not in ended("Wrong", SMALL)
    assert "smallest" not in ended("Right", LARGE, SMALL)


def test_what_is_out_of_reach_gets_a_line(command: Command) -> None:
    said = command("run", "--case", SMALL, "--case", CHAOTIC, "--subject", "torch-results").out
    (line,) = [line for line in said.splitlines() if line.startswith("UNDECIDABLE")]
    assert f"in 1 case, first in {CHAOTIC}: after a free run" in line
    assert "undecided elements" not in said


def test_what_data_lack_is_told_after_what_came_out_and_in_short(ended: Callable[..., str]) -> None:
    said = ended("Wrong", SMALL)
    assert said.index("DIFFERS") < said.index("VACUOUS for") < said.index("Does not conform")
    assert "more)" in said
    assert f"conformance power --case {SMALL}" in said


def test_what_agrees_on_premises_of_its_own_is_told_in_a_line(printed: Callable[[int], str]) -> None:
    record = records.rich_record()
    agreeing = [case for case in record.cases if case.verdict == "agrees"]
    told = [structs.replace(agreeing[0], reason=f"Within {share} bounds.") for share in ("1.3", "10.25")]
    out = StringIO()
    print_summary(Console(file=out, width=400), summarise(structs.replace(record, cases=told)))
    first = agreeing[0]
    assert f"AGREES: {first.subject} in 2 cases, first in {first.case}: Within 1.3 bounds." in out.getvalue()
    assert "10.25" not in out.getvalue()
    assert "AGREES" not in printed(400)
