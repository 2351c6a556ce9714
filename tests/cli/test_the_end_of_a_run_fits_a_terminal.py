"""What a run prints last: reasons once, rests by number, and a table that a narrow terminal has room for."""

import re

import pytest
from support.commands import Command

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


@pytest.mark.parametrize("columns", [60, 140])
def test_a_reason_is_told_once_and_places_where_there_is_room(
    command: Command, tmp_path, monkeypatch, columns
):
    monkeypatch.setenv("COLUMNS", str(columns))
    path = tmp_path / "mine.py"
    path.write_text(ONLY_ELMAN, encoding="utf-8")
    cases = [part for case in CASES for part in ("--case", case)]
    answer = command(
        "run", *cases, "--subject", f"{path}:Only", "--jobs", "1", "--report", str(tmp_path / "made")
    )
    assert answer.code == 0, answer.err
    assert f"UNSUPPORTED: {path}:Only in 2 cases, first in {CASES[1]}: Elman's cell alone." in answer.out
    assert answer.out.count("Elman's cell alone.") == 1
    assert (re.search(r"worst share +where", answer.out) is not None) is (columns > 100)
    assert (": worst share " in answer.out) is (columns < 100)
