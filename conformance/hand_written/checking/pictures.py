"""What the pictures of a check show beside those of any subject: dL/dh along t, and the lines of the source."""

import linecache
from collections.abc import Iterable

import numpy as np

from conformance.hand_written.checking import steps
from conformance.hand_written.checking.judging import Judged
from conformance.hand_written.locations import from_here
from conformance.judge import Finding
from conformance.record import Number, number
from conformance.record.pictures import ExcerptRecord, NormsRecord
from refrnn import Array

AROUND = 4
"""Lines of a source that are shown before and after one that is told of."""

MOST_STEPS = 200
"""Steps up to which a curve is drawn."""


def norms_record(judged: Judged, states: Finding) -> NormsRecord | None:
    """Return the sizes of dL/dh along t where they differ, next to those of the reference, split by their sources.

    None below the last layer and in the reverse direction, where other sources meet.
    """
    c, case = states.comparison, judged.truth.problem.case
    place = (c.layer, c.direction)
    if not states.mismatches or place != (case.layers - 1, 0) or len(c.got) > MOST_STEPS:
        return None
    expected = judged.truth.exact.d_hidden[place]
    from_output = steps.from_output(judged)
    return NormsRecord(
        got=_sizes(c.got),
        expected=_sizes(expected),
        from_output=_sizes(from_output),
        from_next=_sizes(expected - from_output),
    )


def _sizes(values: Array) -> list[Number]:
    with np.errstate(all="ignore"):
        return [number(float(np.linalg.norm(step))) for step in values]


def excerpts(places: Iterable[tuple[str, int]]) -> list[ExcerptRecord]:
    """Return the lines of sources around some places, files and lines, in runs that don't overlap."""
    by_file: dict[str, list[int]] = {}
    for file, line in places:
        by_file.setdefault(file, []).append(line)
    found: list[ExcerptRecord] = []
    for file, lines in by_file.items():
        source = linecache.getlines(file)
        for first, last in _runs(sorted(lines)):
            start, stop = max(1, first - AROUND), min(len(source), last + AROUND)
            if kept := [line.rstrip("\r\n") for line in source[start - 1 : stop]]:
                found.append(ExcerptRecord(file=from_here(file), first=start, lines=kept))
    return found


def _runs(lines: list[int]) -> list[tuple[int, int]]:
    """Return the first and the last of lines that are shown together.

    >>> _runs([3, 5, 40])
    [(3, 5), (40, 40)]
    """
    found = [(lines[0], lines[0])]
    for line in lines[1:]:
        if line - found[-1][1] <= 2 * AROUND + 1:
            found[-1] = (found[-1][0], line)
        else:
            found.append((line, line))
    return found
