"""Shrinking: from a case that fails to the smallest one, along single simplifications, that fails in the same way."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from conformance.cases import Case
from conformance.errors import UsageError

PLAINER: dict[str, object] = {
    "evaluation": False,
    "dropout": 0.0,
    "layers": 1,
    "bidirectional": False,
    "lengths": (),
    "layout": "time-first",
    "h_0": True,
    "c_0": True,
    "proj_size": 0,
    "bias": True,
    "output_size": 0,
    "cotangents": "both",
    "regime": "default",
    "nonlinearity": "tanh",
    "dtype": "f64",
    "seed": 0,
}
"""The plainest value of every field that is neither a size nor the cell."""

SIZES = ("steps", "batch", "hidden_size", "input_size", "layers")


def shrunk(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Return a case that still `fails` and of which no single simplification does."""
    while (smaller := next((c for c in simpler(case) if fails(c)), None)) is not None:
        case = smaller
    return case


def simpler(case: Case) -> Iterator[Case]:
    """Yield the simplifications of `case`, the boldest first: plainer options, then sizes halved or one less."""
    for field, value in PLAINER.items():
        if getattr(case, field) != value:
            yield from _allowed(case, {field: value})
    for field in SIZES:
        size = getattr(case, field)
        for less in dict.fromkeys((1, size // 2, size - 1)):
            if 1 <= less < size:
                yield from _allowed(case, {field: less} | _fitted_lengths(case, field, less))


def _fitted_lengths(case: Case, field: str, size: int) -> dict[str, object]:
    """Return lengths that fit a smaller T or B, where the case has any."""
    if not case.lengths or field not in ("steps", "batch"):
        return {}
    if field == "steps":
        return {"lengths": tuple(min(length, size) for length in case.lengths)}
    return {"lengths": case.lengths[:size]}


def _allowed(case: Case, changes: dict[str, object]) -> Iterator[Case]:
    """Yield `case` with `changes`, unless they don't go together."""
    try:
        yield replace(case, **changes)  # pyright: ignore[reportArgumentType]: checked by Case
    except UsageError:
        return
