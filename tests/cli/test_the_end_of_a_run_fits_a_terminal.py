"""What a run prints last: reasons once, rests by number, and a table that a narrow terminal has room for."""

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from msgspec import structs
from rich.console import Console
from support import records
from support.commands import Command

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
    assert re.search(r":Only: worst share \S+: .*rnn-tanh-T3-B2-I2-H3-f64-s0", narrow)


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
