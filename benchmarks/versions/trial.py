"""One release tried: an environment of its own, torch installed as anyone would, the smoke suite, the record."""

import os
import re
import shutil
import subprocess
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

from releases import NEWEST, ROOT, others, requirement

from conformance.record import Record
from conformance.record.reading import read_record


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of one release: a record, or the reason why there is none."""

    asked: str
    record: Record | None = None
    reason: str = ""

    @property
    def label(self) -> str:
        """What it is called: the release, as it says itself where it was run."""
        if self.record is None:
            return self.asked
        version = self.record.environments[0].torch
        return f"{version} ({NEWEST})" if self.asked == NEWEST else version


def tried(asked: str, environment: Path, records: Path, jobs: int) -> Trial:
    """Run one release, as far as its record isn't in `records`; the environment is made for it, and removed."""
    report = records / asked
    if not (report / "agreement.json").exists():
        try:
            reason = _installed(asked, environment) or _run(environment, report, jobs)
        finally:
            shutil.rmtree(environment, ignore_errors=True)
        if reason:
            return Trial(asked=asked, reason=reason)
    return Trial(asked=asked, record=read_record(report / "agreement.json"))


def _installed(asked: str, environment: Path) -> str:
    """Make the environment and install this project and torch; return why that failed, "" where it didn't."""
    print(f"torch {asked}: installing", flush=True)
    venv.create(environment, clear=True, with_pip=True)
    with tempfile.TemporaryDirectory() as scratch:
        constraints = Path(scratch, "constraints.txt")
        constraints.write_text(
            others((ROOT / "constraints.txt").read_text(encoding="utf-8")), encoding="utf-8"
        )
        options = ["--quiet", "--disable-pip-version-check", "--constraint", str(constraints)]
        project = ["--editable", f"{ROOT}[report]"]
        done = _python(environment, "pip", "install", *options, *project, requirement(asked))
    return "" if done.returncode == 0 else f"not installed: {last_words(done.stderr)}"


def _run(environment: Path, report: Path, jobs: int) -> str:
    """Run the smoke suite with its evidence; return why there is no record, "" where there is one."""
    print(f"torch {report.name}: running", flush=True)
    options = ["--suite", "smoke", "--jobs", str(jobs), "--report", str(report)]
    done = _python(environment, "conformance", "run", *options)
    if (report / "agreement.json").exists():
        return ""
    return f"no record: {last_words(done.stderr or done.stdout)}"


def _python(environment: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module with the Python of an environment, which sees nothing of ours but what is installed there."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [str(environment / "bin" / "python"), "-m", module, *arguments]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def last_words(said: str) -> str:
    r"""Return why a program failed, from what it said: its errors, or else its last line; lists of versions left out.

    >>> last_words("Looking…\nERROR: No matching torch==9 (from versions: 1, 2)\nERROR: Stopped\n")
    'No matching torch==9; Stopped'
    >>> last_words("Traceback (most recent call last):\n  …\nImportError: no libcudart\n")
    'ImportError: no libcudart'
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return re.sub(r" \(from versions: [^)]*\)", "", "; ".join(errors or lines[-1:])) or "it said nothing"
