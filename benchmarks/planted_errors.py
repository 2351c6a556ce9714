"""Plant errors in what torch shows, all over a suite, and count how many are found and named.

    python benchmarks/planted_errors.py [--suite standard] [--places 10] [--seed 0]

In every case and for both torch subjects, at `--places` random elements: an error of twice the element's own
rounding bound (where that is 0, the next number), which must be found and named at exactly that element,
or the script exits with 1; and, in float64, a relative error of 1e-9 in elements that aren't 0, of which at least
99 % must be found. "Twice the bound" is in one element of h or dL/dh, or of any other quantity shown.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # NumPy's and torch's libraries read these once, on loading
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import click
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))  # where planting.py is

from support import planting

from conformance import SUITES, Case, examine
from conformance.judge import Finding

SUBJECTS = ("torch", "torch-steps")
BILLIONTH = 1e-9
LEAST_FOUND = 0.99
Kind = Literal["bound", "relative"]
Counts = dict[tuple[str, str], Counter[str]]
"""By regime and dtype: what was planted, found and named, for each kind of error."""


@click.command()
@click.option("--suite", default="standard", show_default=True, type=click.Choice(list(SUITES)))
@click.option(
    "--places", default=10, show_default=True, type=click.IntRange(min=1), help="A case and subject."
)
@click.option("--seed", default=0, show_default=True, help="Of the random places.")
def main(suite: str, places: int, seed: int) -> None:
    """Plant errors all over a suite and count how many are found and named where they are."""
    torch.set_num_threads(1)
    cases = SUITES[suite].cases()
    counts: Counts = {}
    for done, case in enumerate(cases, 1):
        rng = np.random.default_rng([seed, done])
        for subject in SUBJECTS:
            count_case(counts.setdefault((case.regime, case.dtype), Counter()), case, subject, rng, places)
        if sys.stderr.isatty():
            print(f"\r{done} / {len(cases)} cases", end="", file=sys.stderr, flush=True)
    print("\n".join(table(counts)))
    sys.exit(failed(counts))


def count_case(counts: Counter[str], case: Case, subject: str, rng: np.random.Generator, places: int) -> None:
    """Plant errors of both kinds in what one subject shows of one case."""
    run = planting.judged(case, subject)
    for finding, index in planting.sampled(run, rng, places):
        for kind, value in errors(run, finding, index, int(rng.choice([-1, 1]))):
            record = examine(case, planting.Shows(planting.planted(run, finding, index, value)))
            found, named = record.verdict == "differs", planting.names(record, finding, index)
            counts.update({f"{kind} planted": 1, f"{kind} found": found, f"{kind} named": named})
            if kind == "bound" and not (found and named):
                place = f"{finding.comparison.quantity} at {planting.where(finding, index)}"
                print(f"MISSED: {subject} on {case.id}, {place}, value {value!r}: {record.verdict}")


def errors(
    run: planting.Judged, finding: Finding, index: planting.Index, sign: int
) -> Iterator[tuple[Kind, np.floating]]:
    """Yield each kind of error with the wrong value to plant."""
    value = planting.element(run, finding, index)
    yield "bound", planting.off_by(value, 2 * planting.bound_at(finding, index), sign)
    if run.case.dtype == "f64" and value != 0:
        yield "relative", value * (1 + sign * BILLIONTH)


def table(counts: Counts) -> Iterator[str]:
    """Yield the lines of the table, and of the totals below it."""
    yield f"{'':16}{'twice the bound':^27}{'relative error 1e-9':^33}"
    yield f"{'regime':11}{'dtype':5}{'planted':>9}{'found':>9}{'named':>9}{'planted':>9}{'found':>9}{'named':>9}"
    for (regime, dtype), counted in sorted(counts.items()):
        yield f"{regime:11}{dtype:5}" + row(counted)
    yield f"{'all':16}" + row(total(counts))


def row(counted: Counter[str]) -> str:
    """Return the counts of one regime and dtype; shares are rounded down."""
    cells = [f"{counted[f'bound {what}']:9,}" for what in ("planted", "found", "named")]
    planted = counted["relative planted"]
    cells.append(f"{planted:9,}" if planted else "")
    if planted:
        cells += [
            f"{10_000 * counted[f'relative {what}'] // planted / 100:7.2f} %" for what in ("found", "named")
        ]
    return "".join(cells)


def total(counts: Counts) -> Counter[str]:
    """Return the counts over all regimes."""
    return sum(counts.values(), Counter[str]())


def failed(counts: Counts) -> int:
    """Return 1 if an error of twice its bound was missed, or more than 1 % of the relative ones, else 0."""
    counted = total(counts)
    missed = min(counted["bound found"], counted["bound named"]) < counted["bound planted"]
    return int(missed or counted["relative found"] < LEAST_FOUND * counted["relative planted"])


if __name__ == "__main__":
    main()
