"""What was measured as a page of Markdown: every part with its goal, its figures, and how they were taken."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Rows = Sequence[dict[str, Any]]

TIMES = 30
"""The goal against per-sample code."""

HOW = """\
Both sides hold the same weights and read the same inputs in the same dtype, made before the clock starts; before
anything is timed they must agree on all results to first-order rounding. They take turns in one process;
milliseconds are medians of each side, a ratio is the median of the ratios within a round (refrnn / torch, below 1
is faster than torch). *Forward* gives output and h_n: torch runs under `torch.no_grad()`, while refrnn keeps its
whole trace. *BPTT* is forward and backward: the gradients of x, h_0 and every parameter from random cotangents on
output and h_n. With variable lengths, drawn evenly from 1 to T, torch reads a PackedSequence that was packed
beforehand, longest first, and its output stays packed; refrnn reads and gives padded arrays. Neither computes the
padding. Freed memory stays in the process, for both sides.

The columns *least* tell what the matrix products alone take, called from NumPy as refrnn calls them
(`benchmarks/speed/products.py`), over torch's time: no activation, no bias, no sum, no check. No program that leaves
its products to this BLAS can be below that."""


def told(measured: dict[str, Any]) -> str:
    """Return the whole page."""
    conditions = measured["conditions"]
    parts = [
        "# Speed",
        "Written by `make bench` (`python benchmarks/speed`); all medians are in [benchmarks.json](benchmarks.json)."
        + (f" {conditions}" if conditions else ""),
        environment(measured["one_thread"]["environment"]),
        "## Against torch.nn.RNN",
        HOW,
        *against_torch("One thread each", measured["one_thread"]["rows"]),
        "![Ratios to torch, one thread each](benchmarks-ratios.svg)",
        *gated(measured["gated"]),
        *against_torch("Default threads", measured["default_threads"]["rows"]),
        environment(measured["default_threads"]["environment"]),
        *by_hand(measured["by_hand"]["rows"]),
        *growth(measured["growth"]),
        *engine(measured["engine"]["cases"]),
        *startup(measured["startup"]),
    ]
    return "\n\n".join(parts) + "\n"


def environment(about: dict[str, str]) -> str:
    """Word the machine and the libraries."""
    return table(("", ""), about.items())


def table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def milliseconds(seconds: float) -> str:
    """Return milliseconds with three digits."""
    return f"{seconds * 1e3:.3g}" if seconds < 1 else f"{seconds * 1e3:.0f}"


def sizes(row: dict[str, Any]) -> list[object]:
    """Return the columns that say what was timed."""
    return [row["dtype"], row["T"], row["B"], row["I"], row["H"], row["remark"]]


GOALS = {"forward": "0.6", "both": "0.35"}
"""Of the geometric means for torch.nn.RNN."""


def gated(measured: dict[str, dict[str, Any]]) -> list[str]:
    """Tell the grids of LSTM and GRU; forward passes have no goal there."""
    text = (
        "The same grid, one thread each. In float32 torch's LSTM is one call of oneDNN where lengths don't vary; all "
        "others step through kernels of its own. An LSTM is given c_0 and dL/dc_n too."
    )
    goals = {"forward": "–", "both": "1.0"}
    tables = [
        part
        for cell, found in measured.items()
        for part in against_torch(f"torch.nn.{cell}", found["rows"], goals)
    ]
    return ["## Against torch.nn.LSTM and torch.nn.GRU", text, *tables]


def against_torch(title: str, rows: Rows, goals: Mapping[str, str] = GOALS) -> list[str]:
    """Tell one grid, with its geometric mean and its greatest ratio against the goals."""
    lines = [[*sizes(row), *pair(row["forward"]), *pair(row["both"])] for row in rows]
    summary = table(
        ("", "geometric mean", "goal", "greatest", "goal", "least: geometric mean", "least: greatest"),
        [
            ("forward", *mean_and_greatest(rows, "forward", goals["forward"])),
            ("forward + BPTT", *mean_and_greatest(rows, "both", goals["both"])),
        ],
    )
    columns = ["dtype", "T", "B", "I", "H", ""]
    columns += [head for way in ("forward", "BPTT") for head in (f"{way}, ms", "torch", "ratio", "least")]
    return [f"### {title}", summary, table(columns, lines)]


def mean_and_greatest(rows: Rows, name: str, goal: str) -> list[str]:
    """Return the geometric mean and the greatest of the ratios with their goals, then those of the least ratios."""
    ratios, least = ([row[name][kind] for row in rows] for kind in ("ratio", "least"))
    told = [(f"{statistics.geometric_mean(values):.2f}", f"{max(values):.2f}") for values in (ratios, least)]
    return [told[0][0], goal, told[0][1], "1.0", *told[1]]


def pair(found: dict[str, float]) -> list[str]:
    """Return both sides' milliseconds, their ratio and the least possible one."""
    ratios = [f"{found[name]:.2f}" for name in ("ratio", "least")]
    return [milliseconds(found["refrnn"]), milliseconds(found["other"]), *ratios]


def by_hand(rows: Rows) -> list[str]:
    """Tell how many times faster than per-sample code, and how many times can be at most."""
    names = ("forward", "both")
    lines = [
        [*sizes(row)[:5], *(f"{1 / row[name][kind]:.0f}" for name in names for kind in ("ratio", "least"))]
        for row in rows
    ]
    factors = [1 / row[name]["ratio"] for row in rows for name in names]
    possible = [1 / row[name]["least"] for row in rows for name in names]
    reached, reachable = (sum(factor >= TIMES for factor in found) for found in (factors, possible))
    text = (
        "`benchmarks/speed/columns.py` takes one sample at a time, as column vectors in a loop over time. How many "
        f"times faster refrnn is, one thread each; the goal is {TIMES} times at B = 32. Both sides have to multiply "
        "the same matrices, and the larger H, the more of their time that takes: *at most* is the factor of a program "
        f"that does nothing else (`benchmarks/speed/products.py`). Of {len(factors)} factors {reached} reach the goal, "
        f"and with this BLAS at most {reachable} could."
    )
    columns = ("dtype", "T", "B", "I", "H", "forward, times", "at most", "forward + BPTT, times", "at most")
    return ["## Against per-sample code", text, table(columns, lines)]


def growth(rows: Rows) -> list[str]:
    """Tell time and memory against T."""
    lines = [
        [
            row["way"],
            f"{row['steps']:,}",
            f"{row['cpu_seconds']:.3g}",
            f"{row['cpu_seconds'] / row['steps'] * 1e6:.2f}",
            f"{row['bytes'] / 2**20:.1f}",
            f"{row['bytes'] / row['steps']:.0f}",
        ]
        for row in rows
    ]
    text = (
        "Forward and BPTT of one sample (B = 1, I = 1, H = 32, float64, loss on every output), each in a process of "
        "its own, one thread. Seconds are the processor's; memory is what the peak of resident memory grew by during "
        "the pass. `forward_in_segments` and `backward_in_segments` compute the states again, bit for bit those of "
        "the plain pass, in memory that grows with √T beside dL/dx where that is asked for (here it is not). The last "
        "rows are torch.nn.RNN's, with the same sizes and the same loss."
    )
    columns = ("way", "T", "seconds", "µs a step", "memory, MiB", "bytes a step")
    return [
        "## Growth with T",
        text,
        table(columns, lines),
        "![Time and memory against T](benchmarks-growth.svg)",
    ]


def engine(rows: Rows) -> list[str]:
    """Tell where the time of a case goes."""
    parts = ("subject", "reference", "judging", "overhead")
    total = sum(row[part] for row in rows for part in parts)
    spent = {part: sum(row[part] for row in rows) for part in parts}
    lines = [
        [part, milliseconds(statistics.median(row[part] for row in rows)), f"{spent[part] / total:.0%}"]
        for part in parts
    ]
    shares = (spent["judging"] + spent["overhead"]) / spent["subject"]
    text = (
        f"{len(rows)} cases spread evenly over the standard suite, with the subject torch, one thread; medians of "
        "three times each, with another case between so that nothing is remembered. Relations run torch again, "
        "which counts as torch (subject). "
        f"Judging and overhead take {shares:.2f} times what torch takes; the goal is 1."
    )
    return ["## The engine", text, table(("part", "median a case, ms", "share of all time"), lines)]


def startup(measured: dict[str, Rows]) -> list[str]:
    """Tell how long programs take to start."""
    lines = [
        [row["program"], milliseconds(row["cpu_seconds"]), milliseconds(row["seconds"])]
        for row in measured["programs"]
    ]
    imports = ", ".join(f"{row['package']} {milliseconds(row['seconds'])} ms" for row in measured["imports"])
    text = f"Medians. In the process that checks, importing takes longest for: {imports}."
    return ["## Start-up", text, table(("program", "processor, ms", "passed, ms"), lines)]
