"""Fuzz every door of the packages, with Hypothesis and with coverage-guided Atheris; write reports/fuzzing.*.

    make fuzz                                              both engines on all targets, 10 minutes or so
    .venv/bin/python benchmarks/fuzzing.py --scale 0.1     a tenth of the inputs

What counts as wrong is told by the targets in tests/fuzz: an error that isn't a documented one, an answer that isn't
right, a changed argument, or more than 10 seconds. Each engine runs each target in a process of its own, which is
this file again. An input that finds something is printed in full, and nothing is written.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time

ROOT = Path(__file__).parents[1]
RUNS = {"case ids": 20_000, "problems": 16_000, "records": 12_000, "notebooks": 4_000, "adapters": 6_000}
"""Inputs for each target and engine."""

ENGINES = ("hypothesis", "atheris")
LIMIT = 10
"""Seconds that one input may take."""

LONGEST = 200
"""Bytes of an input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzed:
    """What one engine found on one target."""

    target: str
    engine: str
    inputs: int
    refused: int
    right: int
    slowest: float
    seconds: float


class Counted:
    """A target that counts how its inputs end, and says so once there were enough of them."""

    def __init__(self, target: str, engine: str, runs: int, result: Path) -> None:
        from fuzz import TARGETS  # noqa: PLC0415 - not before its engine is chosen

        self.run, self.target, self.engine, self.runs, self.result = (
            TARGETS[target],
            target,
            engine,
            runs,
            result,
        )
        self.ends: Counter[str] = Counter()
        self.slowest, self.begun = 0.0, process_time()

    def __call__(self, data: bytes) -> None:
        """Run one input under the limit on time."""
        start = process_time()
        signal.setitimer(signal.ITIMER_REAL, LIMIT)
        try:
            self.ends[self.run(data).name] += 1
        except BaseException as error:
            error.add_note(f"target {self.target!r}, input {data!r}")
            raise
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        self.slowest = max(self.slowest, process_time() - start)
        if self.ends.total() == self.runs:
            self.result.write_text(json.dumps(asdict(self.found())))

    def found(self) -> Fuzzed:
        """Return the counts so far."""
        return Fuzzed(
            target=self.target,
            engine=self.engine,
            inputs=self.ends.total(),
            refused=self.ends["REFUSED"],
            right=self.ends["RIGHT"],
            slowest=round(self.slowest, 3),
            seconds=round(process_time() - self.begun, 1),
        )


def fuzz(target: str, engine: str, runs: int, result: Path) -> None:
    """Fuzz one target with one engine, in this process."""
    sys.path.insert(0, str(ROOT / "tests"))
    signal.signal(signal.SIGALRM, _too_long)
    if engine == "hypothesis":
        _with_hypothesis(Counted(target, engine, runs, result), runs)
    else:
        _with_atheris(target, runs, result)


def _too_long(_signal: int, _frame: object) -> None:
    message = f"no answer within {LIMIT} s"
    raise AssertionError(message)


def _with_hypothesis(counted: Counted, runs: int) -> None:
    from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: PLC0415 - not before its engine is chosen
    from hypothesis import strategies as st  # noqa: PLC0415 - not before its engine is chosen

    draw = given(st.binary(max_size=LONGEST))
    often = settings(
        max_examples=2 * runs,  # the run ends with the last one that counts
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    number = 0
    while counted.ends.total() < runs:  # Hypothesis ends a search early where it has seen much already
        before, number = counted.ends.total(), number + 1
        seed(number)(often(draw(lambda data: counted(data) if counted.ends.total() < runs else None)))()
        if counted.ends.total() == before:
            message = "Hypothesis has nothing new to try"
            raise SystemExit(message)


def _with_atheris(target: str, runs: int, result: Path) -> None:
    import atheris  # noqa: PLC0415 - not before its engine is chosen

    with atheris.instrument_imports(include=["conformance", "refrnn"]):
        counted = Counted(target, "atheris", runs, result)
    options = [f"-runs={runs + 10}", f"-max_len={LONGEST}", "-seed=1", "-verbosity=0", "-rss_limit_mb=0"]
    atheris.Setup([sys.argv[0], *options], counted)
    atheris.Fuzz()


def in_a_process(target: str, engine: str, runs: int) -> Fuzzed:
    """Fuzz one target with one engine in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, __file__, "--only", target, engine, str(runs), str(result)]
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        done = subprocess.run(  # noqa: S603 - this file again
            command, cwd=folder, env=os.environ | threads, capture_output=True, text=True, check=False
        )
        if not result.exists() or done.returncode:
            message = f"{engine} found something in {target}:\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
            raise SystemExit(message)
        return Fuzzed(**json.loads(result.read_text()))


def told(found: list[Fuzzed]) -> str:
    """Return the page."""
    rows = [
        f"| {f.target} | {f.engine} | {f.inputs:,} | {f.refused:,} | {f.right:,} | {f.slowest:.2f} | {f.seconds:.0f} |"
        for f in found
    ]
    total = sum(f.inputs for f in found)
    return f"""# Malformed input

{total:,} inputs, none of which led to an undocumented error, a wrong answer, a changed argument or more than {LIMIT} s.
Made by `make fuzz`; what counts as wrong is told by the targets in `tests/fuzz`. Hypothesis draws at random; Atheris
follows the coverage of both packages.

| target | engine | inputs | refused in words | right answer | slowest (s) | CPU (s) |
| --- | --- | ---: | ---: | ---: | ---: | ---: |
{chr(10).join(rows)}

{platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}.
"""


def main() -> None:
    """Fuzz everything, or one target for the process above."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0, help="how many times the usual number of inputs")
    parser.add_argument(
        "--only", nargs=4, metavar=("TARGET", "ENGINE", "RUNS", "RESULT"), help=argparse.SUPPRESS
    )
    given = parser.parse_args()
    if given.only:
        target, engine, runs, result = given.only
        fuzz(target, engine, int(runs), Path(result))
        return
    found = []
    for target, runs in RUNS.items():
        for engine in ENGINES:
            found.append(in_a_process(target, engine, max(1, int(runs * given.scale))))
            print(found[-1], flush=True)
    (ROOT / "reports" / "fuzzing.json").write_text(json.dumps([asdict(f) for f in found], indent=1) + "\n")
    (ROOT / "reports" / "fuzzing.md").write_text(told(found))


if __name__ == "__main__":
    main()
