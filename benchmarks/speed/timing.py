"""Several sides timed in turns, so that whatever else the machine does falls on all."""

import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping

SAMPLE_SECONDS = 0.003  # a sample repeats short calls this long: far above the clock's resolution
LEAST_ROUNDS = 5

Calls = Mapping[str, Callable[[], object]]


def timed(call: Callable[[], object], calls: int) -> float:
    """Return seconds a call, over `calls` of them."""
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def interleaved(sides: Mapping[str, Calls], seconds: float) -> dict[str, dict[str, float]]:
    """Return for each call what `summary` makes of the times that every side takes for it, in turns."""
    todo = [(name, side, call) for side, calls in sides.items() for name, call in calls.items()]
    repeats = {(name, side): math.ceil(SAMPLE_SECONDS / timed(call, 1)) for name, side, call in todo}
    samples: dict[str, dict[str, list[float]]] = {name: {side: [] for side in sides} for name, _, _ in todo}
    end, rounds = time.perf_counter() + seconds, 0
    gc.disable()  # its pauses would fall on either side by chance
    while time.perf_counter() < end or rounds < LEAST_ROUNDS:
        for name, side, call in todo:
            samples[name][side].append(timed(call, repeats[name, side]))
        rounds += 1
    gc.enable()
    return {name: summary(own) for name, own in samples.items()}


def summary(samples: Mapping[str, list[float]]) -> dict[str, float]:
    """Return the median seconds of every side, and of the ratios within a round to the side "other".

    `ratio` is that of refrnn, `least` that of the matrix products alone.
    """
    other = samples["other"]
    ratios = {
        name: statistics.median(one / two for one, two in zip(samples[side], other, strict=True))
        for name, side in (("ratio", "refrnn"), ("least", "products"))
    }
    return {side: statistics.median(own) for side, own in samples.items()} | ratios | {"rounds": len(other)}
