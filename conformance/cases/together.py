"""Options that meet: covering arrays over all that a call of a network can vary, for every cell.

In the standard suite any two alternatives of different axes meet in some case, in the full one any three of the axes
that are risky together. Both hold by construction; what can't meet stands in `NEVER`, with the reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from types import MappingProxyType

from conformance.cases.case import Case
from conformance.cases.covering import Interaction, covering
from conformance.cases.crossings import UNBATCHED, Changes, crossed

LONG, LARGE = 257, 70
"""T and B beyond 256 and 64, where libraries take other paths."""

RAGGED, PADDED = "lengths", "padded"
"""The alternatives whose lengths depend on T and B: up to T, and all below it, as where batches have one size."""

AXES: Mapping[str, Mapping[str, Changes]] = MappingProxyType(
    {
        "network": {
            "tanh": {},
            "relu": {"nonlinearity": "relu"},
            "lstm": {"cell": "lstm"},
            "projections": {"cell": "lstm", "proj_size": 2},
            "gru": {"cell": "gru"},
        },
        "layers": {"one layer": {}, "two layers": {"layers": 2}, "four layers": {"layers": 4}},
        "directions": {"one direction": {}, "two directions": {"bidirectional": True}},
        "biases": {"biases": {}, "no biases": {"bias": False}},
        "dropout": {
            "no dropout": {},
            "dropout 0.3": {"dropout": 0.3},
            "dropout 0.5": {"dropout": 0.5},
            "evaluation": {"dropout": 0.5, "evaluation": True},
        },
        "steps": {"T = 7": {}, "T = 1": {"steps": 1}, "T > 256": {"steps": LONG}},
        "samples": {"B = 3": {"batch": 3}, "B = 1": {"batch": 1}, "B > 64": {"batch": LARGE}},
        "layout": {"time first": {}, "batch first": {"layout": "batch-first"}, "unbatched": UNBATCHED},
        "lengths": {"no lengths": {}, RAGGED: {}, PADDED: {}},
        "initial state": {"h_0": {}, "no h_0": {"h_0": False}},
        "loss": {
            "of both": {},
            "of the output": {"cotangents": "output"},
            "of h_n": {"cotangents": "h_n"},
            "of the last step": {"cotangents": "last"},
            "expanded": {"cotangents": "expanded"},
            "strided": {"cotangents": "strided"},
        },
        "head": {"no head": {}, "head": {"output_size": 2}},
        "data": {
            "default": {},
            "gain 1": {"regime": "gain1"},
            "tiny": {"regime": "tiny"},
            "NaN": {"regime": "nan"},
        },
        "precision": {"f64": {}, "f32": {"dtype": "f32"}},
    }
)
"""Every axis with its alternatives, the plain one first: what each changes of the plain case."""

RISKY = (
    "network",
    "layers",
    "directions",
    "dropout",
    "layout",
    "lengths",
    "initial state",
    "loss",
    "head",
)
"""The axes of which any three meet in the full suite: those that change which arrays go where."""

NEVER: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        **{("one layer", name): "nothing lies between layers" for name in [*AXES["dropout"]][1:]},
        **{(name, "unbatched"): "a single sample has no batch" for name in ("B = 3", "B > 64")},
        **{
            ("unbatched", name): "a single sample has the length of its sequence" for name in (RAGGED, PADDED)
        },
        **{(name, "head"): "a head reads every step of every sample" for name in (RAGGED, PADDED)},
        ("T = 1", PADDED): "every sample has a step",
        ("T > 256", "B > 64"): "either alone reaches what it is for, both take minutes",
    }
)
"""What can't meet, in the order of the axes, and why."""


def pairs() -> Iterator[Case]:
    """Let any two alternatives of different axes meet."""
    return met(tuple(AXES), 2)


def triples() -> Iterator[Case]:
    """Let any three alternatives of the risky axes meet."""
    return met(RISKY, 3)


def met(names: Sequence[str], strength: int) -> Iterator[Case]:
    """Let any `strength` alternatives of these axes meet, all other axes at their plain ones."""
    axes = [AXES[name] for name in names]
    for row in covering([len(axis) for axis in axes], strength, forbidden=forbidden(axes)):
        chosen = [[*axis.items()][n] for axis, n in zip(axes, row, strict=True)]
        (case,) = crossed(*([changes] for _, changes in chosen))
        (lengths,) = {RAGGED, PADDED} & dict(chosen).keys() or {""}
        yield ragged(case, longest=case.steps - (lengths == PADDED)) if lengths else case


def ragged(case: Case, *, longest: int) -> Case:
    """Return a case with lengths, the first sample the longest."""
    return replace(case, lengths=tuple(longest - n * 5 % max(longest, 1) for n in range(case.batch)))


def forbidden(axes: Sequence[Mapping[str, Changes]]) -> set[Interaction]:
    """Return what can't meet, by the numbers of axes and alternatives."""
    places = [[(name, (n, m)) for m, name in enumerate(axis)] for n, axis in enumerate(axes)]
    return {
        (place, other_place)
        for one, other in combinations(places, 2)
        for (name, place), (other_name, other_place) in product(one, other)
        if (name, other_name) in NEVER
    }
