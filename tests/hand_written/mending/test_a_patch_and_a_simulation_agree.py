"""A fault lies in a line of a patch where the network with that line mended is simulated without the fault."""

import pytest

from conformance.cases import materialise, parse_id
from conformance.faults import CATALOGUE, Choices, choices_of, simulate
from conformance.hand_written.diagnosis import Diagnosis, Evidence, Trial
from conformance.hand_written.mending.agreement import agreed
from conformance.hand_written.mending.fixes import fixes_of
from conformance.hand_written.mending.functions import Live

PROBLEM = materialise(parse_id("rnn-tanh-T5-B2-I3-H4-noh0-f64-s0"))
FAULTS = ("tanh-prime-of-activated", "carry-missing")
SOURCE = """def slope():
    return "activated"
def carry():
    return "none"
"""
MENDED = SOURCE.replace('"activated"', '"of state"').replace('"none"', '"summed"')
WRONG = choices_of([CATALOGUE[fault] for fault in FAULTS])


def simulated(scope: dict) -> Evidence:
    """Show what a network does whose functions say which of its choices are right."""
    right = {
        "derivative": scope["slope"]() == "of state",
        "carry": scope["carry"]() == "summed",
    }
    chosen = {seam: getattr(Choices() if right[seam] else WRONG, seam) for seam in right}
    shown = simulate(PROBLEM, Choices(**chosen))
    return Evidence(problem=PROBLEM, observation=shown)


def told(before: str, after: str, choices: Choices = WRONG, faults: tuple[str, ...] = FAULTS):
    scope: dict = {}
    exec(compile(before, "net.py", "exec"), scope)  # noqa: S102 - the source above
    files = {"net.py": before}
    found = Diagnosis(explained=True, faults=faults, choices=choices)
    trial = Trial(rerun=lambda _: simulated(scope), problem=PROBLEM, others=())
    fixes = fixes_of(files, {"net.py": after})
    return [(s.fault, s.line) for s in agreed(found, fixes, files, Live.of(files, scope), trial)]


def test_each_fault_lies_in_the_line_that_undoes_it():
    assert told(SOURCE, MENDED) == [("tanh-prime-of-activated", 2), ("carry-missing", 4)]


def test_a_line_that_undoes_nothing_is_told_of_no_fault():
    assert told(SOURCE, SOURCE.replace('"none"', '"none" ""')) == []


def test_one_line_that_undoes_two_faults_is_told_of_both():
    source = """def both(): return "activated", "none"
def slope(): return both()[0]
def carry(): return both()[1]
"""
    mended = source.replace('"activated"', '"of state"').replace('"none"', '"summed"')
    assert told(source, mended) == [("tanh-prime-of-activated", 1), ("carry-missing", 1)]


@pytest.mark.parametrize(
    "found", [Diagnosis(explained=False, faults=FAULTS, choices=WRONG), Diagnosis(explained=True)]
)
def test_without_a_simulation_no_fault_is_claimed(found):
    trial = Trial(rerun=lambda _: None, problem=PROBLEM, others=())
    fixes = fixes_of({"net.py": SOURCE}, {"net.py": MENDED})
    assert list(agreed(found, fixes, {"net.py": SOURCE}, Live({}), trial)) == []
