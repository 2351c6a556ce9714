"""The commands of each page run as they stand, one after the other, in a folder that has what they name."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from project.test_commands_of_the_documents_are_understood import ROOT, commands
from project.test_readme_tells_the_truth import BLOCK
from support.commands import PATIENCE, PROGRAM, conformance

WRONG = next(
    text
    for kind, text in BLOCK.findall((ROOT / "docs" / "start.md").read_text(encoding="utf-8"))
    if kind == "python"
)
RIGHT = WRONG.replace("np.tanh(self.hs[t]) ** 2)", "self.hs[t] ** 2)").replace(
    "self.Whh @ dz", "self.Whh.T @ dz"
)
LIBRARY = (ROOT / "docs" / "examples" / "own_subject.py").read_text(encoding="utf-8")

SHORTER = {"--suite smoke": "--suite smoke --no-evidence", "--explore 200 --jobs 2": "--explore 4 --jobs 2"}
"""What would take minutes, and what is run in its place."""

NOT_RUN = {
    "check my_rnn.py:MyRNN --watch": "ends when somebody ends it: test_watching_checks_again.py",
    "check my_rnn.py --watch": "the same",
}

FINDS = {
    "check my_rnn.py:MyRNN": 1,
    "check src notebooks": 1,
    "check -q src": 0,
    "check a.py:RNN b.py:RNN": 1,
    "check rnn.ipynb:RNN --format markdown": 1,
    "check my_rnn.py:MyRNN --diff": 1,
    "check tests/gallery/subjects/other_cells/lstm_wrong.py:MyLSTM": 1,
    "check my_rnn_adapter.py:network": 1,
    "power --subject my_rnn.py:Mine": 1,  # smoke has no case of four of its conditions
    "diff old/agreement.json new/agreement.json --subject torch=torch-results": 0,
}
"""With what a command leaves where that may be another code than 0."""


def notebook(source: str) -> str:
    """Return a notebook of one cell."""
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records that the pages' commands read: two shards, under two names each, and two subjects."""
    made = tmp_path_factory.mktemp("records")
    cases = [part for n in range(4, 8) for part in ("--case", f"rnn-tanh-T3-B2-I4-H{n}-f64-s0")]
    for names, options in {
        ("one", "shard-1"): ("--subject", "reference", "--shard", "1/2"),
        ("two", "shard-2"): ("--subject", "reference", "--shard", "2/2"),
        ("old",): ("--subject", "torch"),
        ("new",): ("--subject", "torch-results"),
    }.items():
        for name in names:
            code, _ = conformance("run", *cases, *options, "--report", made / name)
            assert code == 0
    return made


@pytest.fixture
def folder(tmp_path: Path, records: Path) -> Path:
    """A folder with all files that the pages' commands name."""
    for name in ("src", "notebooks", "reports", "my_package"):
        (tmp_path / name).mkdir()
    both = f"{WRONG}\n\n{LIBRARY}\n\nclass Mine(MyLibrary):\n    pass\n"
    renamed = WRONG.replace("MyRNN", "RNN")
    for place, text in {
        "my_rnn.py": both,
        "my_package/rnn.py": both,
        "src/right.py": RIGHT,
        "a.py": renamed,
        "b.py": RIGHT.replace("MyRNN", "RNN"),
        "rnn.ipynb": notebook(renamed),
        "notebooks/rnn.ipynb": notebook(renamed),
    }.items():
        (tmp_path / place).write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "reports" / "agreement.json", tmp_path / "reports")
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    shutil.copytree(records, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.parametrize("page", ["checking.md", "how-to/adapter.md", "reports.md", "subjects.md", "tour.md"])
def test_a_session_runs(page: str, folder: Path) -> None:
    ran = 0
    for line in commands(ROOT / "docs" / page):
        program, _, arguments = line.partition(" ")
        if program != "conformance" or arguments in NOT_RUN:
            continue
        shorter = arguments
        for long, short in SHORTER.items():
            shorter = shorter.replace(long, short)
        words = [
            place
            for word in shlex.split(shorter)
            for place in (
                sorted(str(p.relative_to(folder)) for p in folder.glob(word)) if "*" in word else [word]
            )
        ]
        done = subprocess.run(
            [*PROGRAM, *words], cwd=folder, check=False, capture_output=True, text=True, timeout=2 * PATIENCE
        )
        said = f"{line}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == FINDS.get(arguments, 0), said
        assert done.stdout + done.stderr or "-q" in words, line
        assert not re.search(r"^(Error|Usage|Traceback)", done.stderr, re.MULTILINE), said
        ran += 1
    assert ran


def test_what_is_run_in_another_form_is_still_on_a_page() -> None:
    every = [line for page in (ROOT / "docs").rglob("*.md") for line in commands(page)]
    for text in (*SHORTER, *NOT_RUN, *FINDS):
        assert any(text in line for line in every), text
