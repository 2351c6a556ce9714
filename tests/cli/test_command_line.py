"""The command line: what its commands print and write, and that help is there at once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import planting
from support.commands import CASE, PROGRAM, Command, wrong

from conformance import SUITES, Subject, load_subject, parse_id, subjects
from conformance.record import decode
from conformance.report import REPORT_FILES

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


def test_show_has_what_goes_into_an_activation_where_it_is_shown(command: Command) -> None:
    for case, quantities in {
        CASE: ["dL/da"],
        "gru-T3-B2-I2-H3-f64-s0": ["dL/da_r", "dL/da_z", "dL/da_n"],
    }.items():
        shown = command("show", case, "--subject", "reference").out
        for quantity in quantities:
            assert f"{quantity}, backward pass, layer 0 forward: agrees" in shown


def test_show_marks_a_wrong_step(command: Command, plant: Callable[[Subject], None]) -> None:
    plant(wrong())
    answer = command("show", CASE, "--subject", "planted")
    assert "h, forward pass, layer 0 forward: differs" in answer.out
    assert answer.out.startswith(f"DIFFERS: planted on {CASE}\n  first divergent step: forward pass, h, ")


def test_env_prints_what_a_record_holds(command: Command) -> None:
    read = json.loads(command("env").out)
    assert {"numpy", "torch", "processor", "libraries", "torch_threads", "flushes_subnormals"} <= set(read)


def test_the_version_is_that_of_the_distribution(command: Command) -> None:
    from importlib.metadata import version

    answer = command("--version")
    assert (answer.code, answer.out.split()[-1]) == (0, version("refrnn"))


# Help is there at once, and so is what the suites are for.


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["-h"], ["list", "--suites"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom conformance.cli import main\n"
        f"try:\n    main({arguments!r})\n"
        "except SystemExit as end:\n    print(end.code or 0, *sorted(m for m in sys.modules if '.' not in m))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    code, *loaded = done.stdout.splitlines()[-1].split()
    assert code == "0"
    assert "click" in loaded
    assert not {"numpy", "torch", "rich", "refrnn", "threadpoolctl"} & set(loaded)
    assert ("msgspec" in loaded) == (arguments[0] == "list")  # which makes Suites of it


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--help"], ["Find what is wrong in recurrent networks", "Exit codes of check and run: 0 conforms"]),
        (["list", "--suites"], ["smoke\t", "standard\t", "full\t"]),
    ],
)
def test_what_there_is_takes_under_three_tenths_of_a_second_of_processor_time(
    arguments: list[str], told: list[str]
) -> None:
    """Processor time, not the clock's: what else the machine does is not ours."""
    before = os.times()
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=True)
    after = os.times()
    assert all(words in done.stdout for words in told)
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used < 0.3


# The package.


def test_every_name_of_the_package_resolves_and_the_list_is_pinned() -> None:
    import conformance

    pinned = [
        "SUITES",
        "Case",
        "CaseRecord",
        "Check",
        "ConformanceError",
        "Loss",
        "Observation",
        "Own",
        "Problem",
        "Subject",
        "TimeMajor",
        "Unsupported",
        "UsageError",
        "assert_conforms",
        "check",
        "examine",
        "handwritten",
        "load_subject",
        "materialise",
        "parse_id",
        "tell",
    ]
    assert conformance.__all__ == pinned
    for name in conformance.__all__:
        assert getattr(conformance, name) is not None
    for name in (
        "Case",
        "Observation",
        "Problem",
        "assert_conforms",
        "check",
        "examine",
        "handwritten",
        "materialise",
    ):
        assert ">>> " in str(getattr(conformance, name).__doc__), f"{name} has no example"
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = conformance.nonsense
    assert set(conformance._HOMES) == set(pinned)
    assert isinstance(load_subject("torch"), Subject)
    assert np.all(
        [isinstance(load_subject(name), Subject) for name in subjects.MODULES if not subjects.lacking(name)]
    )
