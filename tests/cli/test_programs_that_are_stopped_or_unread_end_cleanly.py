"""What a run leaves behind where nobody reads it or someone stops it: its record, an honest code, and no process."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.commands import CASE, PATIENCE, PROGRAM, Answer, Command

from conformance import SUITES, Observation, Problem, Subject, load_subject
from conformance.record import decode
from conformance.runs import runner, session
from conformance.runs.evidence import Evidence

# Output that nobody reads.

ENDED_BY_PIPE = (141, -13)
"""128 + SIGPIPE as a shell tells it, and the signal itself: 1 would claim a discrepancy."""


def nobody_reads(*arguments: str) -> tuple[int, str]:
    """Run a program whose standard output is closed at its other end."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*PROGRAM, *arguments],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    finally:
        os.close(writing)
    return done.returncode, done.stderr


def test_a_list_that_nobody_reads_ends_quietly() -> None:
    code, err = nobody_reads("list")
    assert err == ""
    assert code in ENDED_BY_PIPE


def test_steps_that_nobody_reads_end_quietly_and_claim_no_discrepancy() -> None:
    code, err = nobody_reads("show", CASE)
    assert err == ""
    assert code != 1


def test_a_run_whose_summary_nobody_reads_still_writes_its_report(tmp_path: Path) -> None:
    code, err = nobody_reads("run", "--case", CASE, "--subject", "torch", "--report", str(tmp_path))
    assert "Traceback" not in err
    assert code != 1
    assert decode((tmp_path / "agreement.json").read_bytes()).complete


def test_no_standard_output_at_all_is_no_internal_error() -> None:
    shell = f"{shlex.join(PROGRAM)} list >&-"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert "Traceback" not in done.stderr


# Interruptions.


@pytest.mark.parametrize("position", [0, 1])
def test_an_interruption_leaves_a_valid_partial_record_and_exits_130(
    command: Command, plant: Callable[[Subject], None], tmp_path: Path, position: int
) -> None:
    ids = [CASE.replace("-s0", f"-s{n}") for n in range(3)]

    @dataclass(frozen=True)
    class Stopped:
        name: str = "planted"
        description: str = "stopped by the user in one case"

        def run(self, problem: Problem) -> Observation:
            if problem.case.id == ids[position]:
                raise KeyboardInterrupt
            return load_subject("torch").run(problem)

    plant(Stopped())
    chosen = [part for case in ids for part in ("--case", case)]
    answer = command("run", *chosen, "--subject", "planted", "--report", str(tmp_path))
    assert answer.code == 130
    record = decode((tmp_path / "agreement.json").read_bytes())
    assert not record.complete
    assert [case.case for case in record.cases] == ids[:position]
    assert f"Interrupted after {position} comparisons" in answer.out


@pytest.mark.parametrize("part", ["gathered", "lack_records"])
def test_ctrl_c_after_the_cases_leaves_all_of_them_and_what_is_missing_can_be_made_up_for(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, part: str
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    asked = ("run", "--case", CASE, "--subject", "reference", "--report", str(tmp_path))
    whole = command(*asked)
    assert whole.code == 0
    case = decode((tmp_path / "agreement.json").read_bytes()).cases
    monkeypatch.setattr(session, "gathered", lambda *_: Evidence())
    with monkeypatch.context() as patched:
        patched.setattr(session, part, stopped)
        answer = command(*asked, "--evidence")
    assert answer.code == 130
    assert "Interrupted after the cases" in answer.err
    record = decode((tmp_path / "agreement.json").read_bytes())
    assert (record.complete, record.cases, record.contracts) == (True, case, [])
    monkeypatch.setattr(runner, "examine_unit", stopped)  # no case is run again
    again = command(*asked, "--evidence", "--resume")
    assert again.code == 0
    assert decode((tmp_path / "agreement.json").read_bytes()).lacks
    assert not (tmp_path / "agreement.ledger").exists()


def interrupted_run(folder: Path, wait_for: Callable[[int], bool]) -> Answer:
    """Start a long run with two workers, press Ctrl-C when `wait_for` says so, and return how it ended."""
    process = subprocess.Popen(
        [*PROGRAM, "run", "--suite", "standard", "--jobs", "2", "--report", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + PATIENCE
    while not wait_for(process.pid) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all of them
    try:
        out, err = process.communicate(timeout=PATIENCE)
        assert gone(process.pid)
    finally:
        if not gone(process.pid, patience=0):
            os.killpg(process.pid, signal.SIGKILL)
    return Answer(process.returncode, out, err)


def gone(group: int, patience: float = 10) -> bool:
    """Tell whether no process of a group is left, after a while."""
    deadline = time.monotonic() + patience
    while True:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)


def workers_of(pid: int) -> list[int]:
    """Return the seconds that each process that was started to run cases has computed."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "ppid=,time=,args="], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split(maxsplit=2) for line in listed.splitlines()]
    return [
        sum(60**n * int(part) for n, part in enumerate(reversed(line[1].split(":"))))
        for line in lines
        if line[0] == str(pid) and "spawn_main" in line[-1]
    ]


def test_ctrl_c_in_a_run_of_two_workers_leaves_a_partial_record_and_no_process(tmp_path: Path) -> None:
    def busy(pid: int) -> bool:
        """Tell whether both workers are past loading torch, which takes 2 or 3 seconds of computing."""
        return [seconds >= 5 for seconds in workers_of(pid)] == [True, True]

    answer = interrupted_run(tmp_path, busy)
    assert answer.code == 130
    assert "Traceback" not in answer.err
    record = decode((tmp_path / "agreement.json").read_bytes())
    assert not record.complete
    assert 0 < len(record.cases) < 3 * len(SUITES["standard"].cases())
    assert f"Interrupted after {len(record.cases):,} comparisons" in answer.out


def test_ctrl_c_while_the_workers_start_is_no_traceback_either(tmp_path: Path) -> None:
    answer = interrupted_run(tmp_path, lambda pid: len(workers_of(pid)) == 2)
    assert answer.code == 130
    assert "Traceback" not in answer.err
    assert not decode((tmp_path / "agreement.json").read_bytes()).complete


def test_workers_end_when_their_parent_is_killed() -> None:
    run = subprocess.Popen([*PROGRAM, "run", "--suite", "standard", "--jobs", "2"], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while len(workers := spawned_by(run.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(3)  # until they have started to work
    run.kill()
    run.wait()
    while (left := alive(workers)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert len(workers) == 2
    assert left == []


def spawned_by(pid: int) -> list[str]:
    """Return the processes that were started to run cases."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "ppid=,pid=,args="], capture_output=True, text=True, check=True
    )
    lines = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    return [line[1] for line in lines if line[0] == str(pid) and "spawn_main" in line[-1]]


def alive(pids: Sequence[str]) -> list[str]:
    """Return which of these processes are still there."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid="], capture_output=True, text=True, check=True
    ).stdout.split()
    return [pid for pid in pids if pid in listed]
