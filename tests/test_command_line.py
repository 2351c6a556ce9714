"""The command line: what it prints, which exit code it leaves with, and what it leaves behind when it is stopped."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import planting
import pytest
from planting import Raises, Shows

from conformance import (
    SUITES,
    Observation,
    Problem,
    Subject,
    Unsupported,
    load_subject,
    parse_id,
    subjects,
)
from conformance.cli import main
from conformance.record import decode
from conformance.report import REPORT_FILES

CASE = "rnn-tanh-T4-B3-I5-H6-f64-s0"
CHAOTIC = "rnn-tanh-T300-B2-I4-H16-f64-gain10-s0"
PROGRAM = (sys.executable, "-m", "conformance")
PATIENCE = 120
"""Seconds after which a program that should have ended counts as hanging."""


@dataclass(frozen=True)
class Answer:
    """What the command line did."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs the command line in this process."""

    def run(*arguments: str) -> Answer:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        captured = capsys.readouterr()
        code = caught.value.code or 0  # None means 0
        assert isinstance(code, int)
        return Answer(code, captured.out, captured.err)

    return run


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Callable[[Subject], None]:
    """Return a function that makes a subject known as "planted"."""

    def make_known(subject: Subject) -> None:
        module = types.ModuleType("planted_subject")
        module.SUBJECT = replace(subject, name="planted")  # type: ignore[type-var]
        monkeypatch.setitem(sys.modules, "planted_subject", module)
        monkeypatch.setitem(subjects.MODULES, "planted", "planted_subject")

    return make_known


def wrong() -> Shows:
    """Return a subject with one wrong state."""
    run = planting.judged(parse_id(CASE), "torch-steps")
    return Shows(planting.planted(run, run.finding("h"), (1, 2, 3), 0.25))


# Exit codes.


def test_a_subject_that_conforms_exits_0(command: Command) -> None:
    answer = command("run", "--case", CASE, "--subject", "torch")
    assert answer.code == 0
    assert "Conforms: every one of 1 comparisons agrees to rounding." in answer.out


def test_a_discrepancy_exits_1_and_is_told_in_full(
    command: Command, plant: Callable[[Subject], None]
) -> None:
    plant(wrong())
    answer = command("run", "--case", CASE, "--subject", "torch", "--subject", "planted")
    assert answer.code == 1
    lines = answer.out.splitlines()
    start = lines.index(f"DIFFERS: planted on {CASE}")
    told = lines[start + 1 : lines.index(next(line for line in lines if line.startswith("  reproduce: ")))]
    assert told[0] == "  first divergent step: forward pass, h, layer 0 forward, t = 1, row 2, unit 3"
    assert told[1].split() == ["got", "0.25"]
    assert told[2].split()[0] == "expected"
    assert told[3].strip().startswith("off by ")
    assert told[4].startswith("  h: mismatched elements ")
    assert " / 72 (" in told[4]
    assert "  reproduce: " in answer.out
    assert "Does not conform: 1 of 2 comparisons differ" in lines[-1]


def test_the_line_that_reproduces_a_discrepancy_does(
    command: Command, plant: Callable[[Subject], None]
) -> None:
    plant(wrong())
    first = command("run", "--case", CASE, "--subject", "planted")
    (line,) = [line for line in first.out.splitlines() if line.startswith("  reproduce: ")]
    program, *arguments = shlex.split(line.removeprefix("  reproduce: "))
    assert program == "conformance"
    again = command(*arguments)
    assert (again.code, again.out) == (first.code, first.out) == (1, again.out)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "--case", "rnn-tanh-B3"), "expected T<steps>, got 'B3'"),
        (("run", "--suite", "huge"), "There is no suite 'huge'; choose from smoke, standard, full."),
        (("list", "--suite", "huge"), "There is no suite 'huge'"),
        (
            ("run", "--case", CASE, "--subject", "keras"),
            "There is no subject 'keras'; choose from torch-steps, torch",
        ),
        (("show", CASE, "--subject", "keras"), "There is no subject 'keras'"),
        (("show", "nonsense"), "expected rnn, got 'nonsense'"),
        (("show",), "Missing argument 'ID'"),
        (("run", "--jobs", "0"), "'--jobs'"),
        (("run", "--jobs", "two"), "'--jobs'"),
        (("run", "--seed", "-1"), "'--seed'"),
        *(
            ((*arguments, number), f"{number} is not a finite number")
            for number in ("nan", "inf")
            for arguments in (
                ("diff", "old", "new", "--margin"),
                ("run", "--limit"),
                ("check", "x", "--time-limit"),
            )
        ),
        (("run", "--nonsense"), "No such option"),
        (("nonsense",), "No such command"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_would_be_right(
    command: Command, arguments: Sequence[str], says: str
) -> None:
    answer = command(*arguments)
    assert answer.code == 2
    assert says in answer.err
    assert "Traceback" not in answer.err


def test_a_report_that_cannot_be_written_exits_2_before_anything_runs(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        answer = command("run", "--suite", "standard", "--report", str(folder))
        assert answer.code == 2
        assert str(folder) in answer.err
        assert "Traceback" not in answer.err


def test_a_folder_in_the_place_of_the_report_exits_2(command: Command, tmp_path: Path) -> None:
    (tmp_path / "agreement.json").mkdir()
    answer = command("run", "--case", CASE, "--subject", "torch", "--report", str(tmp_path))
    assert answer.code == 2
    assert "Traceback" not in answer.err


def test_a_case_too_large_for_memory_exits_with_a_code_that_claims_nothing_and_no_traceback(
    command: Command,
) -> None:
    answer = command("run", "--case", "rnn-tanh-T99999999999-B3-I4-H5-f64-s0", "--subject", "torch")
    assert answer.code in (2, 3)
    assert "Traceback" not in answer.err


def test_a_subject_that_raises_exits_3(command: Command, plant: Callable[[Subject], None]) -> None:
    plant(Raises(RuntimeError("out of order")))
    answer = command("run", "--case", CASE, "--subject", "planted", "--subject", "torch")
    assert answer.code == 3
    assert "RuntimeError: out of order" in answer.out
    assert "1 of 2 comparisons raised an error" in answer.out


def test_a_discrepancy_outweighs_an_error(command: Command, plant: Callable[[Subject], None]) -> None:
    @dataclass(frozen=True)
    class Both:
        observation: Observation
        name: str = "planted"
        description: str = "raises on every second case"

        def run(self, problem: Problem) -> Observation:
            if problem.case.id != CASE:
                raise RuntimeError
            return self.observation

    plant(Both(wrong().observation))
    answer = command("run", "--case", CASE, "--case", CHAOTIC, "--subject", "planted")
    assert answer.code == 1


@pytest.mark.parametrize("code", [0, 1])
def test_a_subject_that_exits_is_an_error_whatever_code_it_wished(
    command: Command, plant: Callable[[Subject], None], code: int
) -> None:
    plant(Raises(SystemExit(code)))
    assert command("run", "--case", CASE, "--subject", "planted").code == 3


def test_a_run_in_which_nothing_was_supported_exits_4(
    command: Command, plant: Callable[[Subject], None]
) -> None:
    plant(Raises(Unsupported("one layer only")))
    answer = command("run", "--case", CASE, "--subject", "planted")
    assert answer.code == 4
    assert "one layer only" in answer.out
    assert "Nothing was checked" in answer.out


def test_what_cannot_be_decided_exits_5(command: Command, plant: Callable[[Subject], None]) -> None:
    shown = load_subject("torch").run(planting.judged(parse_id(CHAOTIC), "torch").problem)
    plant(Shows(Observation(output=None, h_n=None, parameters=shown.parameters)))
    answer = command("run", "--case", CHAOTIC, "--subject", "planted")
    assert answer.code == 5
    assert "Inconclusive: 1 of 1 comparisons can't be decided" in answer.out
    plant(Shows(Observation()))
    assert command("run", "--case", CASE, "--subject", "planted", "--subject", "torch").code == 5


# Reports.


def test_a_run_writes_its_record_and_its_report(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "some folder" / "reports"
    answer = command("run", "--case", CASE, "--case", CASE, "--subject", "torch", "--report", str(folder))
    assert answer.code == 0
    assert "wrote" in answer.err
    record = decode((folder / "agreement.json").read_bytes())
    assert record.complete
    assert record.suite == "selected cases"
    assert [(case.case, case.subject) for case in record.cases] == [(CASE, "torch")]
    assert sorted(path.name for path in folder.iterdir()) == sorted(REPORT_FILES)


def test_a_seed_runs_other_data_and_is_recorded(command: Command, tmp_path: Path) -> None:
    arguments = ("run", "--case", CASE, "--subject", "torch", "--seed", "7", "--report", str(tmp_path))
    assert command(*arguments).code == 0
    record = decode((tmp_path / "agreement.json").read_bytes())
    assert record.seed == 7
    assert record.cases[0].case == CASE.replace("-s0", "-s7")


def test_the_body_of_a_record_is_the_same_for_one_worker_and_two(command: Command, tmp_path: Path) -> None:
    ids = [case.id for case in SUITES["smoke"].cases()[::13]]
    chosen = [part for case in ids for part in ("--case", case)]
    bodies = []
    for jobs in ("1", "2"):
        folder = tmp_path / jobs
        assert command("run", *chosen, "--jobs", jobs, "--report", str(folder)).code == 0
        lines = (folder / "agreement.json").read_text().splitlines()
        assert [json.loads(line.rstrip(","))["case"] for line in lines if line.startswith('{"case"')] == [
            case for case in ids for _ in range(3)
        ]
        body = "\n".join(lines).partition('\n"timings"')[0]
        bodies.append(
            [line for line in body.splitlines() if not line.startswith(('"environments"', '"seconds"'))]
        )
    assert bodies[0] == bodies[1]


# The other commands.


def test_list_prints_the_ids_of_a_suite(command: Command) -> None:
    for name, suite in SUITES.items():
        answer = command("list", "--suite", name)
        assert (answer.code, answer.out.split()) == (0, [case.id for case in suite.cases()])
    told = command("list", "--suites").out.splitlines()
    assert [line.split("\t")[:2] for line in told] == [
        [name, f"{len(suite.cases())} cases"] for name, suite in SUITES.items()
    ]


def test_show_prints_every_step_of_both_sides(command: Command) -> None:
    case = "rnn-tanh-L2-bi-T3-B2-I4-H5-f64-s0"
    answer = command("show", case, "--subject", "torch-steps")
    assert answer.code == 0
    titles = [line for line in answer.out.splitlines() if "pass, layer" in line]
    assert len(titles) == 8
    assert titles[0].strip() == "h, forward pass, layer 0 forward: agrees"
    assert titles[-1].strip() == "dL/dh, backward pass, layer 0 reverse: agrees"
    observation = planting.judged(parse_id(case), "torch-steps").observation
    shown = answer.out
    for h in observation.hidden.values():
        assert any(f"{float(value):.17g}" in shown for value in h[0].ravel())


def test_show_marks_a_wrong_step(command: Command, plant: Callable[[Subject], None]) -> None:
    plant(wrong())
    answer = command("show", CASE, "--subject", "planted")
    assert "h, forward pass, layer 0 forward: differs" in answer.out


def test_env_prints_what_a_record_holds(command: Command) -> None:
    read = json.loads(command("env").out)
    assert {"numpy", "torch", "processor", "libraries", "torch_threads", "flushes_subnormals"} <= set(read)


def test_the_version_is_that_of_the_distribution(command: Command) -> None:
    from importlib.metadata import version

    answer = command("--version")
    assert (answer.code, answer.out.split()[-1]) == (0, version("refrnn"))


# Help is there at once.


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["-h"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom conformance.cli import main\n"
        f"try:\n    main({arguments!r})\n"
        "except SystemExit as end:\n    print(end.code, *sorted(m for m in sys.modules if '.' not in m))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    code, *loaded = done.stdout.splitlines()[-1].split()
    assert code == "0"
    assert "click" in loaded
    assert not {"numpy", "torch", "rich", "msgspec", "refrnn", "threadpoolctl"} & set(loaded)


def test_help_takes_under_three_tenths_of_a_second_of_processor_time() -> None:
    """Processor time, not the clock's: what else the machine does is not ours."""
    before = os.times()
    done = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, check=True)
    after = os.times()
    assert "Cross-check torch.nn.RNN" in done.stdout
    assert "Exit codes of run: 0 conforms" in done.stdout
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used < 0.3


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


def test_every_name_of_the_package_resolves_and_the_list_is_pinned() -> None:
    import conformance

    pinned = [
        "SUITES",
        "Case",
        "CaseRecord",
        "Check",
        "ConformanceError",
        "Observation",
        "Problem",
        "Subject",
        "Unsupported",
        "UsageError",
        "assert_conforms",
        "check",
        "examine",
        "handwritten",
        "load_subject",
        "parse_id",
        "tell",
    ]
    assert conformance.__all__ == pinned
    for name in conformance.__all__:
        assert getattr(conformance, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = conformance.nonsense
    assert set(conformance._HOMES) == set(pinned)
    assert isinstance(load_subject("torch"), Subject)
    assert np.all([isinstance(load_subject(name), Subject) for name in subjects.MODULES])
