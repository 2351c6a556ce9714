"""How well sets of faults are found: random sets of the catalogue, simulated, shown as a hand-written network does.

    OMP_NUM_THREADS=1 python benchmarks/diagnosis.py --sets 120 --failures --json benchmarks/diagnosis.json

A set counts as exact where it is named, or told among the equivalents of what is named; as equivalent where what is
named, with no more faults, shows the same on problems of other kinds as well. Times are of the processor.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from machine import on_one_thread
from msgspec import structs

from conformance.cases import Case, materialise, parse_id
from conformance.errors import Unsupported, UsageError
from conformance.faults import CATALOGUE, Choices, choices_of, simulate
from conformance.hand_written.diagnosis import Diagnosis, Evidence, diagnose
from conformance.subjects.observation import Observation

SETTINGS = (
    "rnn-tanh-T8-B3-I4-H5-O2-noh0-dout-f64-gain1.2-s{}",
    "rnn-tanh-T8-single-I4-H5-O2-noh0-dlast-f64-gain1.2-s{}",
    "rnn-tanh-T7-single-I4-H5-O3-noh0-dout-f64-gain1.2-s{}",
    "rnn-tanh-T8-B2-I4-H5-dout-f64-gain1.2-s{}",
    "rnn-tanh-nobias-T8-B3-I4-H5-O2-noh0-dout-f64-gain1.2-s{}",
)
"""Cases as hand-written networks admit them."""

STACKED = ("below", "layer_weights", "reverse", "sides", "h_n", "d_below", "lengths")
ELSEWHERE = ("calls", "scale")
"""Seams that show between calls, or are no fault."""


@dataclass(frozen=True)
class Trial:
    """One random set, and what came of it."""

    faults: tuple[str, ...]
    case: Case
    found: Diagnosis
    seconds: float
    verdict: str


def candidates() -> list[str]:
    """Return the faults of one layer and direction."""
    return [f.id for f in CATALOGUE.values() if not {*STACKED, *ELSEWHERE} & set(f.choices)]


def trials(count: int, seed: int) -> Iterator[Trial]:
    """Yield so many random sets of one to four faults, each of which shows."""
    rng = np.random.default_rng(seed)
    names = candidates()
    done = 0
    while done < count:
        case = parse_id(SETTINGS[rng.integers(len(SETTINGS))].format(rng.integers(1000)))
        size = done % 4 + 1
        chosen = tuple(str(name) for name in rng.choice(names, size, replace=False))
        try:
            choices = choices_of([CATALOGUE[name] for name in chosen])
            shown = observed(case, choices)
        except (UsageError, Unsupported):
            continue
        if not needed(case, chosen):
            continue
        done += 1
        began = time.process_time()
        early = not same(shown, observed(case, structs.replace(choices, rate=choices.rate / 2)))
        found = diagnose(
            Evidence(problem=materialise(case), observation=shown, rate=choices.rate, early=early)
        )
        seconds = time.process_time() - began
        yield Trial(chosen, case, found, seconds, verdict(case, chosen, choices, found))


def observed(case: Case, choices: Choices) -> Observation:
    """Return what a hand-written network shows: its states, outputs and gradients of parameters, and at times dL/dx."""
    full = simulate(materialise(case), choices)
    shown = Observation(y=full.y, hidden=full.hidden, parameters=full.parameters)
    return shown if case.output_size else replace(shown, d_x=full.d_x, d_h_0=full.d_h_0)


def needed(case: Case, chosen: tuple[str, ...]) -> bool:
    """Return whether each of the faults shows beside the others."""
    whole = observed(case, choices_of([CATALOGUE[name] for name in chosen]))
    return not any(
        same(whole, observed(case, choices_of([CATALOGUE[other] for other in chosen if other != name])))
        for name in chosen
    )


def same(one: Observation, other: Observation) -> bool:
    """Return whether two networks show the same, far beyond chance."""
    pairs = [(one.hidden[0, 0], other.hidden[0, 0])]
    pairs += [(one.parameters[name], other.parameters[name]) for name in one.parameters]
    pairs += [(getattr(one, n), getattr(other, n)) for n in ("d_x", "d_h_0") if getattr(one, n) is not None]
    return all(
        a.shape == b.shape and np.abs(a - b).max() <= 1e-10 * max(np.abs(a).max(), np.abs(b).max())
        for a, b in pairs
    )


def verdict(case: Case, chosen: tuple[str, ...], choices: Choices, found: Diagnosis) -> str:
    """Return what became of one set."""
    if found.choices is None:
        return "nothing named"
    sets = [set(found.faults), *map(set, found.equivalents)]
    if set(chosen) in sets:
        return "exact"
    others = [replace(case, seed=case.seed + 1), replace(case, seed=case.seed + 2)]
    agree = len(found.faults) <= len(chosen)
    for other in others:
        simulated = simulate(materialise(other), found.choices, factor=found.scale)
        shown = observed(other, choices)
        agree = agree and same(
            shown, replace(simulated, d_x=simulated.d_x if shown.d_x is not None else None)
        )
    return "equivalent" if agree else "other name"


def main() -> None:
    """Run the trials and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--failures", action="store_true", help="print every set that isn't named exactly")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    machine = on_one_thread(default_malloc=True)
    by_size: dict[int, Counter[str]] = {n: Counter() for n in range(1, 5)}
    times: dict[int, list[float]] = {n: [] for n in range(1, 5)}
    for trial in trials(args.sets, args.seed):
        by_size[len(trial.faults)][trial.verdict] += 1
        times[len(trial.faults)].append(trial.seconds)
        if args.failures and trial.verdict != "exact":
            print(trial.verdict, trial.case.id, trial.faults, "->", trial.found.faults, trial.found.known)
    print(machine)
    print("faults  exact  equivalent  other name  nothing named   median s   worst s")
    kinds = ("exact", "equivalent", "other name", "nothing named")
    for size, counts in by_size.items():
        row = [counts[kind] for kind in kinds]
        print(
            f"{size:6}{row[0]:7}{row[1]:12}{row[2]:12}{row[3]:15}{np.median(times[size]):11.2f}{max(times[size]):10.2f}"
        )
    named = sum(counts["exact"] + counts["equivalent"] for counts in by_size.values())
    print(f"named exactly up to equivalence: {named} of {args.sets}")
    if args.json is not None:
        found = {
            "command": f"benchmarks/diagnosis.py --sets {args.sets} --seed {args.seed}",
            "machine": machine,
            "sets": args.sets,
            "named exactly up to equivalence": named,
            "named otherwise": sum(counts["other name"] for counts in by_size.values()),
            "by number of faults": {
                str(size): {kind: counts[kind] for kind in kinds}
                | {"median s": round(float(np.median(times[size])), 2), "worst s": round(max(times[size]), 2)}
                for size, counts in by_size.items()
            },
        }
        args.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
