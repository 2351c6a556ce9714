"""From what was found to be wrong to the numbers of its pictures: maps of steps and units, and matrices."""

from collections.abc import Sequence

import numpy as np

from conformance.judge import Finding
from conformance.judge.comparison import in_words
from conformance.record import Number, number
from conformance.record.pictures import Cell, MapRecord, MatrixRecord
from refrnn import Array

MOST_CELLS = 32
"""Columns or rows of a map, which is as much as fits where 500 points are left for it."""

MOST_ELEMENTS = 6
"""Rows or columns of a matrix that are shown, beside each other got, expected and difference."""

MOST_MATRICES = 6
ALWAYS = ("h", "dL/dh")
"""Quantities whose maps are shown next to one that differs, since they tell where it comes from."""


def map_records(findings: Sequence[Finding]) -> list[MapRecord]:
    """Return a map of the states, of their gradients, and of the first other quantity by step where only that differs.

    Of several layers it is the first that is wrong. Nothing is drawn where nothing differs.
    """
    if not any(f.mismatches for f in findings):
        return []
    by_step = [f for f in findings if f.comparison.axes[:2] == ("t", "row") and not f.comparison.relation]
    wrong = [f for f in by_step if f.mismatches]
    shown = [
        next((f for f in own if f.mismatches), own[-1])
        for own in ([f for f in by_step if f.comparison.title == name] for name in ALWAYS)
        if own
    ]
    if wrong and not any(f.mismatches for f in shown):
        shown.append(wrong[0])
    return [_map(finding) for finding in shown]


def _map(finding: Finding) -> MapRecord:
    c = finding.comparison
    steps, _, units = finding.share.shape
    a_step, a_unit = (max(1, -(-size // MOST_CELLS)) for size in (steps, units))
    cells = [
        [
            _greatest(finding.share[t : t + a_step, :, unit : unit + a_unit])
            for unit in range(0, units, a_unit)
        ]
        for t in range(0, steps, a_step)
    ]
    first = None if finding.first is None else (finding.first.index["t"], finding.first.index[c.axes[2]])
    return MapRecord(
        quantity=c.title,
        where=in_words(c.layer, c.direction, {}),
        columns=cells,
        steps_a_cell=a_step,
        units_a_cell=a_unit,
        first=None if first is None else (first[0] // a_step, first[1] // a_unit),
    )


def _greatest(shares: Array) -> Cell:
    judged = shares[~np.isnan(shares)]
    return number(float(judged.max())) if judged.size else None


def matrix_records(findings: Sequence[Finding]) -> list[MatrixRecord]:
    """Return the gradients of parameters that differ, as matrices; a bias is one row."""
    wrong: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        c = finding.comparison
        if finding.mismatches and c.phase == "backward" and _is_matrix(finding):
            wrong.setdefault((c.title, in_words(c.layer, c.direction, {})), finding)
    return [_matrix(finding) for finding in list(wrong.values())[:MOST_MATRICES]]


def _is_matrix(finding: Finding) -> bool:
    c = finding.comparison
    return not c.relation and not {"t", "row"} & set(c.axes) and finding.share.ndim in (1, 2)


def _matrix(finding: Finding) -> MatrixRecord:
    c = finding.comparison
    axes = c.axes if finding.share.ndim == 2 else ("", *c.axes)
    got, expected, shares = (np.atleast_2d(a) for a in (c.got, c.expected, finding.share))
    part = (slice(MOST_ELEMENTS), slice(MOST_ELEMENTS))
    return MatrixRecord(
        quantity=c.title,
        where=in_words(c.layer, c.direction, {}),
        rows=axes[0],
        columns=axes[1],
        shape=(got.shape[0], got.shape[1]),
        got=_numbers(got[part]),
        expected=_numbers(expected[part]),
        difference=_numbers(got[part] - expected[part]),
        shares=[[None if np.isnan(v) else number(float(v)) for v in row] for row in shares[part]],
    )


def _numbers(values: Array) -> list[list[Number]]:
    return [[number(float(value)) for value in row] for row in values]
