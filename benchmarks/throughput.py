"""Throughput of a suite: one worker, two workers, and a local Dask cluster of two, in turns.

    python benchmarks/throughput.py [--suite standard] [--rounds 3] [--write docs/throughput.json]

Prints cases per second of each (medians over the rounds) and the ratios. Workers start anew each time, as they do in
a run; their start-up of a few seconds is part of it.
"""

import statistics
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import click
import msgspec
from distributed import LocalCluster
from msgspec import structs

from conformance import SUITES
from conformance.runs import Session
from conformance.subjects import DEFAULT


@click.command()
@click.option("--suite", default="standard", show_default=True, type=click.Choice(list(SUITES)))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--write", type=click.Path(path_type=Path), help="A JSON file for the figures.")
def main(suite: str, rounds: int, write: Path | None) -> None:
    """Time the suite on every kind of crew, in turns."""
    cases = SUITES[suite].cases()
    plain = Session(suite=suite, cases=cases, subjects=list(DEFAULT))
    ways: dict[str, Callable[[], float]] = {
        "one worker": lambda: timed(plain, 1),
        "two workers": lambda: timed(plain, 2),
        "Dask, two workers": lambda: on_dask(plain),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            seconds[name].append(way())
    median = {name: statistics.median(times) for name, times in seconds.items()}
    for name, value in median.items():
        print(f"{name:18} {len(cases) / value:6.1f} cases/s   {value:6.1f} s")
    two, dask = (
        median["one worker"] / median["two workers"],
        median["Dask, two workers"] / median["two workers"],
    )
    print(
        f"two workers give {two:.2f} times the throughput of one; Dask takes {dask:.2f} times what two workers take"
    )
    if write is not None:
        write.write_bytes(
            msgspec.json.encode({"suite": suite, "cases": len(cases), "seconds": seconds}) + b"\n"
        )


def timed(session: Session, jobs: int) -> float:
    """Return the seconds of a run with that many worker processes (in this process with one)."""
    started = perf_counter()
    structs.replace(session, jobs=jobs).run()
    return perf_counter() - started


def on_dask(session: Session) -> float:
    """Return the seconds of a run on a local Dask cluster, its start included."""
    started = perf_counter()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        structs.replace(session, executor="dask", scheduler=cluster.scheduler_address).run()
        return perf_counter() - started


if __name__ == "__main__":
    main()
