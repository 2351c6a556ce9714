"""The pytest plugin: whatever becomes of the tests of a run, its record and its exit code say so."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from conformance import SUITES, parse_id
from conformance.cases import Shard
from conformance.record import Record, decode
from conformance.record.writing import reserved
from conformance.report import (
    github as github,
)  # loaded before sessions within this process, which forget modules
from conformance.report import html

pytest_plugins = ["pytester"]

A, B, C = "rnn-tanh-T4-B3-I5-H6-f64-s0", "rnn-relu-T4-B3-I5-H6-f64-s0", "rnn-tanh-T4-B3-I5-H6-f64-s1"
CASES = [f"--conformance-case={case_id}" for case_id in (A, B, C)]

SUBJECTS = """
from dataclasses import dataclass, replace
import os
import numpy as np
from conformance import Unsupported, load_subject

@dataclass
class Mine:
    name: str = "mine"
    description: str = "the reference, with habits"
    wrong: bool = False
    crashes: bool = False
    declines: str = ""

    def run(self, problem):
        if problem.case.nonlinearity == self.declines or self.declines == "all":
            raise Unsupported("not today")
        if self.crashes and problem.case.nonlinearity == "relu":
            os._exit(7)
        shown = load_subject("reference").run(problem)
        return replace(shown, output=shown.output + 0.1) if self.wrong else shown
"""

ONE = """
import pytest
from subjects import Mine

@pytest.mark.conformance(Mine({arguments}))
def test_mine(conformance_check):
    {body}
"""


@pytest.fixture(autouse=True)
def _no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no page in runs within this process, to be quick."""
    monkeypatch.setattr(html, "html", lambda _: "")


def written(pytester: pytest.Pytester, arguments: str = "", body: str = "conformance_check()") -> None:
    """Write a project with one test."""
    pytester.makepyfile(subjects=SUBJECTS, test_mine=ONE.format(arguments=arguments, body=body))
    pytester.makeini("[pytest]\npythonpath = .\naddopts = --strict-markers --conformance-report=report\n")


def run(pytester: pytest.Pytester, *arguments: str) -> tuple[int, str]:
    """Run pytest within this process."""
    done = pytester.runpytest_inprocess("-n", "0", *arguments)
    return int(done.ret), "\n".join([*done.outlines, *done.errlines])


def record(pytester: pytest.Pytester) -> Record:
    return decode((pytester.path / "report" / "agreement.json").read_bytes())


def verdicts(pytester: pytest.Pytester) -> dict[str, str]:
    return {case.case: case.verdict for case in record(pytester).cases}


# What becomes of tests that don't simply examine their case.


def test_tests_that_end_without_examining_still_have_their_case_in_the_record(
    pytester: pytest.Pytester,
) -> None:
    body = """
    if "relu" in request.node.name: pytest.skip("no relu here")
    if "s1" in request.node.name: raise KeyError("lost")
    conformance_check()"""
    written(pytester, body=body)
    test = pytester.path / "test_mine.py"
    test.write_text(test.read_text().replace("(conformance_check)", "(conformance_check, request)"))
    code, out = run(pytester, *CASES)
    assert code == 1
    assert verdicts(pytester) == {A: "agrees", B: "unsupported", C: "error"}
    reasons = [case.reason for case in record(pytester).cases]
    assert reasons[1:] == ["no relu here", "The test failed before its case was examined: KeyError: 'lost'"]
    assert "mine: 1 agrees, 1 unsupported, 1 error; up to 0" in out
    assert record(pytester).complete


def test_a_test_that_never_calls_its_check_is_an_error_in_the_record(pytester: pytest.Pytester) -> None:
    written(pytester, body="pass")
    run(pytester, *CASES[:1])
    (case,) = record(pytester).cases
    assert (case.verdict, case.reason) == ("error", "The test passed without calling conformance_check().")


def test_a_run_that_stops_early_leaves_a_record_that_says_so(pytester: pytest.Pytester) -> None:
    written(pytester, "wrong=True")
    code, out = run(pytester, "-x", *CASES)
    assert code != 0
    assert not record(pytester).complete
    assert verdicts(pytester) == {A: "differs"}
    assert "Interrupted after 1 comparisons (1 differs)." in out


def test_deselected_tests_make_it_a_part_of_the_suite(pytester: pytest.Pytester) -> None:
    written(pytester)
    code, _ = run(pytester, "-k", "T1-B3 and f64")
    assert code == 0
    assert record(pytester).suite == "part of smoke"
    assert 0 < len(record(pytester).cases) < len(SUITES["smoke"].cases())
    assert record(pytester).complete


def test_tests_chosen_by_name_make_it_a_part_too(pytester: pytest.Pytester) -> None:
    written(pytester)
    assert run(pytester, f"test_mine.py::test_mine[{A.replace('T4-B3-I5-H6', 'T7-B3-I4-H5')}-mine]")[0] == 0
    assert record(pytester).suite == "part of smoke"
    assert len(record(pytester).cases) == 1


def test_a_run_of_other_tests_leaves_no_record_and_its_own_exit_code(pytester: pytest.Pytester) -> None:
    written(pytester, "wrong=True")
    pytester.makepyfile(test_other="def test_other(): pass")
    for chosen in (["-k", "test_other"], ["test_other.py"]):
        code, out = run(pytester, *chosen)
        assert code == 0
        assert "No test of this run examines a case, so no report was written." in out
        assert not (pytester.path / "report" / "agreement.json").exists()


def test_a_shard_without_cases_leaves_an_empty_record_to_be_merged(pytester: pytest.Pytester) -> None:
    written(pytester)
    shards = [f"{n}/50" for n in range(1, 51)]
    empty = next(s for s in shards if not any(Shard.parse(s).has(parse_id(case_id)) for case_id in (A, B, C)))
    code, _ = run(pytester, f"--conformance-shard={empty}", *CASES)
    assert code == 0
    assert (record(pytester).suite, record(pytester).cases) == (f"selected cases, shard {empty}", [])
    assert record(pytester).complete


def test_under_runxfail_expected_failures_fail(pytester: pytest.Pytester) -> None:
    written(pytester, "wrong=True")
    (pytester.path / "known.txt").write_text("*  # known\n")
    expect = ("--conformance-expect=known.txt", CASES[0])
    assert run(pytester, *expect)[0] == 0
    assert run(pytester, "--runxfail", *expect)[0] == 1


def test_a_worker_that_dies_costs_its_own_case(pytester: pytest.Pytester) -> None:
    written(pytester, "crashes=True")
    done = pytester.runpytest_subprocess("-n", "1", *CASES)
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert verdicts(pytester) == {A: "agrees", B: "error", C: "agrees"}
    assert (
        record(pytester).cases[1].reason.startswith("The worker process died before this case was finished")
    )
    assert record(pytester).complete


def test_when_xdist_gives_up_what_was_examined_is_in_the_record(pytester: pytest.Pytester) -> None:
    written(pytester, "crashes=True")
    done = pytester.runpytest_subprocess("-n", "1", "--max-worker-restart=0", *CASES)
    assert done.ret != pytest.ExitCode.OK
    assert verdicts(pytester) == {A: "agrees", B: "error"}
    found = record(pytester)
    assert (found.complete, found.suite, found.subjects) == (False, "selected cases", ["mine"])
    assert found.environments[0].torch_threads == 1
    done.stdout.fnmatch_lines(["Interrupted after 2 comparisons (1 error, 1 agrees)."])


def test_a_folder_that_another_run_writes_to_is_refused_before_anything_runs(
    pytester: pytest.Pytester,
) -> None:
    written(pytester)
    with reserved(pytester.path / "report"):
        code, out = run(pytester, *CASES)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "--conformance-report: Another run is writing to" in out
    assert run(pytester, *CASES)[0] == 0


# Exit codes that no single test can give.


def test_a_run_that_decided_nothing_is_no_success(pytester: pytest.Pytester) -> None:
    written(pytester, "declines='all'")
    code, out = run(pytester, *CASES)
    assert code == 1
    assert "Nothing was checked." in out
    assert (
        run(pytester, "--conformance-shard=1/1", *CASES)[0] == 0
    )  # other shards may have something to check


def test_two_subjects_of_one_name_are_found_out(pytester: pytest.Pytester) -> None:
    written(pytester)
    test = pytester.path / "test_mine.py"
    again = ONE.format(arguments="declines='tanh'", body="conformance_check()").replace(
        "test_mine", "test_other"
    )
    test.write_text(test.read_text() + again)
    code, out = run(pytester, *CASES)
    assert code == 1
    assert f"mine on {A} was examined twice and came out differently" in out
    assert f"mine on {B}" not in out
    assert [case.case for case in record(pytester).cases] == [A, B, C]
    assert [case.verdict for case in record(pytester).cases] == ["unsupported", "agrees", "unsupported"]


def test_a_case_that_two_tests_examine_alike_is_recorded_once(pytester: pytest.Pytester) -> None:
    written(pytester)
    test = pytester.path / "test_mine.py"
    again = ONE.format(arguments="", body="conformance_check()").replace("test_mine", "test_again")
    test.write_text(test.read_text() + again)
    assert run(pytester, *CASES)[0] == 0
    assert [case.case for case in record(pytester).cases] == [A, B, C]


def test_several_subjects_are_judged_case_by_case(pytester: pytest.Pytester) -> None:
    written(pytester, "), Mine(name='other'")
    assert run(pytester, *CASES)[0] == 0
    assert [(case.case, case.subject) for case in record(pytester).cases[:3]] == [
        (A, "mine"),
        (A, "other"),
        (B, "mine"),
    ]
    assert record(pytester).subjects == ["mine", "other"]


def test_the_seed_draws_other_data(pytester: pytest.Pytester) -> None:
    written(pytester)
    assert run(pytester, "--conformance-seed=5", CASES[0])[0] == 0
    assert verdicts(pytester) == {A.replace("-s0", "-s5"): "agrees"}
    assert record(pytester).seed == 5


# What can't be meant is refused, by name and before anything runs.


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--conformance-suite=huge"], "--conformance-suite: There is no suite 'huge'; choose from smoke,"),
        (
            ["--conformance-suite=smoke", CASES[0]],
            "--conformance-suite and --conformance-case each say what to run",
        ),
        (["--conformance-case=rnn-lstm"], "--conformance-case: Case id 'rnn-lstm': expected tanh|relu"),
        (["--conformance-subject=theano"], "--conformance-subject: There is no subject 'theano'"),
        (["--conformance-seed=-1"], "--conformance-seed: expected a whole number from 0 on, got -1."),
        (["--conformance-shard=3/2"], "--conformance-shard: A shard is written i/n with 1 ≤ i ≤ n"),
        (["--conformance-expect=none.txt"], "--conformance-expect: The expected failures can't be read"),
        (["--conformance-baseline=none.json"], "--conformance-baseline: none.json can't be read"),
        (
            ["--conformance-report=test_mine.py"],
            "--conformance-report: The report can't be written to test_mine.py",
        ),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    pytester: pytest.Pytester, options: list[str], says: str
) -> None:
    written(pytester)
    code, out = run(pytester, *options)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert says in out


@pytest.mark.parametrize(
    ("marker", "says"),
    [
        ("Mine", "expected subjects, got the class Mine; call it: @pytest.mark.conformance(Mine())"),
        ("Mine, suite='smoke'", "got <class 'subjects.Mine'>, a class: call it."),
        (
            "'torch'",
            "expected subjects, which are objects with a name, a description and a method run(problem)",
        ),
        ("Mine(), suite='huge'", "there is no suite 'huge'; choose from smoke, standard, full."),
        ("Mine(), cases=3", "it takes subjects and suite=, but got cases=."),
    ],
)
def test_markers_that_cannot_be_meant_are_refused(pytester: pytest.Pytester, marker: str, says: str) -> None:
    written(pytester)
    test = pytester.path / "test_mine.py"
    test.write_text(test.read_text().replace("Mine()", marker))
    code, out = run(pytester)
    assert code == pytest.ExitCode.INTERRUPTED
    assert "@pytest.mark.conformance of test_mine" in out
    assert says in out


# What else is going on in the process.


def test_other_modules_have_their_threads_back(pytester: pytest.Pytester) -> None:
    before = torch.get_num_threads()
    written(pytester, body="conformance_check(); assert torch.get_num_threads() == 1")
    test = pytester.path / "test_mine.py"
    test.write_text("import torch\n" + test.read_text())
    pytester.makepyfile(
        test_a="import torch\ndef test_a(): torch.set_num_threads(2)",
        test_z="import torch\ndef test_z(): assert torch.get_num_threads() == 2",
    )
    try:
        assert run(pytester, CASES[0])[0] == 0
    finally:
        torch.set_num_threads(before)
    assert record(pytester).environments[0].torch_threads == 1


def test_runs_that_do_not_use_it_load_nothing_and_are_told_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("def test_a(): pass\n")
    script = "import pytest, sys; pytest.main(['-q', '-n', '0']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "conformance.pytest_plugin" in loaded
    assert not loaded & {"numpy", "torch", "msgspec", "conformance.cases", "conformance.record"}
    assert "conformance =" not in done.stdout
