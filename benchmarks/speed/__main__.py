"""Measure the speed of everything and write it down: `make bench`, about ten minutes on two processors.

    python benchmarks/speed [--out reports] [--tiny] [--told "on a loaded machine"]

Every part runs in processes of its own, one after the other: thread counts are fixed when libraries are loaded, and
memory is measured from a fresh start. Writes benchmarks.json (all medians), benchmarks.md and two plots.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from plots import growth_plot, ratio_plot
from tell import told

HERE = Path(__file__).parent
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
REPEATS = 3
LENGTHS = {
    "plain": (1_000, 10_000, 100_000, 1_000_000),
    "segments": (1_000, 10_000, 100_000, 1_000_000),
    "torch": (1_000, 10_000, 100_000),  # ten times more would take half a minute and several GiB
}
"""For each way the lengths at which growth is measured."""

Measured = dict[str, Any]


def part(script: str, *arguments: object, threads: int | None = 1) -> Measured:
    """Run one script of this folder and return what it printed; `threads` None leaves the libraries' default."""
    rest = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    environment = rest | {"PYTHONPATH": str(HERE.parent)} | (ONE_THREAD if threads == 1 else {})
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    print(" ".join([script, *command[2:]]), flush=True)
    found = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)  # noqa: S603 - our own scripts
    return json.loads(found.stdout)


def growth(lengths: Mapping[str, Sequence[int]], repeats: int) -> list[Measured]:
    """Measure every length of every way, in turns; keep the median run of each by its seconds."""
    keys = [(way, length) for way, own in lengths.items() for length in own]
    runs = [
        part("growth.py", "--steps", length, "--way", way) for _ in range(repeats) for way, length in keys
    ]
    own = {key: [run for run in runs if (run["way"], run["steps"]) == key] for key in keys}
    return [sorted(found, key=lambda run: run["cpu_seconds"])[len(found) // 2] for found in own.values()]


def everything(*, tiny: bool) -> Measured:
    """Measure all parts; `tiny` takes seconds and says nothing about speed."""
    flag, seconds = (["--tiny"], (0.5, 0.5, 0.5)) if tiny else ([], (100, 70, 30))
    gated = {
        cell: part("compare.py", "--against", "torch", "--cell", cell, "--seconds", seconds[0], *flag)
        for cell in ("LSTM", "GRU")
    }
    return {
        "gated": gated,
        "one_thread": part("compare.py", "--against", "torch", "--seconds", seconds[0], *flag),
        "default_threads": part(
            "compare.py", "--against", "torch", "--seconds", seconds[1], *flag, threads=None
        ),
        "by_hand": part("compare.py", "--against", "columns", "--seconds", seconds[2], *flag),
        "growth": growth(dict.fromkeys(LENGTHS, (10, 600)), 1) if tiny else growth(LENGTHS, REPEATS),
        "engine": part("engine.py", "--cases", 2 if tiny else 100),
        "startup": part("startup.py", "--rounds", 1 if tiny else 7),
    }


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("reports"), show_default=True
)
@click.option("--tiny", is_flag=True, help="Only see whether it all runs.")
@click.option(
    "--told", "conditions", default="", help="What a reader should know of the machine, as one sentence."
)
def main(*, out: Path, tiny: bool, conditions: str) -> None:
    """Measure, and write benchmarks.json, benchmarks.md and the plots."""
    measured = everything(tiny=tiny) | {"conditions": conditions}
    out.mkdir(parents=True, exist_ok=True)
    (out / "benchmarks.json").write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n")
    (out / "benchmarks-ratios.svg").write_text(ratio_plot(measured["one_thread"]["rows"]) + "\n")
    (out / "benchmarks-growth.svg").write_text(growth_plot(measured["growth"]) + "\n")
    text = told(measured)
    (out / "benchmarks.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
