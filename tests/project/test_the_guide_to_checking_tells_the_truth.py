"""What docs/checking.md shows is what happens: its commands print its texts, its Python runs."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from project.test_readme_tells_the_truth import BLOCK, without_numbers

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "checking.md"
BLOCKS = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
SESSIONS = [
    (command.strip(), text)
    for (kind, command), (after, text) in pairwise(BLOCKS)
    if (kind, after) == ("sh", "text")
]


@pytest.mark.parametrize(
    ("command", "text"), SESSIONS, ids=[command.split(":")[-1] for command, _ in SESSIONS]
)
def test_a_command_prints_what_the_guide_shows(command: str, text: str) -> None:
    program, *arguments = command.split()
    assert program == "conformance"
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert without_numbers(done.stdout) == without_numbers(text)


def test_there_are_sessions_to_hold() -> None:
    assert len(SESSIONS) == 2


PROGRAMS = [text for kind, text in BLOCKS if kind == "python"]


@pytest.mark.parametrize("program", PROGRAMS, ids=["an adapter", "an interface stated outright"])
def test_a_program_of_the_guide_runs(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_the_verdicts_of_the_guide_are_those_that_exist() -> None:
    from typing import get_args

    from conformance.record.check import CheckVerdict

    named = re.findall(r"^\| `([a-z-]+)` \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert tuple(named) == get_args(CheckVerdict)
