"""Runs survive what happens to their workers, their process and their disk: no case is lost or run for another."""

import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from conformance import Case, ConformanceError, UsageError, parse_id
from conformance.record import decode, encode
from conformance.runs import Ledger, Outcome, Session, run_cases
from conformance.runs.identity import identity_of

CASE = parse_id("rnn-tanh-T3-B2-I4-H5-f64-s0")
PATIENCE = 120


def cases(count: int) -> list[Case]:
    return [replace(CASE, seed=seed) for seed in range(count)]


def verdicts(outcome: Outcome) -> dict[int, str]:
    return {parse_id(record.case).seed: record.verdict for record in outcome.records()}


def killed_run(scenario: str, *arguments: str) -> None:
    """Run a scenario of `killed_runs.py` in a process of its own, which ends with 0 if all was as it should be."""
    script = Path(__file__).parents[1] / "support" / "killed_runs.py"
    done = subprocess.run(
        [sys.executable, str(script), scenario, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("times", ["1", "2"])
def test_workers_that_are_killed_cost_nothing(times: str) -> None:
    killed_run("killed", times)


def test_a_case_that_kills_its_worker_or_hangs_costs_itself_alone() -> None:
    killed_run("hostile")


def test_the_limit_holds_for_a_single_job_too() -> None:
    killed_run("single")


def started_run(folder: Path, *more: str) -> subprocess.Popen[bytes]:
    ids = [part for case in cases(160) for part in ("--case", case.id)]
    program = [sys.executable, "-m", "conformance", "run", "--subject", "reference"]
    return subprocess.Popen(
        [*program, *ids, "--report", str(folder), *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def lines_of(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_a_run_killed_at_any_moment_goes_on_where_it_was(tmp_path: Path) -> None:
    ledger = tmp_path / "agreement.ledger"
    for goal in (40, 120):
        run = started_run(tmp_path, *(["--resume"] if ledger.exists() else []))
        deadline = time.monotonic() + PATIENCE
        while lines_of(ledger) < goal and run.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        run.kill()
        run.communicate()
        assert not (tmp_path / "agreement.json").exists()
        with ledger.open("ab") as file:  # a line that the power cut short
            file.write(b'{"case":"rnn-tanh-T3')
    before = lines_of(ledger)
    run = started_run(tmp_path, "--resume")
    out, _ = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, out.decode()
    assert not ledger.exists()
    record = decode((tmp_path / "agreement.json").read_bytes())
    assert [case.case for case in record.cases] == [case.id for case in cases(160)]
    assert before >= 120
    whole = Session(suite="selected cases", cases=cases(160), subjects=["reference"], vacuity=True).run()
    assert body(encode(whole)) == body(encode(record))


def body(data: bytes) -> dict[str, object]:
    """Return a record without what no two runs share."""
    whole = msgspec.json.decode(data)
    return {name: part for name, part in whole.items() if name not in ("environments", "seconds", "timings")}


def ledger_of(folder: Path, count: int, *, resume: bool = False) -> Ledger:
    chosen = cases(count)
    return Ledger(folder / "a.ledger", identity_of("mine", None, ["reference"], chosen), resume=resume)


def test_finished_cases_are_not_run_again(tmp_path: Path) -> None:
    with ledger_of(tmp_path, 5) as ledger:
        run_cases(cases(3), ["reference"], ledger=ledger)
    seen: list[str] = []
    with ledger_of(tmp_path, 5, resume=True) as ledger:
        assert set(ledger.finished) == {case.id for case in cases(3)}
        outcome = run_cases(
            cases(5), ["reference"], ledger=ledger, on_progress=lambda e: seen.append(e[0][0].case)
        )
    assert seen == [case.id for case in cases(5)]
    assert [record.case for record in outcome.records()] == seen
    with ledger_of(tmp_path, 5, resume=True) as ledger:
        assert len(ledger.finished) == 5


def test_an_unfinished_run_is_not_overwritten_unasked(tmp_path: Path) -> None:
    ledger_of(tmp_path, 5).__exit__()
    with pytest.raises(UsageError, match=r"unfinished run.*--resume"):
        ledger_of(tmp_path, 5)


def test_a_ledger_of_another_run_is_refused_by_what_differs(tmp_path: Path) -> None:
    ledger_of(tmp_path, 5).__exit__()
    with pytest.raises(UsageError, match="another run: other cases"):
        ledger_of(tmp_path, 6, resume=True)
    other = identity_of("yours", 3, ["torch"], cases(5))
    with pytest.raises(
        UsageError, match=r"suite was 'mine' and is 'yours'; seed was None and is 3; subjects"
    ):
        Ledger(tmp_path / "a.ledger", other, resume=True)
    elsewhere = msgspec.structs.replace(
        identity_of("mine", None, ["reference"], cases(5)), environment={"torch": "0"}
    )
    with pytest.raises(UsageError, match=r"torch was '.*' and is '0'"):
        Ledger(tmp_path / "a.ledger", elsewhere, resume=True)


def test_a_full_disk_stops_the_run_and_keeps_what_was_finished(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ledger_of(tmp_path, 40) as ledger:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
            with pytest.raises(ConformanceError, match=r"can't be written.*--resume"):
                run_cases(cases(40), ["reference"], ledger=ledger)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with ledger_of(tmp_path, 40, resume=True) as ledger:
        assert 0 < len(ledger.finished) < 40
        outcome = run_cases(cases(40), ["reference"], ledger=ledger)
    assert verdicts(outcome) == dict.fromkeys(range(40), "agrees")
