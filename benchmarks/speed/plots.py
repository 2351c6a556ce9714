"""The two plots of the page. They draw the numbers that they are given."""

from collections.abc import Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from conformance.report.palette import ALARM, REFERENCE, STYLE, SUBJECT, THIRD
from conformance.report.svg import drawn

Rows = Sequence[dict[str, Any]]
PAGE = STYLE | {"figure.facecolor": "white"}
COLOURS = {"forward": SUBJECT, "both": REFERENCE, "plain": SUBJECT, "segments": REFERENCE, "torch": THIRD}
NAMES = {"forward": "forward", "both": "forward + BPTT"}
LEAST = {name: f"products of {words} alone" for name, words in NAMES.items()}


def ratio_plot(rows: Rows) -> str:
    """Draw the ratio to torch of every row."""
    labels = [f"{r['dtype']}  {r['T']}, {r['B']}, {r['I']}, {r['H']}  {r['remark']}" for r in rows]
    with rc_context(PAGE):
        figure = Figure(figsize=(9.0, 0.9 + 0.24 * len(rows)), layout="constrained")
        axes = figure.subplots()
        for name, mark in (("forward", "o"), ("both", "s")):
            values = [row[name]["ratio"] for row in rows]
            least = [row[name]["least"] for row in rows]
            axes.plot(values, range(len(rows)), mark, color=COLOURS[name], ms=5, label=NAMES[name])
            axes.plot(least, range(len(rows)), mark, color=COLOURS[name], ms=5, mfc="none", label=LEAST[name])
        axes.axvline(1, color=ALARM, lw=1)
        axes.set_yticks(range(len(rows)), labels)
        axes.invert_yaxis()
        axes.set_xlim(left=0)
        axes.set_xlabel("time of refrnn / time of torch.nn.RNN (T, B, I, H at the left)")
        axes.legend(loc="best")
        return drawn(
            figure,
            "ratios",
            "Time of refrnn in units of torch's",
            "Full marks: refrnn; hollow ones: the matrix products alone. The line is 1.",
        )


def growth_plot(rows: Rows) -> str:
    """Draw seconds and memory against T on logarithmic axes."""
    with rc_context(PAGE):
        figure = Figure(figsize=(9.0, 3.4), layout="constrained")
        for axes, (key, label) in zip(
            figure.subplots(1, 2), (("cpu_seconds", "seconds"), ("bytes", "bytes of memory")), strict=True
        ):
            for way in dict.fromkeys(row["way"] for row in rows):
                own = [row for row in rows if row["way"] == way]
                axes.plot(
                    [r["steps"] for r in own],
                    [r[key] for r in own],
                    "o-",
                    color=COLOURS[way],
                    ms=4,
                    label=way,
                )
            axes.set(xscale="log", yscale="log", xlabel="T, steps", ylabel=label)
            axes.minorticks_off()
            axes.legend()
        return drawn(
            figure, "growth", "Time and memory of forward and BPTT against T", "One line for each way."
        )
