"""The three figures of a report. They draw the numbers that they are given."""

import math
from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from conformance.record import SHARE_STEPS, Number, ProfileRecord, Scales
from conformance.report.palette import (
    ALARM,
    FORBIDDEN,
    INK,
    MUTED,
    NOISE,
    REFERENCE,
    SERIES,
    STYLE,
    SUBJECT,
)
from conformance.report.svg import drawn
from conformance.report.views.spread import KINDS, NoisePoint, ShareSeries, dtypes
from conformance.report.words import legal

TITLES = {"bound": "single steps, share of the bound", "noise": "free runs, share of what noise allows"}
DTYPES = {"f16": "float16", "bf16": "bfloat16", "f32": "float32", "f64": "float64"}
MARKS = dict(zip(KINDS, ("o", "s", "^", "x"), strict=True))
SMALLEST, LARGEST = 1e-30, 1e30
"""What a logarithmic axis shows in place of what is smaller (0, say) or larger."""

LONGEST = 60
"""Letters of a name that a legend has room for."""


def shares(series: Sequence[ShareSeries]) -> str:
    """Draw which part of all elements uses how much of its bound; empty where nothing was counted."""
    rows = sorted({one.dtype for one in series})
    if not rows:
        return ""
    with rc_context(STYLE):
        figure = Figure(figsize=(9.6, 0.7 + 2.1 * len(rows)), layout="constrained")
        grid = figure.subplots(len(rows), 2, sharex=True, sharey=True, squeeze=False)
        names = list(dict.fromkeys(one.subject for one in series))
        for axes_row, dtype in zip(grid, rows, strict=True):
            for axes, scale in zip(axes_row, TITLES, strict=True):
                chosen = [one for one in series if one.dtype == dtype and one.scale == scale]
                _steps(axes, chosen, names)
                axes.set_title(f"{DTYPES.get(dtype, dtype)}: {TITLES[scale]}")
        for axes in grid[:, 0]:
            axes.set_ylabel("part of all elements")
        _legend(figure, columns=6)
        text = (
            "Step lines on a logarithmic scale, one for each subject; nothing lies beyond 1 where all agrees."
        )
        return drawn(figure, "shares", "How much of its bound every element used", text)


def _steps(axes: Axes, series: Sequence[ShareSeries], names: Sequence[str]) -> None:
    axes.axvspan(SHARE_STEPS - 1.5, SHARE_STEPS - 0.5, color=FORBIDDEN, lw=0)
    axes.text(
        SHARE_STEPS - 1, 2e-7, "differs", color=ALARM, rotation=90, ha="center", va="bottom", fontsize=8
    )
    if not series:
        text = "nothing is compared on this scale"
        axes.text(0.48, 0.5, text, color=MUTED, transform=axes.transAxes, ha="center", va="center")
    for one in series:
        colour = SERIES[names.index(one.subject) % len(SERIES)]
        edges = [n - 0.5 for n in range(SHARE_STEPS + 1)]
        heights = [part if part > 0 else math.nan for part in one.parts]
        axes.stairs(heights, edges, color=colour, lw=1.4, label=_plain(one.subject), baseline=None)
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.set_ylim(1e-7, 1.3)
    axes.set_xlim(-0.5, SHARE_STEPS - 0.5)
    powers = range(-15, 1, 3)
    axes.set_xticks(
        [0, *(SHARE_STEPS - 2 + power for power in powers)],
        ["0", *(f"2{str(power).translate(RAISED)}" if power else "1" for power in powers)],
    )


RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def noise(points: Sequence[NoisePoint], scales: Scales) -> str:
    """Draw the noise of every problem against T, with the region in which nothing can be decided."""
    columns = dtypes(points)
    if not columns:
        return ""
    with rc_context(STYLE):
        figure = Figure(figsize=(9.6, 3.6), layout="constrained")
        grid = figure.subplots(1, len(columns), sharex=True, sharey=True, squeeze=False)
        for axes, dtype in zip(grid[0], columns, strict=True):
            axes.axhspan(scales.undecidable_from, 100 * LARGEST, color=FORBIDDEN, lw=0)
            for n, kind in enumerate(KINDS):
                own = [point for point in points if point.dtype == dtype and point.kind == kind]
                axes.plot(
                    [point.steps for point in own],
                    [_within(point.noise) for point in own],
                    MARKS[kind],
                    color=SERIES[n],
                    ms=4,
                    mfc="none",
                    mew=1,
                    label=kind,
                )
            axes.set(xscale="log", yscale="log", xlabel="T, steps")
            axes.minorticks_off()
            axes.set_title(DTYPES.get(dtype, dtype))
        values = [_within(point.noise) for point in points]
        grid[0, 0].set_ylim(min(values) / 5, max(*values, 1.0) * 20)
        grid[0, 0].set_ylabel("noise, relative to the result")
        where = (0.02, 0.97)
        grid[0, 0].text(
            *where, "undecidable for a black box", color=ALARM, va="top", transform=grid[0, 0].transAxes
        )
        _legend(figure, columns=len(KINDS))
        text = "One mark for each problem, by how its data were drawn. Noise grows with T where the gain is above 1."
        return drawn(figure, "noise", "Rounding noise of every problem against its length", text)


def profiles(records: Sequence[ProfileRecord]) -> str:
    """Draw the error of both sides along t against a more precise run, a row for each case."""
    cases = list(dict.fromkeys(record.case for record in records))
    quantities = list(dict.fromkeys(record.quantity for record in records))
    if not cases:
        return ""
    with rc_context(STYLE):
        figure = Figure(figsize=(9.6, 0.8 + 2.2 * len(cases)), layout="constrained")
        figure.get_layout_engine().set(h_pad=0.12)
        grid = figure.subplots(len(cases), len(quantities), squeeze=False)
        for record in records:
            _profile(grid[cases.index(record.case), quantities.index(record.quantity)], record)
        for axes in grid[-1]:
            axes.set_xlabel("t")
        for axes in grid[:, 0]:
            axes.set_ylabel("relative error")
        _legend(figure, columns=3)
        text = "Calm networks stay at rounding on both sides; in chaotic ones both leave the truth together."
        return drawn(figure, "profiles", "Error along t of both sides against a more precise run", text)


def _profile(axes: Axes, record: ProfileRecord) -> None:
    steps = record.steps
    axes.fill_between(
        steps, SMALLEST, _shown(record.noise), color=NOISE, alpha=0.45, lw=0, label="rounding noise"
    )
    axes.plot(steps, _shown(record.subject_error), color=SUBJECT, label=_plain(record.subject))
    axes.plot(steps, _shown(record.reference_error), color=REFERENCE, lw=1, label="refrnn")
    values = [v for v in (*_shown(record.subject_error), *_shown(record.noise)) if v > SMALLEST]
    low, high = min(values, default=1e-17), max(values, default=1.0)
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.set_ylim(low / 10, high * 10)
    axes.set_xlim(steps[0], steps[-1])
    axes.set_title(_plain(f"{record.quantity}, against {record.oracle}"), color=INK)
    axes.text(
        0,
        1.16,
        _plain(record.case),
        transform=axes.transAxes,
        fontsize=8,
        color=MUTED,
        family="monospace",
        va="bottom",
    )


def _legend(figure: Figure, columns: int) -> None:
    """Add one legend below all panels, each label once."""
    pairs = (axes.get_legend_handles_labels() for axes in figure.axes)
    found = {
        label: handle for handles, labels in pairs for handle, label in zip(handles, labels, strict=True)
    }
    figure.legend(found.values(), found, loc="outside lower center", ncols=min(columns, len(found)))


def _plain(text: str) -> str:
    """Return text as Matplotlib draws it literally: no formulas, nothing that SVG can't hold, not too long."""
    short = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return legal(short).replace("$", r"\$")


def _shown(values: Sequence[Number]) -> list[float]:
    """Return values as a logarithmic axis can show them."""
    return [math.nan if value == "nan" else _within(float(value)) for value in values]


def _within(value: float) -> float:
    return min(max(value, SMALLEST), LARGEST)
