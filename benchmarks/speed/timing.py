"""Two sides timed in turns, so that whatever else the machine does falls on both."""

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


def interleaved(ours: Calls, theirs: Calls, seconds: float) -> dict[str, dict[str, float]]:
    """Return for each call the median seconds of both sides, and the median of the ratios within a round."""
    todo = [(name, side, calls[name]) for name in ours for side, calls in enumerate((ours, theirs))]
    repeats = {(name, side): math.ceil(SAMPLE_SECONDS / timed(call, 1)) for name, side, call in todo}
    samples: dict[tuple[str, int], list[float]] = {key: [] for key in repeats}
    end, rounds = time.perf_counter() + seconds, 0
    gc.disable()  # its pauses would fall on either side by chance
    while time.perf_counter() < end or rounds < LEAST_ROUNDS:
        for name, side, call in todo:
            samples[name, side].append(timed(call, repeats[name, side]))
        rounds += 1
    gc.enable()
    return {name: summary(samples[name, 0], samples[name, 1]) for name in ours}


def summary(ours: list[float], theirs: list[float]) -> dict[str, float]:
    """Return the medians of paired samples."""
    return {
        "refrnn": statistics.median(ours),
        "other": statistics.median(theirs),
        "ratio": statistics.median(one / two for one, two in zip(ours, theirs, strict=True)),
        "rounds": len(ours),
    }
