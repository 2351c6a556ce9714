"""Crossings: small families of cases, each made to reach one kind of trouble. Suites are unions of them.

Sizes are distinct wherever they can be, so that no transposition hides; where they are all equal, that is the point.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce
from itertools import product
from operator import or_

from conformance.cases.case import Case

Changes = dict[str, object]
"""Fields in which a case departs from the plain one."""

PLAIN = Case(nonlinearity="tanh", steps=7, batch=3, input_size=4, hidden_size=5, dtype="f64")


def each(field: str, *values: object) -> list[Changes]:
    """Return one alternative for each value of a field."""
    return [{field: value} for value in values]


def shapes(*alternatives: tuple[int, int, int, int]) -> list[Changes]:
    """Return one alternative for each T, B, I, H."""
    names = ("steps", "batch", "input_size", "hidden_size")
    return [dict(zip(names, shape, strict=True)) for shape in alternatives]


def widths(*alternatives: tuple[int, int]) -> list[Changes]:
    """Return one alternative for each I, H."""
    return [{"input_size": size, "hidden_size": hidden} for size, hidden in alternatives]


def crossed(*axes: Iterable[Changes]) -> Iterator[Case]:
    """Return the plain case changed by every combination of one alternative from each axis."""
    for changes in product(*axes):
        yield replace(PLAIN, **reduce(or_, changes))  # pyright: ignore[reportArgumentType]: checked by Case


NONLINEARITIES = each("nonlinearity", "tanh", "relu")
DTYPES = each("dtype", "f64", "f32")
UNBATCHED: Changes = {"layout": "unbatched", "batch": 1}
STACKS: list[Changes] = [
    {"layers": layers, "bidirectional": bidirectional}
    for layers in (1, 2, 3)
    for bidirectional in (False, True)
]
SHALLOW, SHALLOW_BOTH, DEEP, DEEP_BOTH = STACKS[:4]


def options() -> Iterator[Case]:
    """Cross every constructor option, layout and precision, at several sizes."""
    small = shapes((7, 3, 4, 5), (5, 2, 6, 3), (2, 6, 5, 4))
    layouts = [*each("layout", "time-first", "batch-first"), UNBATCHED]
    for n, case in enumerate(crossed(NONLINEARITIES, STACKS, each("bias", True, False), layouts, DTYPES)):
        size = small[n // len(DTYPES) % len(small)]
        yield replace(case, **(size | {"batch": 1} if case.layout == "unbatched" else size))


def calls() -> Iterator[Case]:
    """Cross how the network is called: with or without h_0, what the loss sees, one step or one sample."""
    short = shapes((1, 3, 4, 5), (5, 1, 4, 6), (6, 2, 5, 3))
    stacks = (SHALLOW, SHALLOW_BOTH, DEEP_BOTH)
    seen = each("cotangents", "both", "output", "h_n")
    return crossed(NONLINEARITIES, stacks, each("h_0", True, False), seen, short, DTYPES)


def lengths() -> Iterator[Case]:
    """Vary lengths: unsorted, with ties, of one step, all equal; NaN fills the padding."""
    patterns = ((3, 7, 1, 7, 5), (7, 6, 5, 4), (1, 2, 9), (4, 4, 4), (2, 2, 6, 6, 1, 3))
    ragged: list[Changes] = [{"lengths": p, "steps": max(p), "batch": len(p)} for p in patterns]
    layouts = each("layout", "time-first", "batch-first")
    return crossed(NONLINEARITIES, STACKS[:4], layouts, ragged, DTYPES)


def regimes() -> Iterator[Case]:
    """Reach data that strain the arithmetic: growth, saturation, near-linear and exactly-zero units."""
    tanh = ("gain0.5", "gain1", "gain2", "gain5", "gain10", "saturated", "tiny")
    relu = ("gain0.5", "gain1", "gain2", "tiny", "zeros")
    named: list[Changes] = [{"nonlinearity": "tanh", "regime": regime} for regime in tanh]
    named += [{"nonlinearity": "relu", "regime": regime} for regime in relu]
    return crossed(named, (SHALLOW, DEEP_BOTH), shapes((5, 3, 4, 16), (50, 3, 4, 16)), DTYPES)


def sizes() -> Iterator[Case]:
    """Reach I = H, widths of 1, sizes on and off the vector width, and batches over a hundred."""
    square_and_thin = shapes((4, 3, 5, 5), (6, 2, 1, 3), (6, 3, 4, 1), (4, 130, 6, 9))
    wide = shapes((9, 2, 17, 33), (8, 4, 32, 64), (12, 16, 24, 31))
    return crossed(square_and_thin + wide, NONLINEARITIES, DTYPES)


def long() -> Iterator[Case]:
    """Go on for long, chaotic trajectories included: there two correct programs part company."""
    tanh = each("regime", "default", "gain1", "gain10")
    yield from crossed(tanh, shapes((200, 2, 4, 16)), DTYPES)
    yield from crossed(tanh[:2], shapes((1000, 2, 4, 16)), DTYPES)
    yield from crossed(tanh[2:], shapes((1000, 2, 4, 16)))  # in float32 its gradients overflow by then,
    yield from crossed(tanh[2:], shapes((500, 2, 4, 16)), DTYPES)  # but not yet here
    yield from crossed([{"nonlinearity": "relu"}], shapes((500, 2, 4, 16)), DTYPES)
    yield from crossed([DEEP_BOTH | {"regime": "gain10"}], shapes((300, 3, 4, 12)), DTYPES)


def memory() -> Iterator[Case]:
    """Hand over cotangents as they lie in memory after other operations: expanded with strides of 0, or strided."""
    layouts = [*each("layout", "time-first", "batch-first"), UNBATCHED]
    return crossed(
        NONLINEARITIES, (SHALLOW, DEEP_BOTH), layouts, each("cotangents", "expanded", "strided"), DTYPES
    )


def special() -> Iterator[Case]:
    """Put in what arithmetic treats by rules of its own: subnormal numbers, −0, NaN, infinities."""
    values = each("regime", "subnormal", "negzero", "nan", "inf")
    return crossed(values, NONLINEARITIES, (SHALLOW, DEEP_BOTH), [{}, {"lengths": (7, 3, 5)}], DTYPES)


def traps() -> Iterator[Case]:
    """Make all sizes equal, L·D among them: no shape tells a transposed array then, only its values do."""
    square = {"steps": 4, "batch": 4, "input_size": 4, "hidden_size": 4, "layers": 2, "bidirectional": True}
    layouts = each("layout", "time-first", "batch-first")
    seen = each("cotangents", "both", "strided")
    return crossed(NONLINEARITIES, [square, square | {"lengths": (4, 2, 3, 4)}], layouts, seen, DTYPES)


def heads() -> Iterator[Case]:
    """Let the loss see the network through an output head: narrow, or as wide as the states, where W_hy is square.

    Where x is batch-first it is one-hot, as networks over words take it.
    """
    narrow_and_square = each("output_size", 2, 5)
    seen = each("cotangents", "both", "last")
    read: list[Changes] = [{"layout": "time-first"}, {"layout": "batch-first", "regime": "ids"}]
    return crossed(narrow_and_square, NONLINEARITIES, seen, read, DTYPES)


def dropped() -> Iterator[Case]:
    """Drop values between layers by torch's own masks, in training mode and after it."""
    modes: list[Changes] = [{"dropout": p} for p in (0.5, 0.75, 1.0)]
    modes += [{"dropout": 0.5, "evaluation": True}]
    ragged: Changes = {"lengths": (3, 7, 5)}
    layouts = [{}, {"layout": "batch-first"}, UNBATCHED, ragged, ragged | {"layout": "batch-first"}]
    yield from crossed(modes, (DEEP, DEEP_BOTH, {"layers": 3}), layouts, DTYPES)
    many: Changes = {"steps": 3, "batch": 40}
    yield from crossed(modes, (DEEP,), [many, many | {"lengths": (3, 1, 2, 3) * 10}], DTYPES)


def half() -> Iterator[Case]:
    """Compute in 16 bits, a tier of its own: options, layouts, lengths, dropout and regimes at small sizes.

    With the 8 digits of bf16 rounding is no small part of subnormal numbers, of steep steps, nor of long sums: such
    cases would decide nothing.
    """
    formats, finer = each("dtype", "f16", "bf16"), each("dtype", "f16")
    layouts = [
        {},
        {"layout": "batch-first"},
        UNBATCHED,
        {"lengths": (3, 7, 5)},
        {"dropout": 0.75, "layers": 3},
    ]
    relu = each("nonlinearity", "relu")
    yield from crossed(formats, NONLINEARITIES, (DEEP, DEEP_BOTH), layouts)
    yield from crossed(formats, NONLINEARITIES, [{"bias": False}, {"h_0": False}, {"cotangents": "expanded"}])
    yield from crossed(formats, each("regime", "gain2", "nan"), (SHALLOW, DEEP_BOTH))
    yield from crossed(formats, relu, each("regime", "gain1", "zeros", "inf"), (SHALLOW, DEEP_BOTH))
    yield from crossed(finer, NONLINEARITIES, each("regime", "subnormal"), (SHALLOW, DEEP_BOTH))
    yield from crossed(finer, each("regime", "gain10"), (SHALLOW, DEEP_BOTH))
    yield from crossed(finer, each("regime", "saturated"), [SHALLOW])
    yield from crossed(formats, NONLINEARITIES, shapes((20, 2, 17, 33), (3, 130, 6, 9), (1, 3, 4, 5)))
    yield from crossed(finer, NONLINEARITIES, shapes((30, 4, 5, 8)))


def cells() -> Iterator[Case]:
    """Put the other cells, in turn, to every fifth case of the crossings of options, calls, data and sizes."""
    crossings = (options, calls, lengths, regimes, sizes, memory, special, traps, heads, dropped, wide)
    plain = [case for crossing in crossings for case in crossing() if case.nonlinearity == PLAIN.nonlinearity]
    others = ("lstm", "gru")
    for n, case in enumerate(plain[::5]):
        moved = replace(case, cell=others[n % len(others)])
        if not _lost_in_noise(moved):
            yield moved


def carried() -> Iterator[Case]:
    """Vary what an LSTM alone has: c_0 and c_n, what the loss sees of them, projections, and c far from 0."""
    return (case for case in _carried() if not _lost_in_noise(case))


def _carried() -> Iterator[Case]:
    lstm: Changes = {"cell": "lstm"}
    plain = [lstm, lstm | {"proj_size": 2}]
    stacks = (SHALLOW, DEEP_BOTH)
    yield from crossed(plain, stacks, [{}, {"c_0": False}, {"h_0": False}], DTYPES)
    yield from crossed(plain, stacks, each("cotangents", "output", "h_n", "c_n", "last", "strided"), DTYPES)
    yield from crossed(plain, stacks, [{"lengths": (3, 7, 5)}, UNBATCHED, {"output_size": 2}], DTYPES)
    yield from crossed(plain, stacks, each("regime", "filled"), DTYPES)
    yield from crossed([lstm], stacks, each("regime", "endless"), DTYPES)
    yield from crossed([lstm, {"cell": "gru"}], stacks, each("regime", "shifted"), DTYPES)
    for cell in ("lstm", "gru"):
        far, farther = shapes((200, 2, 4, 16), (1000, 2, 4, 16))
        yield from crossed([{"cell": cell}], [far], each("regime", "default", "gain1"), DTYPES)
        yield from crossed([{"cell": cell, "regime": "gain10"}], [far], DTYPES[:1])
        yield from crossed([{"cell": cell, "regime": "gain1"}], [farther], DTYPES)


def _lost_in_noise(case: Case) -> bool:
    """Return whether a case can't be decided from results alone, all that torch shows of an LSTM in float32."""
    strained = (
        case.regime in ("saturated", "subnormal", "nan", "inf", "endless", "shifted") or (case.gain or 0) > 4
    )
    return case.cell == "lstm" and case.dtype == "f32" and strained


def wide() -> Iterator[Case]:
    """Reach batches and widths from which libraries share a product among threads."""
    many = shapes((3, 60, 7, 9), (2, 40, 11, 12), (5, 13, 20, 24), (2, 9, 33, 48), (4, 30, 9, 12))
    return crossed(many, NONLINEARITIES, (SHALLOW, SHALLOW_BOTH, DEEP), DTYPES)
