"""How far correct code lies from the reference in units of rounding noise: the calibration of the end-to-end threshold.

    python benchmarks/noise_calibration.py --cases 20000 --jobs 2 --json benchmarks/noise_calibration.json

Runs the fused torch.nn.RNN as a black box on random cases, ordinary and hostile ones (identity recurrence, constant and
all-positive data, near-kink relu, saturation, vanishing and exploding gradients), float32 and float64, and gathers
|torch − reference| / noise over every result. Exits with 1 if anything differs.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from conformance.cases import parse_id, random_cases
from conformance.cases.explore import HOSTILE
from conformance.judge.end_to_end import MEANINGLESS, THRESHOLD
from conformance.record import CaseRecord
from conformance.record.environment import environment
from conformance.runs import run_cases

SUBJECT = "torch-results"
SPANS = (1, 10, 30, 100, 301)
"""Where ranges of T begin; the random cases go up to T = 300."""


def main() -> int:
    """Run the calibration and print it."""
    parser = argparse.ArgumentParser(description="Calibrate the end-to-end threshold on correct code.")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hostile", type=float, default=0.25, help="share of hostile cases")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cases = list(random_cases(options.cases, seed=options.seed, hostile=options.hostile))
    records = run_cases(cases, [SUBJECT], jobs=options.jobs).records()
    found = {
        "command": f"benchmarks/noise_calibration.py --cases {options.cases} --seed {options.seed} "
        f"--hostile {options.hostile}",
        "threshold": THRESHOLD,
        "meaningless_from": MEANINGLESS,
        "verdicts": dict(Counter(record.verdict for record in records)),
        "ratios": ratios(records),
        "undecidable": undecidable(records),
        "torch": environment().torch,
        "processor": environment().processor,
    }
    print(json.dumps(found, indent=1))
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return int(any(record.verdict in ("differs", "error") for record in records))


def ratios(records: Iterable[CaseRecord]) -> dict[str, object]:
    """Return quantiles of the worst ratio of each quantity of each case to its noise, decided elements only."""
    found = [
        (THRESHOLD * float(q.worst_share), q.quantity, record.case)
        for record in records
        for q in record.quantities
        if q.scale == "noise" and not q.relation and q.undecided < q.elements
    ]
    values = np.array([ratio for ratio, *_ in found])
    return {
        "quantities": len(found),
        "median": round(float(np.median(values)), 3),
        "99.9 %": round(float(np.quantile(values, 0.999)), 3),
        "greatest": [
            f"{ratio:.2f} {quantity} of {case}" for ratio, quantity, case in sorted(found)[-5:][::-1]
        ],
    }


def undecidable(records: Sequence[CaseRecord]) -> dict[str, dict[str, str]]:
    """Return the share of undecidable cases: ordinary against hostile, by regime, and by gain, precision and T."""
    counts: dict[str, dict[str, Counter[bool]]] = defaultdict(lambda: defaultdict(Counter))
    for record in records:
        case, undecided = parse_id(record.case), record.verdict == "undecidable"
        kind = "hostile" if case.regime in HOSTILE else "ordinary"
        counts["by kind"][kind][undecided] += 1
        counts["by regime"][case.regime][undecided] += 1
        if case.gain is not None:
            counts[f"{case.regime}, {case.dtype}"][_span(case.steps)][undecided] += 1
    return {
        group: {
            name: f"{count[True]} of {count.total()} ({100 * count[True] / count.total():.2f} %)"
            for name, count in sorted(parts.items())
        }
        for group, parts in sorted(counts.items())
    }


def _span(steps: int) -> str:
    """Return the range of T that `steps` belongs to."""
    start, end = next(pair for pair in pairwise(SPANS) if steps < pair[1])
    return f"T {start:3} to {end - 1}"


if __name__ == "__main__":
    sys.exit(main())
