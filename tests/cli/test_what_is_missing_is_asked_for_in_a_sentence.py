"""Without torch and Matplotlib all works that needs neither; for the rest a sentence says what to install."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from support.commands import CASE, PROGRAM
from support.without import ROOT, without

from conformance.extras import EXTRAS

DROPPED = "rnn-tanh-L2-drop0.5-T4-B3-I5-H6-f64-s0"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the variables of an environment that has no extra."""
    return without(list(EXTRAS), tmp_path_factory.mktemp("bare"))


def run(env: dict[str, str], *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments], env=env, cwd=cwd, capture_output=True, text=True, check=False
    )


def test_a_network_is_checked(bare: dict[str, str]) -> None:
    done = run(bare, "check", "docs/examples/hand_written.py", "--format", "html")
    assert "Error" not in done.stderr
    assert (done.returncode, "DIFFERS" in done.stdout) == (1, True)


def test_what_is_piped_is_told_without_what_draws_renders_and_locks(tmp_path: Path) -> None:
    env = without(["rich", "jinja2", "filelock", "threadpoolctl"], tmp_path)
    done = run(env, "check", "docs/examples/hand_written.py:SumLearner")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("DIFFERS  ")


def test_a_check_does_not_import_torch_where_it_is_installed(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w').close()")
    env = os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    assert run(env, "check", "docs/examples/hand_written.py").returncode == 1
    assert not (tmp_path / "imported").exists()
    subprocess.run([PROGRAM[0], "-c", "import torch"], env=env, check=True)
    assert (tmp_path / "imported").exists()


def test_other_subjects_run_and_their_record_says_that_there_is_no_torch(
    bare: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(
        "from conformance.subjects.reference import SUBJECT\nclass Mine:\n    name = 'mine'\n"
        "    def run(self, problem):\n        return SUBJECT.run(problem)\n"
    )
    done = run(
        bare, "run", "--case", CASE, "--case", DROPPED, "--subject", "reference", "--subject", "mine.py:Mine",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no torch" in done.stdout
    assert "A case with dropout needs torch" in done.stdout
    environment = json.loads(run(bare, "env").stdout)
    assert (environment["torch"], set(environment["flushes_subnormals"])) == ("", {"numpy"})


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("run", "--suite", "smoke"), "torch"),
        (("show", CASE), "torch"),
        (("contracts",), "torch"),
        (("power",), "torch"),
        (("run", "--subject", "reference", "--evidence"), "torch"),
        (("run", "--case", CASE, "--subject", "torch-onnx"), "torch,onnx"),
        (("run", "--case", CASE, "--subject", "reference", "--report", "out"), "report"),
        (("report", str(ROOT / "reports" / "agreement.json"), "--out", "out"), "report"),
        (
            (
                "run",
                "--case",
                CASE,
                "--subject",
                "reference",
                "--executor",
                "dask",
                "--scheduler",
                "tcp://h:1",
            ),
            "dask",
        ),
    ],
)
def test_what_needs_an_extra_asks_for_it(
    bare: dict[str, str], tmp_path: Path, arguments: tuple[str, ...], extra: str
) -> None:
    done = run(bare, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert f"pip install 'refrnn[{extra}]'" in last
    assert ("https://download.pytorch.org/whl/cpu" in last) == ("torch" in extra.split(","))
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
