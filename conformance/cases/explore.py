"""Random cases beyond the suites: ordinary ones, and hostile ones on which rounding behaves worst."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from conformance.cases.case import DROPOUT, Case
from conformance.cases.formats import FORMATS

HOSTILE = (
    "identity",
    "positive",
    "constant",
    "kinks",
    "saturated",
    "tiny",
    "zeros",
    "gain0.1",
    "gain4",
    "gain8",
)
ORDINARY = ("default", "gain0.5", "gain1", "gain1.5", "gain2")
NETWORKS: tuple[dict[str, object], ...] = (
    {"nonlinearity": "tanh"},
    {"nonlinearity": "tanh"},
    {"nonlinearity": "relu"},
    {"cell": "lstm"},
    {"cell": "gru"},
)
"""What is drawn from with equal chances."""

WIDEST, LONGEST, DEEPEST = 600, 5000, 6
"""The largest H, I and B, T, and L that are drawn: beyond all suites."""

RARE = 0.04
"""The share of cases in which a size is drawn up to the largest: most sizes are small, so that cases take little."""

MOST_LENGTHS = 130
"""Samples up to which a batch may have lengths, each of which stands in the case's id."""

VALUES, SCANNED, PRODUCTS = 200_000, 6_000, 10_000_000
"""What a case may cost at most: hidden values T·B·H·L·D, steps of scans T·L·D, products T·B·H·(I + H)·L·D of a gate.

So thousands of cases run in minutes.
"""

PACKED_WORK = 2_000_000
"""T²·B up to which batches are packed: T = 500 with B = 8, T = 100 with B = 200."""

CHAOTIC_GROWTH = 0.25
"""Powers of two by which gradients of a chaotic bounded network grow at a step: under gain 10, 2^128 takes 500."""


def random_cases(count: int, *, seed: int, hostile: float = 0.25) -> Iterator[Case]:
    """Draw `count` cases, a `hostile` share of them from regimes that strain the arithmetic.

    The same seed gives the same cases; the n-th doesn't depend on `count`.
    """
    for n in range(count):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(n,)))
        yield _random_case(rng, n, hostile)


def _random_case(rng: np.random.Generator, n: int, hostile: float) -> Case:
    network = NETWORKS[rng.integers(len(NETWORKS))]
    layout = str(rng.choice(("time-first", "time-first", "batch-first", "unbatched")))
    case = Case(
        **network,  # pyright: ignore[reportArgumentType]
        layers=_largest(rng, int(rng.choice((1, 1, 2, 3))), int(rng.integers(4, DEEPEST + 1))),
        bidirectional=bool(rng.random() < 0.4),
        bias=bool(rng.random() < 0.8),
        steps=_size(rng, _largest(rng, 300, LONGEST)),
        batch=1 if layout == "unbatched" else _size(rng, _largest(rng, 40, WIDEST)),
        layout=layout,  # pyright: ignore[reportArgumentType]
        input_size=_size(rng, _largest(rng, 40, WIDEST)),
        hidden_size=_size(rng, _largest(rng, 64, WIDEST)),
        h_0=bool(rng.random() < 0.8),
        cotangents=str(rng.choice(("both", "both", "output", "h_n"))),  # pyright: ignore[reportArgumentType]
        dtype=str(rng.choice(("f64", "f32"))),  # pyright: ignore[reportArgumentType]
        regime=str(rng.choice(HOSTILE if rng.random() < hostile else ORDINARY)),
        seed=n,
    )
    ragged = 1 < case.batch <= MOST_LENGTHS and rng.random() < 0.3
    while _takes_too_long(case, ragged=ragged) or outgrows(case):
        case = _smaller(case)
    if ragged:
        case = replace(case, lengths=_lengths(rng, case.steps, case.batch))
    return replace(case, **_rarer(rng, case))  # pyright: ignore[reportArgumentType]


def _takes_too_long(case: Case, *, ragged: bool) -> bool:
    scanned, width = case.steps * case.layers * case.directions, case.input_size + case.hidden_size
    values = scanned * case.batch * case.hidden_size
    packed = case.steps**2 * case.batch if ragged else 0
    return values > VALUES or scanned > SCANNED or values * width > PRODUCTS or packed > PACKED_WORK


def _smaller(case: Case) -> Case:
    """Return a case with half the steps; of few steps, with half its samples."""
    if case.steps > case.batch or case.batch == 1:
        return replace(case, steps=case.steps // 2)
    return replace(case, batch=case.batch // 2)


def outgrows(case: Case) -> bool:
    """Return whether a network may grow beyond its precision within its steps, where nothing can be decided.

    The states of a relu network and its gradients grow by about the spectral radius of W_hh at every step: g under
    "gain<g>", and √H / 2 where all of its weights, of mean 1 / (2√H), are positive. Those of the others are bounded,
    and their gradients grow in chaos. Half of the exponents are left for layers and sums.
    """
    if case.nonlinearity == "relu":
        radius = math.sqrt(case.hidden_size) / 2 if case.regime == "positive" else case.gain or 1.0
        growth = math.log2(max(radius, 1.0))
    else:
        growth = CHAOTIC_GROWTH if (case.gain or 0) > 1 else 0.0
    return case.steps > 1 and case.steps * growth > -FORMATS[case.dtype].lowest / 2


def _rarer(rng: np.random.Generator, case: Case) -> dict[str, object]:
    """Draw what few cases have: dropout, projections, a head, and cotangents that lie in memory in other ways."""
    changes: dict[str, object] = {}
    if case.layers > 1 and rng.random() < 0.2:
        changes |= {"dropout": float(rng.choice(DROPOUT[1:])), "evaluation": bool(rng.random() < 0.2)}
    if case.cell == "lstm" and case.hidden_size > 1 and rng.random() < 0.3:
        changes |= {"proj_size": int(rng.integers(1, case.hidden_size))}
    if not case.lengths and rng.random() < 0.15:
        changes |= {"output_size": _size(rng, 40)}
    if case.cotangents == "both" and rng.random() < 0.2:
        changes |= {"cotangents": str(rng.choice(("expanded", "strided")))}
    return changes


def _largest(rng: np.random.Generator, usual: int, rare: int) -> int:
    """Return the usual one of two numbers, and the other in a `RARE` share of cases."""
    return rare if rng.random() < RARE else usual


def _size(rng: np.random.Generator, largest: int) -> int:
    """Draw a size from 1 to `largest`, small ones as likely as large ones on a logarithmic scale."""
    return round(math.exp(rng.uniform(0, math.log(largest))))


def _lengths(rng: np.random.Generator, steps: int, batch: int) -> tuple[int, ...]:
    lengths = rng.integers(1, steps + 1, batch)
    if rng.random() < 0.75:  # others end in padding altogether
        lengths[rng.integers(batch)] = steps
    return tuple(map(int, lengths))
