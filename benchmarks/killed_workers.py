"""Kill workers at random while a run of many cases is under way, and compare its record with an undisturbed one.

    python benchmarks/killed_workers.py [--cases 1000] [--kills 20] [--jobs 2] [--seed 0]

No case may be lost, and no byte of the record may differ (environment and timings aside), or the script exits with 1.
"""

import multiprocessing
import os
import signal
import sys
from time import perf_counter

import click
import msgspec
import numpy as np

from conformance.cases import random_cases
from conformance.record import encode
from conformance.runs import Session

VOLATILE = ("environments", "seconds", "timings")


@click.command()
@click.option("--cases", default=1000, show_default=True)
@click.option("--kills", default=20, show_default=True)
@click.option("--jobs", default=2, show_default=True)
@click.option("--seed", default=0, show_default=True, help="Of the cases and of the moments.")
def main(cases: int, kills: int, jobs: int, seed: int) -> None:
    """Run the same cases with and without killing workers."""
    chosen = list(random_cases(cases, seed=seed))
    session = Session(suite="killed", cases=chosen, subjects=["torch", "reference"], jobs=jobs)
    moments = sorted(np.random.default_rng(seed).choice(np.arange(1, cases - jobs), kills, replace=False))
    finished, killed = 0, 0

    def kill_one(_: object) -> None:
        nonlocal finished, killed
        finished += 1
        workers = [child.pid for child in multiprocessing.active_children() if child.pid]
        if killed < kills and finished >= moments[killed] and workers:
            os.kill(workers[finished % len(workers)], signal.SIGKILL)
            killed += 1

    started = perf_counter()
    disturbed = body(encode(session.run(kill_one)))
    middle = perf_counter()
    quiet = body(encode(session.run()))
    times = f"{middle - started:.0f} s, undisturbed {perf_counter() - middle:.0f} s"
    same = "are the same" if disturbed == quiet else "DIFFER"
    print(
        f"{cases:,} cases, {killed} workers killed: {times}; records {same}; verdicts {disturbed['summary']}"
    )
    sys.exit(0 if disturbed == quiet and killed == kills else 1)


def body(data: bytes) -> dict[str, object]:
    """Return a record without what no two runs share."""
    return {name: part for name, part in msgspec.json.decode(data).items() if name not in VOLATILE}


if __name__ == "__main__":
    main()
