"""`pytest --pyargs conformance.suite`: the same verdicts, as tests."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance import SUITES, load_subject
from conformance.cases import Case
from conformance.subjects import DEFAULT

pytest_plugins = ["pytester"]

SMOKE = SUITES["smoke"].cases()
LOADED = [load_subject(name) for name in DEFAULT]
"""Loaded before sessions within this process, which forget modules."""

OUTCOMES = ("PASSED", "FAILED", "ERROR")
"""Words that begin the lines of pytest's summary that tell of one test; skips are gathered by reason."""

PLUGIN = '''
from dataclasses import dataclass, replace
import numpy as np
from conformance import Unsupported, load_subject, subjects

@dataclass(frozen=True)
class Planted:
    """Torch, with one state off by a millionth in cases without lengths that show states; declines unbatched ones."""
    name: str = "planted"
    description: str = "wrong on purpose"

    def run(self, problem):
        if problem.case.layout == "unbatched":
            raise Unsupported("batches only")
        shown = load_subject("torch").run(problem)
        if problem.case.lengths or not shown.hidden:
            return shown
        hidden = shown.hidden[0, 0].copy()
        hidden[0, 0, 1] += 1e-6 if problem.case.dtype == "f64" else 1e-3
        return replace(shown, hidden={**shown.hidden, (0, 0): hidden})

SUBJECT = Planted()
subjects.MODULES["planted"] = __name__
'''


@dataclass(frozen=True)
class Session:
    """How a pytest session ended."""

    code: int
    out: str

    @property
    def outcomes(self) -> dict[str, str]:
        """Return the outcome of every test by its id."""
        lines = [line.split() for line in self.out.splitlines()]
        return {
            words[1].partition("[")[2].rstrip("]"): words[0]
            for words in lines
            if len(words) > 1 and words[0] in OUTCOMES and "::" in words[1]
        }


def session(folder: Path, *arguments: str) -> Session:
    """Run pytest on the suite in an empty folder, where no settings are found."""
    (folder / "planted_plugin.py").write_text(PLUGIN)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--pyargs", "conformance.suite", "-rA", "--tb=short", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTEST_ADDOPTS": "", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Session(done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Return a session in one process."""
    return session(tmp_path_factory.mktemp("alone"), "-n", "0", "--conformance-subject", "torch")


def test_every_case_of_the_smoke_suite_is_a_test_that_passes(alone: Session) -> None:
    assert alone.code == 0
    assert alone.outcomes == {f"{case.id}-torch": "PASSED" for case in SMOKE}


def test_all_subjects_run_unless_some_are_named(pytester: pytest.Pytester) -> None:
    """Three by default, and one for every subject that is named."""

    def collected(*options: str) -> int:
        done = pytester.runpytest_inprocess(
            "--pyargs", "conformance.suite", "--collect-only", "-q", "-n", "0", *options
        )
        return sum("::" in line for line in done.outlines)

    assert collected() == 3 * len(SMOKE)
    assert collected("--conformance-subject", "torch") == len(SMOKE)
    assert collected("--conformance-suite", "standard") == 3 * len(SUITES["standard"].cases())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("--conformance-suite", "huge"),
            "--conformance-suite: There is no suite 'huge'; choose from smoke, standard, full.",
        ),
        (
            ("--conformance-subject", "theano"),
            "--conformance-subject: There is no subject 'theano'; choose from torch-steps,",
        ),
    ],
)
def test_names_that_do_not_exist_are_refused(
    pytester: pytest.Pytester, arguments: tuple[str, ...], says: str
) -> None:
    refused = pytester.runpytest_inprocess("--pyargs", "conformance.suite", *arguments)
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    assert says in "\n".join(refused.errlines)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Return a session with a subject that is wrong in some cases and declines others."""
    folder = tmp_path_factory.mktemp("planted")
    return session(folder, "-p", "planted_plugin", "--conformance-subject", "planted")


def shows_states(case: Case) -> bool:
    """Tell whether torch's fused module shows its states: an LSTM doesn't in float32, nor with projections."""
    return case.cell != "lstm" or (case.dtype == "f64" and not case.proj_size)


def test_a_discrepancy_fails_just_the_tests_of_its_cases(planted: Session) -> None:
    assert planted.code == 1
    expected = {
        f"{case.id}-planted": "PASSED" if case.lengths or not shows_states(case) else "FAILED"
        for case in SMOKE
        if case.layout != "unbatched"
    }
    assert planted.outcomes == expected
    assert planted.out.count("batches only") >= 1
    assert f"{sum(case.layout == 'unbatched' for case in SMOKE)} skipped" in planted.out


def test_a_failure_is_told_in_the_order_of_the_grammar(planted: Session) -> None:
    """Verdict, first divergent step, count, greatest differences, ratio to the bound, the line that reproduces it."""
    start = planted.out.index("DIFFERS: planted on ")
    block = planted.out[start : planted.out.index("\n____", start)]
    parts = (
        "DIFFERS: planted on rnn-",
        "first divergent step: forward pass, h, layer 0 forward, t = 0, row 0, unit 1\n",
        "got ",
        "expected ",
        " absolute, ",
        " relative, ",
        " ULP: ",
        " × its bound of ",
        "mismatched elements ",
        "greatest ",
        " × the bound (layer 0 forward, t = 0",
        "reproduce: ",
    )
    places = [block.find(part) for part in parts]
    assert -1 not in places, [part for part, place in zip(parts, places, strict=True) if place == -1]
    assert places == sorted(places)
    assert "Traceback" not in block
