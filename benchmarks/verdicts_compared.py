"""Compare this suite's verdicts with the usual ones, on the same wrong networks and the same right ones.

    python benchmarks/verdicts_compared.py [--jobs 2] [--write docs/verdicts-compared.md]

For every T and gain the same data go to every method. Wrong networks are the mutants of the fault catalogue that
show other results there than the right network does (bit for bit, from the same code); a method misses one that it
lets pass.
Right networks are torch.nn.RNN and the catalogue's network without faults, in float64 and float32; a method that
rejects one raises a false alarm. Some verdicts say that they can't decide, which is neither.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # NumPy's and torch's libraries read these once, on loading
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from usual_verdicts import USUAL, pairs

from conformance import Case, Observation, Problem, Subject, Unsupported, examine, load_subject, parse_id
from conformance.cases import materialise
from conformance.faults import CATALOGUE, RIGHT, Choices, choices_of, simulate
from conformance.faults.mutant import results_only
from conformance.subjects.reference import observe

STEPS = (5, 20, 100, 500, 1000)
GAINS = (0.5, 1, 2, 5, 10)
NETWORKS = (
    "rnn-tanh-T{steps}-B3-I4-H5-{dtype}-gain{gain:g}-s0",
    "rnn-relu-L2-bi-T{steps}-B2-I5-H5-{dtype}-gain0.5-s0",
)
"""What runs at every T and gain; relu keeps its gain, since it explodes beyond 1."""

TUTORIAL = ("rnn-tanh-T{steps}-B1-I4-H5-noh0-dlast-{dtype}-tutorial-s0",)
"""The customary data instead: one sample, h_0 = 0, no biases, the loss at the last step, weights of 0.01."""

OURS = ("this suite, steps shown", "this suite, results only")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was said at one T and gain (0 for the customary data)."""

    steps: int
    gain: float
    said: Mapping[tuple[str, str], Mapping[str, int]]  # (method, "wrong" or "right") -> verdict -> how often
    missed: Mapping[str, Sequence[str]]  # method -> faults


@dataclass(frozen=True, slots=True)
class Network:
    """The network of the fault catalogue with the choices it makes, its inner steps shown or not."""

    choices: Choices
    inner_steps: bool = True
    name: str = "network"
    description: str = "a network of the fault catalogue"

    def run(self, problem: Problem) -> Observation:
        """Run forward and backward."""
        shown = simulate(problem, self.choices)
        return shown if self.inner_steps else results_only(shown)


def judged(case: Case, steps_shown: Subject, results_shown: Subject) -> dict[str, str]:
    """Return what every method says of a network: "passes", "rejects" or "undecided"."""
    problem = materialise(case)
    shown, expected = results_shown.run(problem), observe(problem, problem.dtype)
    found = {name: verdict(problem, shown, expected) for name, verdict in USUAL.items()}
    for name, subject in zip(OURS, (steps_shown, results_shown), strict=True):
        verdict = examine(case, subject).verdict
        found[name] = {"differs": "rejects", "agrees": "passes"}.get(verdict, "undecided")
    return found


def wrong_networks(case: Case) -> Iterator[tuple[str, Choices]]:
    """Yield every fault whose network shows other results on `case` than the right one, bit for bit."""
    problem = materialise(case)
    right = simulate(problem, RIGHT)
    for fault in CATALOGUE.values():
        try:
            shown = simulate(problem, choices_of([fault]))
        except Unsupported:
            continue
        if not all(np.array_equal(a, b, equal_nan=True) for a, b in pairs(shown, right)):
            yield fault.id, choices_of([fault])


def tallied(steps: int, gain: float) -> Tally:
    """Judge everything at one T and gain."""
    said: dict[tuple[str, str], Counter[str]] = {}
    missed: dict[str, list[str]] = {}

    def count(kind: str, verdicts: dict[str, str]) -> None:
        for method, verdict in verdicts.items():
            said.setdefault((method, kind), Counter())[verdict] += 1

    with np.errstate(all="ignore"):
        for network in NETWORKS if gain else TUTORIAL:
            for dtype in ("f64", "f32"):
                case = parse_id(network.format(steps=steps, gain=gain, dtype=dtype))
                count("right", judged(case, load_subject("torch"), load_subject("torch-results")))
                count("right", judged(case, Network(RIGHT), Network(RIGHT, inner_steps=False)))
            case = parse_id(network.format(steps=steps, gain=gain, dtype="f64"))
            for fault, choices in wrong_networks(case):
                verdicts = judged(case, Network(choices), Network(choices, inner_steps=False))
                count("wrong", verdicts)
                for method in (method for method, verdict in verdicts.items() if verdict == "passes"):
                    missed.setdefault(method, []).append(fault)
    return Tally(steps=steps, gain=gain, said=said, missed=missed)


@click.command()
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1))
@click.option("--write", type=click.Path(path_type=Path), help="The page to write instead of printing it.")
def main(jobs: int, write: Path | None) -> None:
    """Judge the same networks by every method and print the table."""
    context = multiprocessing.get_context("spawn")
    settings = [(steps, gain) for steps in reversed(STEPS) for gain in (*GAINS, 0)]  # the longest first
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        found = list(pool.map(tallied, *zip(*settings, strict=True)))
    text = page(found)
    if write is None:
        print(text)
    else:
        write.write_text(text, encoding="utf-8")
    sys.exit(1 if sum(total(found, method, "right", "rejects") for method in OURS) else 0)


def page(found: Sequence[Tally]) -> str:
    """Return the page: all together, by T, by gain, on the customary data, and what was missed by name."""
    drawn, customary = [t for t in found if t.gain], [t for t in found if not t.gain]
    lines = [INTRODUCTION, "## All together", "", *table(drawn), ""]
    lines += [*split("T", drawn, lambda t: t.steps), *split("gain", drawn, lambda t: t.gain)]
    lines += [
        "## On the customary data",
        "",
        CUSTOMARY,
        "",
        *table(customary),
        "",
        "## Missed most often",
        "",
    ]
    for method in methods(found):
        names = Counter(name for t in drawn for name in t.missed.get(method, []))
        most = ", ".join(f"`{name}` ({times})" for name, times in names.most_common(4)) or "nothing"
        lines.append(f"- {method}: {most}")
    return "\n".join(lines) + "\n"


def methods(found: Sequence[Tally]) -> list[str]:
    """Return the methods in the order of the table."""
    return list(dict.fromkeys(method for t in found for method, _ in t.said))


def table(found: Sequence[Tally]) -> list[str]:
    """Return the lines of one table over `found`."""
    rows = [
        "| method | wrong, but passed | wrong, left undecided | right, but rejected | right, left undecided |"
    ]
    rows.append("|---|---:|---:|---:|---:|")
    columns = (("wrong", "passes"), ("wrong", "undecided"), ("right", "rejects"), ("right", "undecided"))
    for method in methods(found):
        cells = [f"{total(found, method, *column)} / {total(found, method, column[0])}" for column in columns]
        rows.append(f"| {method} | {' | '.join(cells)} |")
    return rows


def split(title: str, found: Sequence[Tally], key: Callable[[Tally], float]) -> list[str]:
    """Return the lines of a table with a column for each value of `key`."""
    values = sorted({key(t) for t in found})
    rows = [
        f"## By {title}",
        "",
        "Wrong networks passed / right networks rejected / left undecided, in per cent.",
        "",
    ]
    rows += [
        f"| method | {' | '.join(f'{title} = {v:g}' for v in values)} |",
        "|---" * (len(values) + 1) + "|",
    ]
    for method in methods(found):
        cells = [shares([t for t in found if key(t) == value], method) for value in values]
        rows.append(f"| {method} | {' | '.join(cells)} |")
    return [*rows, ""]


def total(found: Sequence[Tally], method: str, kind: str, verdict: str | None = None) -> int:
    """Add up how often a method said `verdict` (or anything) of one kind of network."""
    counts = [t.said.get((method, kind), {}) for t in found]
    return sum(sum(c.values()) if verdict is None else c.get(verdict, 0) for c in counts)


def shares(found: Sequence[Tally], method: str) -> str:
    """Return wrong networks passed, right ones rejected, and those left undecided, in per cent."""
    wrong, right = total(found, method, "wrong"), total(found, method, "right")
    undecided = sum(total(found, method, kind, "undecided") for kind in ("wrong", "right"))
    passed, rejected = total(found, method, "wrong", "passes"), total(found, method, "right", "rejects")
    return (
        f"{100 * passed / wrong:.1f} / {100 * rejected / right:.1f} / {100 * undecided / (wrong + right):.1f}"
    )


INTRODUCTION = """\
# This suite's verdict beside the usual ones

The same wrong and right networks, judged by fixed tolerances, by means, by finite differences and by this suite. Wrong
networks are the mutants of the fault catalogue in float64 that show other results than the right network does, however
little; right ones are torch.nn.RNN and the catalogue's network without faults, in float64 and float32. T is 5 to
1,000, the gain (spectral radius of W_hh) 0.5 to 10; relu networks keep a gain of 0.5.

`assert_close`, `np.allclose` and the mean compare every result with the reference's. Finite differences take five
elements of every parameter, through the right forward pass: the kindest case for them, since they can't see a
wrong one.

The page is written by `python benchmarks/verdicts_compared.py --jobs 2 --write docs/verdicts-compared.md`.
"""

CUSTOMARY = """\
One sample, h_0 = 0, no biases, the loss at the last step and weights of 0.01, as tutorials test. Only 76 of the faults
change any bit there at each T; to the others such data are blind, and this suite says to which by name
(`conformance power --case ID`)."""


if __name__ == "__main__":
    main()
