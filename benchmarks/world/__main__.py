"""Examine the world's RNNs: every other framework as a subject, its disagreements confirmed; write reports/world.*.

    make world                                              all of them, in an environment of their own
    .venv-world/bin/python benchmarks/world --records DIR   keep their records there, and use those that are there

Each framework runs the smoke suite and some cases beside it in a process of its own. What differs is held against the
findings in docs/findings, each a script without this project that tells by itself whether the mistake is there.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # where sections.py is

from examined import BESIDE, Entrant, Examined, examined
from findings import FINDINGS
from page import written

from conformance.record.reading import read_record
from conformance.subjects import lacking

ROOT = Path(__file__).parents[2]
ENTRANTS = (
    Entrant("onnxruntime", "onnxruntime"),
    Entrant("onnx-reference", "onnx-reference"),
    Entrant("torch-onnx", "torch-onnx"),
    Entrant("jax", "jax"),
    Entrant("flax", "flax"),
    Entrant("keras on torch", "keras", "torch"),
    Entrant("keras on jax", "keras", "jax"),
    Entrant("keras on tensorflow", "keras", "tensorflow"),
)


def run(entrant: Entrant, folder: Path, jobs: int) -> Examined:
    """Run one framework, as far as its records aren't in `folder`, and return what came out."""
    variables = {
        "KERAS_BACKEND": entrant.backend or "torch",
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    beside = [word for case in BESIDE for word in ("--case", case)]
    records = []
    for name, cases in ((entrant.folder, ["--suite", "smoke"]), (f"{entrant.folder}-beside", beside)):
        report = folder / name
        if not (report / "agreement.json").exists():
            command = [
                sys.executable,
                "-m",
                "conformance",
                "run",
                *cases,
                "--no-evidence",
                "--jobs",
                str(jobs),
            ]
            command += ["--subject", entrant.subject, "--report", str(report)]
            print(f"{entrant.label}: {name}", flush=True)
            done = subprocess.run(  # noqa: S603 - this program
                command, env=os.environ | variables, capture_output=True, text=True, check=False
            )
            if not (report / "agreement.json").exists():
                message = f"{entrant.label} gave no record:\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
                raise SystemExit(message)
        records.append(read_record(report / "agreement.json"))
    return examined(entrant, records)


def there_is(entrant: Entrant) -> bool:
    """Return whether all that an entrant needs is installed."""
    return not lacking(entrant.subject) and (not entrant.backend or find_spec(entrant.backend) is not None)


def main() -> None:
    """Run every framework that is installed, confirm what is known, and write the pages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "reports", help="folder of the pages")
    parser.add_argument("--records", type=Path, help="folder in which records are kept")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes")
    parser.add_argument("--only", action="append", default=[], metavar="LABEL", help="run just this one")
    given = parser.parse_args()
    chosen = [e for e in ENTRANTS if there_is(e) and (not given.only or e.label in given.only)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.records or Path(scratch)
        found = [run(entrant, folder, given.jobs) for entrant in chosen]
    absent = [entrant.label for entrant in ENTRANTS if not there_is(entrant)]
    confirmed = {finding.id: finding.confirmed() for finding in FINDINGS}
    for path in written(given.out, found, absent, confirmed):
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
