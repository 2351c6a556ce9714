"""Of two runs that would write to one folder the second is refused, and nothing of the first is touched."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from support.commands import CASE, PATIENCE, conformance

from conformance import UsageError, parse_id
from conformance.record.writing import reserved
from conformance.report import REPORT_FILES
from conformance.runs import Ledger, run_cases
from conformance.runs.identity import identity_of

CASES = [replace(parse_id(CASE), seed=seed) for seed in range(3)]
IDENTITY = identity_of("mine", None, ["reference"], CASES)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("resume", [True, False])
def test_a_ledger_is_written_by_one_run_at_a_time(tmp_path: Path, *, resume: bool) -> None:
    path = tmp_path / "agreement.ledger"
    with Ledger(path, IDENTITY, resume=False) as ledger:
        run_cases(CASES[:1], ["reference"], ledger=ledger)
        before = files_of(tmp_path)
        with pytest.raises(UsageError, match="Another run is writing to"):
            Ledger(path, IDENTITY, resume=resume)
        assert files_of(tmp_path) == before
        run_cases(CASES, ["reference"], ledger=ledger)
    with Ledger(path, IDENTITY, resume=True) as ledger:
        assert len(ledger.finished) == len(CASES)


def test_a_ledger_that_is_refused_gives_the_folder_back(tmp_path: Path) -> None:
    path = tmp_path / "agreement.ledger"
    Ledger(path, IDENTITY, resume=False).__exit__()
    for _ in range(2):
        with pytest.raises(UsageError, match="unfinished run"):
            Ledger(path, IDENTITY, resume=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--case", CASE, "--subject", "reference", "--report", "{folder}"),
        ("run", "--case", CASE, "--subject", "reference", "--report", "{folder}", "--resume"),
        ("report", "{record}", "--out", "{folder}"),
        ("merge", "{record}", "--out", "{folder}"),
    ],
)
def test_whatever_would_write_to_a_folder_in_use_is_refused(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    made, folder = tmp_path / "made", tmp_path / "used"
    assert conformance("run", "--case", CASE, "--subject", "reference", "--report", made)[0] == 0
    told = [part.format(folder=folder, record=made / "agreement.json") for part in arguments]
    with reserved(folder):
        before = files_of(folder)
        with pytest.raises(UsageError, match="Another run is writing to"):
            conformance(*told)
        assert files_of(folder) == before
    assert conformance(*told)[0] == 0
    assert set(files_of(folder)) == set(files_of(made)) == set(REPORT_FILES)


def test_one_of_many_that_reach_for_a_folder_at_once_has_it(tmp_path: Path) -> None:
    """Each that has it writes alone: what it reads at the end is what it wrote."""
    having, had = tmp_path / "having", []

    def reach(name: str) -> None:
        for n in range(40):
            try:
                with reserved(tmp_path):
                    having.write_text(f"{name} {n}")
                    had.append(having.read_text() == f"{name} {n}")
            except UsageError:
                had.append(True)

    threads = [Thread(target=reach, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(had) == 160
    assert all(had)
    assert [path.name for path in tmp_path.iterdir()] == ["having"]


def test_a_folder_is_free_again_when_the_run_in_it_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from conformance.record.writing import reserved\n"
        "with reserved(Path(sys.argv[1])): print('has it', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"has it\n"
        with pytest.raises(UsageError, match="Another run"), reserved(tmp_path):
            pass
        run.kill()
        run.wait(timeout=PATIENCE)
    with reserved(tmp_path):
        pass
