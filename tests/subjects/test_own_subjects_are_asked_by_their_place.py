"""A subject of somebody's own is named by its place, everywhere, and the lines that reproduce it work as printed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import UsageError, load_subject
from conformance.runs.identity import identity_of
from conformance.subjects import own

CASE = "rnn-tanh-T3-B2-I4-H5-f64-s0"
SOURCE = """
from dataclasses import replace

from conformance import load_subject
from helper import twice


class Right:
    name, description = "right", "the reference"

    def run(self, problem):
        return load_subject("reference").run(problem)


class Raises(Right):
    def run(self, problem):
        return self.step(problem)

    def step(self, problem):
        return twice(problem.x @ problem.h_0)


class Wrong(Right):
    def run(self, problem):
        shown = super().run(problem)
        doubled = 2 * shown.parameters["weight_hh_l0"]
        return replace(shown, parameters={**shown.parameters, "weight_hh_l0": doubled})


right = Right()


class Network:
    def forward(self, x):
        return x


class WithArguments(Right):
    def __init__(self, size):
        self.size = size
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a file of subjects, which is the current one."""
    (tmp_path / "helper.py").write_text("def twice(value):\n    return 2 * value\n", encoding="utf-8")
    (tmp_path / "own_rnn.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    own.load_own.cache_clear()
    own._module.cache_clear()
    return tmp_path


def program(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "name", ["own_rnn.py:Right", "own_rnn.py:right", "./own_rnn.py:Right", "own_rnn:Right"]
)
@pytest.mark.usefixtures("place")
def test_a_class_or_an_object_of_a_file_or_a_module_is_run(name, command):
    answer = command("run", "--case", CASE, "--subject", name)
    assert answer.code == 0, answer.err
    assert name in answer.out


@pytest.mark.usefixtures("place")
def test_it_is_shown_step_by_step_and_asked_random_cases(command):
    assert "h, forward pass" in command("show", CASE, "--subject", "own_rnn.py:Right").out
    answer = command("run", "--explore", "3", "--subject", "own_rnn.py:Wrong")
    assert answer.code == 1
    assert "smallest case that fails alike: conformance run --case" in answer.out


def test_workers_find_it_too(place):
    done = program(
        ["conformance", "run", "--case", CASE, "--jobs", "2", "--subject", "own_rnn.py:Right"], place
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "own_rnn.py:Rihgt",
            r"There is no 'Rihgt' in own_rnn.py; its subjects are: Right, Raises, Wrong, right",
        ),
        ("own_rn.py:Right", r"There is no file own_rn.py"),
        ("own_rn:Right", r"own_rn can't be imported: ModuleNotFoundError"),
        ("own_rnn.py:Network", r"has no method run\(problem\).*conformance init own_rnn.py:Network"),
        ("own_rnn.py:WithArguments", r"can't be made without arguments: TypeError"),
        ("broken.py:Right", r"broken.py can't be imported: ZeroDivisionError"),
        ("leaves.py:Right", r"leaves.py can't be imported: SystemExit"),
    ],
)
def test_what_is_not_there_or_no_subject_is_refused_in_words(name, said, place):
    (place / "broken.py").write_text("1 / 0\n", encoding="utf-8")
    (place / "leaves.py").write_text("raise SystemExit(0)\n", encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        load_subject(name)


@pytest.mark.usefixtures("place")
def test_an_exception_is_told_with_the_lines_that_led_to_it(command):
    answer = command("run", "--case", CASE, "--subject", "own_rnn.py:Raises")
    said = " ".join(answer.out.split())
    assert answer.code == 3
    assert "ValueError: matmul" in said
    assert re.search(
        r"\(own_rnn\.py:17 in run → own_rnn\.py:20 in step: `return twice\(problem\.x @ problem\.h_0\)`\)",
        said,
    ), said


def test_lines_of_a_library_in_an_environment_of_the_folder_are_told_from_the_library(place, command):
    library = place / ".venv" / "lib" / "site-packages"
    (library / "deep").mkdir(parents=True)
    (library / "deep" / "sums.py").write_text(
        "def added():\n    raise ValueError('deep')\n", encoding="utf-8"
    )
    (place / "mine.py").write_text(
        f"import sys\nsys.path.insert(0, {str(library)!r})\nfrom deep.sums import added\n"
        "class Mine:\n    name, description = 'mine', 'calls a library'\n"
        "    def run(self, problem):\n        added()\n",
        encoding="utf-8",
    )
    said = command("run", "--case", CASE, "--subject", "mine.py:Mine").out
    assert "(mine.py:7 in run → deep/sums.py:2 in added: `raise ValueError('deep')`)" in " ".join(
        said.split()
    )


@pytest.mark.usefixtures("place")
def test_the_line_that_reproduces_a_case_works_as_printed(command):
    answer = command("run", "--suite", "smoke", "--subject", "own_rnn.py:Wrong")
    (line, *_) = re.findall(r"reproduce: conformance (.*)", answer.out)
    again = command(*shlex.split(line))
    assert again.code == 1
    assert "dL/dW_hh" in again.out


def test_under_pytest_the_line_is_the_command_that_runs_this_one_test(place):
    (place / "test_own.py").write_text(
        "import pytest\n"
        "from own_rnn import Wrong\n\n\n"
        '@pytest.mark.conformance(Wrong(), suite="smoke")\n'
        "def test_it(conformance_check):\n    conformance_check()\n",
        encoding="utf-8",
    )
    plugin = ["pytest", "-q", f"--conformance-case={CASE}"]
    done = program([*plugin, "test_own.py"], place)
    (line,) = set(re.findall(r"reproduce: pytest (.*)", done.stdout))
    again = program([*plugin, *shlex.split(line)], place)
    assert again.returncode == done.returncode == 1
    assert "1 failed" in again.stdout


def test_another_source_is_another_run(place):
    before = identity_of("smoke", None, ["own_rnn.py:Right"], [])
    (place / "own_rnn.py").write_text(SOURCE + "\n# changed\n", encoding="utf-8")
    assert identity_of("smoke", None, ["own_rnn.py:Right"], []) != before
    assert identity_of("smoke", None, ["torch"], []) == identity_of("smoke", None, ["torch"], [])


def test_the_example_of_the_documents_agrees(command):
    example = Path(__file__).parents[2] / "docs" / "examples" / "own_subject.py"
    cases = [CASE, "rnn-tanh-T3-B2-bf-I4-H5-f32-s0", "rnn-tanh-nobias-T4-single-I3-H5-noh0-dhn-f64-s0"]
    arguments = [word for case in cases for word in ("--case", case)]
    answer = command("run", *arguments, "--subject", f"{example}:MyLibrary")
    assert answer.code == 0, answer.out
    refused = command("run", "--case", "rnn-tanh-bi-T3-B2-I4-H5-f64-s0", "--subject", f"{example}:MyLibrary")
    assert "one layer, one direction and no lengths" in " ".join(refused.out.split())


def test_every_helper_that_the_page_names_is_there():
    import conformance

    page = (Path(__file__).parents[2] / "docs" / "subjects.md").read_text(encoding="utf-8")
    tables = {}
    for owner, text in re.findall(r"^\| of `(\w+)` .*\n\|[-| ]+\n((?:\|.*\n)+)", page, re.MULTILINE):
        cells = " ".join(line.split("|")[1] for line in text.splitlines())
        tables[owner] = set(re.findall(r"`(\w+)", cells))
    assert set(tables) == {"TimeMajor", "Problem"}
    for owner, names in tables.items():
        assert names <= set(dir(getattr(conformance, owner))), owner
