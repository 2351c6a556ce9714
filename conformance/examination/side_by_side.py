"""The steps of a subject and of the reference next to each other, for one case."""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from conformance.cases import Case, materialise
from conformance.judge import Finding, local_check
from conformance.subjects import load_subject
from conformance.subjects.observation import Observation, Subject

SHOWN = {"h": "hidden", "dL/dh": "d_hidden"}
"""Quantities that have steps, and where an observation keeps them."""


class StepRow(Struct, frozen=True, kw_only=True):
    """One step, by the element that uses most of its bound."""

    t: int
    row: int
    unit: int
    subject: float
    one_step: float  # the reference, from the subject's own previous values
    difference: float
    share: float
    free_run: float  # the reference, run freely from the start


def side_by_side(case: Case, subject: Subject) -> Iterator[tuple[str, list[StepRow]]]:
    """Yield a title and the rows of every layer, direction and pass, in the order of the data flow."""
    problem, reference = materialise(case), load_subject("reference")
    with np.errstate(all="ignore"):
        observation, free = subject.run(problem), reference.run(problem)
        for finding in local_check(problem, observation):
            if finding.comparison.quantity in SHOWN:
                yield _title(finding), _rows(finding, free)


def _title(finding: Finding) -> str:
    c = finding.comparison
    side = ("forward", "reverse")[c.direction or 0]
    return f"{c.quantity}, {c.phase} pass, layer {c.layer} {side}: {finding.verdict}"


def _rows(finding: Finding, free: Observation) -> list[StepRow]:
    c = finding.comparison
    free_run = getattr(free, SHOWN[c.quantity])[c.layer, c.direction]
    order = range(len(c.got) - 1, -1, -1) if c.backwards else range(len(c.got))
    rows: list[StepRow] = []
    for t in order:
        if np.isnan(finding.share[t]).all():
            continue
        row, unit = map(int, np.unravel_index(int(np.nanargmax(finding.share[t])), finding.share[t].shape))
        index = (t, row, unit)
        rows.append(
            StepRow(
                t=t,
                row=row,
                unit=unit,
                subject=float(c.got[index]),
                one_step=float(c.expected[index]),
                difference=float(abs(c.got[index] - c.expected[index])),
                share=float(finding.share[index]),
                free_run=float(free_run[index]),
            )
        )
    return rows
