"""Time `refrnn` against `torch.nn.RNN`: both sides in one interleaved run, one thread each.

    python benchmarks/speed.py [--seconds 50] [--json FILE] [--default-malloc]

Both sides hold the same weights and read the same inputs. "forward" gives output and h_n (torch under
`no_grad`); "forward + BPTT" gives the gradients of every parameter, x and h_0 from random cotangents on
output and h_n. Before anything is timed, both sides must agree on all of these.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # NumPy's and torch's libraries read these once, on loading
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import gc
import itertools
import json
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import torch
from machine import on_one_thread

import refrnn

SAMPLE_SECONDS = 0.003  # a sample repeats short calls this long: far above the clock's resolution
LEAST_ROUNDS = 7

HEADING = """\
                                    forward, ms             forward + BPTT, ms
dtype       T    B    I    H    refrnn   torch   ratio     refrnn   torch   ratio"""

Measured = Callable[[], Sequence[np.ndarray | torch.Tensor]]


class Size(NamedTuple):
    """Steps, batch, inputs and hidden units."""

    T: int
    B: int
    I: int  # noqa: E741 (the letter of the formulas)
    H: int


GRID = (
    Size(10, 1, 4, 5),
    Size(10, 5, 9, 4),
    Size(20, 8, 16, 32),
    Size(50, 32, 64, 128),
    Size(100, 64, 128, 256),
    Size(1000, 1, 32, 64),
    Size(200, 64, 256, 512),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One set of inputs and cotangents."""

    size: Size
    x: np.ndarray
    h_0: np.ndarray
    d_output: np.ndarray
    d_h_n: np.ndarray

    @classmethod
    def drawn(cls, size: Size, dtype: str) -> "Problem":
        """Draw everything from the standard normal distribution."""
        T, B, I, H = size  # noqa: E741 (the letters of the formulas)
        normal = np.random.default_rng(0).standard_normal
        shapes = {"x": (T, B, I), "h_0": (1, B, H), "d_output": (T, B, H), "d_h_n": (1, B, H)}
        return cls(size=size, **{name: normal(shape).astype(dtype) for name, shape in shapes.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured at one size: median seconds a call, and bytes of the trace."""

    dtype: str
    size: Size
    forward: float
    forward_torch: float
    both: float
    both_torch: float
    trace_bytes: int
    hidden_bytes: int

    @property
    def forward_ratio(self) -> float:
        """How much of torch's time the forward pass takes."""
        return self.forward / self.forward_torch

    @property
    def both_ratio(self) -> float:
        """How much of torch's time forward and BPTT take."""
        return self.both / self.both_torch


def reference_side(rnn: refrnn.RNN, problem: Problem) -> dict[str, Measured]:
    """Return what is timed of the reference."""

    def forward() -> Sequence[np.ndarray | torch.Tensor]:
        trace = rnn.forward(problem.x, problem.h_0)
        return [trace.output, trace.h_n]

    def both() -> Sequence[np.ndarray | torch.Tensor]:
        trace = rnn.forward(problem.x, problem.h_0)
        found = rnn.backward(trace, problem.d_output, problem.d_h_n)
        return [found.x, found.h_0, *found.parameters.values()]

    return {"forward": forward, "both": both}


def torch_side(module: torch.nn.RNN, problem: Problem) -> dict[str, Measured]:
    """Return what is timed of torch; its tensors are made beforehand."""
    x, h_0 = (torch.tensor(array, requires_grad=True) for array in (problem.x, problem.h_0))
    cotangents = [torch.tensor(problem.d_output), torch.tensor(problem.d_h_n)]
    leaves = [x, h_0, *module.parameters()]

    def forward() -> Sequence[np.ndarray | torch.Tensor]:
        with torch.no_grad():
            return module(x, h_0)

    def both() -> Sequence[np.ndarray | torch.Tensor]:
        for leaf in leaves:
            leaf.grad = None
        torch.autograd.backward(module(x, h_0), cotangents)
        return [leaf.grad for leaf in leaves if leaf.grad is not None]

    return {"forward_torch": forward, "both_torch": both}


def verify(reference: Mapping[str, Measured], torchs: Mapping[str, Measured], size: Size) -> None:
    """Refuse to time two sides that compute different things.

    The scale is first-order: as many unit roundoffs as the longest chain of sums has terms, T
    steps of B + I + H each.
    """
    for name, measured in reference.items():
        for ours, theirs in zip(measured(), map(np.asarray, torchs[f"{name}_torch"]()), strict=True):
            terms = size.T * (size.B + size.I + size.H)
            bound = terms * np.finfo(ours.dtype).eps / 2 * np.abs(theirs).max()
            error = np.abs(ours - theirs).max()
            if not error <= bound:
                message = f"{name} at {size}: the sides differ by {error:.1e}, more than {bound:.1e}"
                raise SystemExit(message)


def timed(call: Measured, calls: int) -> float:
    """Return seconds a call, over `calls` of them."""
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def interleaved(sides: Mapping[str, Measured], seconds: float) -> dict[str, float]:
    """Return the median seconds a call of each, taking turns until the time is used up."""
    calls = {name: math.ceil(SAMPLE_SECONDS / timed(call, 1)) for name, call in sides.items()}
    samples: dict[str, list[float]] = {name: [] for name in sides}
    end = time.perf_counter() + seconds
    gc.disable()  # its pauses would fall on either side by chance
    while time.perf_counter() < end or len(samples["both"]) < LEAST_ROUNDS:
        for name, call in sides.items():
            samples[name].append(timed(call, calls[name]))
    gc.enable()
    return {name: statistics.median(durations) for name, durations in samples.items()}


def measure(dtype: str, size: Size, seconds: float) -> Row:
    """Build both sides with the same weights, compare and time them."""
    module = torch.nn.RNN(size.I, size.H, dtype=getattr(torch, dtype))
    rnn = refrnn.RNN(size.I, size.H, dtype=dtype)
    rnn.load_state_dict(module.state_dict())
    problem = Problem.drawn(size, dtype)
    reference, torchs = reference_side(rnn, problem), torch_side(module, problem)
    verify(reference, torchs, size)
    trace = rnn.forward(problem.x, problem.h_0)
    return Row(
        dtype=dtype,
        size=size,
        trace_bytes=trace.nbytes,
        hidden_bytes=trace.hidden(0).nbytes,
        **interleaved(reference | torchs, seconds),
    )


def milliseconds(seconds: float) -> str:
    """Return milliseconds with three digits."""
    return f"{seconds * 1e3:.{max(0, 2 - math.floor(math.log10(seconds * 1e3)))}f}"


def line(row: Row) -> str:
    """Word one row of the table."""
    sizes = "".join(f"{number:>5}" for number in row.size)
    forward = f"{milliseconds(row.forward):>8}{milliseconds(row.forward_torch):>8}{row.forward_ratio:8.2f}"
    both = f"{milliseconds(row.both):>8}{milliseconds(row.both_torch):>8}{row.both_ratio:8.2f}"
    return f"{row.dtype:<8}{sizes}  {forward}   {both}"


def summary(rows: list[Row]) -> dict[str, float]:
    """Return geometric means and maxima of the ratios, and the largest share of memory."""
    forward, both = [row.forward_ratio for row in rows], [row.both_ratio for row in rows]
    return {
        "forward_geometric_mean": statistics.geometric_mean(forward),
        "forward_maximum": max(forward),
        "both_geometric_mean": statistics.geometric_mean(both),
        "both_maximum": max(both),
        "trace_to_hidden_maximum": max(row.trace_bytes / row.hidden_bytes for row in rows),
    }


def print_totals(totals: Mapping[str, float]) -> None:
    """Print the last lines of the table, and the line about memory."""
    for name in ("geometric_mean", "maximum"):
        forward, both = totals[f"forward_{name}"], totals[f"both_{name}"]
        print(f"{name.replace('_', ' '):<28}{forward:26.2f}{both:27.2f}")
    print(f"\nA trace holds at most {totals['trace_to_hidden_maximum']:.2f} times its hidden states' bytes.")


@click.command()
@click.option("--seconds", default=50.0, show_default=True, help="Time to spend, shared by all rows.")
@click.option("--json", "record", type=click.Path(path_type=Path), help="Also write the result here.")
@click.option("--default-malloc", is_flag=True, help="Let large arrays go back to the system when freed.")
def main(*, seconds: float, record: Path | None, default_malloc: bool) -> None:
    """Time refrnn against torch.nn.RNN, side by side."""
    about = on_one_thread(default_malloc=default_malloc)
    print(*(f"{name:<10}{text}" for name, text in about.items()), sep="\n", end="\n\n")
    print(HEADING)
    rows: list[Row] = []
    for dtype, size in itertools.product(("float32", "float64"), GRID):
        rows.append(measure(dtype, size, seconds / (2 * len(GRID))))
        print(line(rows[-1]), flush=True)
    totals = summary(rows)
    print_totals(totals)
    if record is not None:
        content = {"environment": about, "rows": [asdict(row) for row in rows], "summary": totals}
        record.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
