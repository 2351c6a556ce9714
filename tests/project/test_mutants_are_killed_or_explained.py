"""Mutation testing finds what no test would notice, and a survivor needs a reason in writing."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("mutmut", reason="mutation testing belongs to the development tools")

from mutation.mutants import mutants
from mutation.survivors import Plan

PROGRAM = '''
"""A program with two functions, one of them tested half."""

import functools


class Shop:
    @property
    def price(self):
        return 3 + 4

    @staticmethod
    def total(count, each=2):
        message = "A sentence is no behaviour" if count > 9 else ""
        return count * each, message


@functools.cache
def untested():
    return list(zip([1], [2], strict=True))
'''

TESTS = """
from program import Shop, untested

untested

def test_shop():
    assert Shop().price == 7
    assert Shop.total(5)[0] == 10
"""

RUN = """
import pathlib, pytest
from mutation.mutants import mutants
from mutation.running import MutationRun
from mutation.survivors import Plan
found = list(mutants(pathlib.Path("program.py")))
plan = Plan(tests=(), longest=9, altogether=9, explained={})
run = MutationRun(mutants=found, plan=plan, jobs=1, progress=lambda mutant, fate: None)
status = pytest.main(["-pno:terminal", "-pno:cacheprovider", "test_program.py"], plugins=[run])
print(int(status), *(f"{fate}: {mutant}" for mutant, fate in zip(found, run.fates)), sep="\\n== ")
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "test_program.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    (tmp_path / "conftest.py").write_text(
        "import hypothesis\nhypothesis.settings.register_profile('quick', database=None)\n"
    )
    monkeypatch.chdir(tmp_path)
    return Path("program.py")


def test_mutants_are_those_of_every_function_but_not_of_prose_and_assertions(program: Path) -> None:
    told = [str(mutant) for mutant in mutants(program)]
    functions = {text.split()[1] for text in told}
    assert functions == {"Shop.price", "Shop.total", "untested"}
    assert "program.py Shop.price\n- return 3 + 4\n+ return 3 - 4" in told
    assert not any("SENTENCE" in text or "strict=False" in text for text in told)


def test_a_mutant_is_told_the_same_when_the_code_around_it_moves(program: Path) -> None:
    before = [str(mutant) for mutant in mutants(program)]
    program.write_text("import math\n\nmath.pi\n" + program.read_text())
    assert [str(mutant) for mutant in mutants(program)] == before


@pytest.mark.usefixtures("program")
def test_what_no_test_notices_survives_and_the_rest_is_killed() -> None:
    tests = Path(__file__).parents[1]
    answer = subprocess.run(
        [sys.executable, "-c", RUN],
        env={"PYTHONPATH": str(tests)},
        capture_output=True,
        text=True,
        check=True,
    )
    status, *told = answer.stdout.strip().split("\n== ")
    assert status == "0", answer.stdout + answer.stderr
    fates = {
        (mutant.split()[1], *mutant.splitlines()[1:]): fate
        for fate, mutant in (t.split(": ", 1) for t in told)
    }
    assert {fate for (function, *_), fate in fates.items() if function == "Shop.price"} == {"killed"}
    assert {fate for (function, *_), fate in fates.items() if function == "untested"} == {"not reached"}
    assert fates["Shop.total", "- def total(count, each=2):", "+ def total(count, each=3):"] == "killed"
    assert (
        fates[
            "Shop.total",
            '- message = "A sentence is no behaviour" if count > 9 else ""',
            '+ message = "A sentence is no behaviour" if count >= 9 else ""',
        ]
        == "survived"
    )


def test_a_survivor_without_a_reason_and_a_reason_without_a_survivor_are_told(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(
        textwrap.dedent("""
        tests = ["tests/test_x.py"]
        longest = 1
        altogether = 5

        [[reason]]
        why = "Both are the same."
        survivors = [
        '''
        a.py f
        - 1
        + 2
        ''',
        ]
        """)
    )
    plan = Plan.read(file)
    assert (plan.tests, plan.longest, plan.altogether) == (("tests/test_x.py",), 1, 5)
    assert plan.unexplained({"a.py f\n- 1\n+ 2", "a.py g\n- 1\n+ 2"}) == ["a.py g\n- 1\n+ 2"]
    assert plan.outdated({"a.py g\n- 1\n+ 2"}, [Path("a.py")]) == ["a.py f\n- 1\n+ 2"]


def test_explaining_a_mutant_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    reason = "[[reason]]\nwhy = 'so'\nsurvivors = ['a.py f']\n"
    file.write_text("tests = []\nlongest = 1\naltogether = 5\n" + 2 * reason)
    with pytest.raises(ValueError, match="once; got this one twice"):
        Plan.read(file)
