"""The steps of a subject and of the reference next to each other, for one case."""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

from conformance.cases import Case
from conformance.examination.engine import problem_of
from conformance.judge import Finding, local_check
from conformance.subjects import load_subject
from conformance.subjects.observation import Observation, Subject
from refrnn import Array

GRADIENT, PRE_ACTIVATION = "dL/d", "dL/da"
"""What the name of a gradient begins with, and that of one by what goes into an activation."""


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
    problem, reference = problem_of(case), load_subject("reference")
    with np.errstate(all="ignore"):
        observation, free = subject.run(problem), reference.run(problem)
        findings = local_check(problem, observation)
        steps = _steps(free) | _pre_activations(free, findings)
        for finding in findings:
            c = finding.comparison
            if (c.quantity, (c.layer, c.direction)) in steps:
                yield _title(finding), _rows(finding, steps[c.quantity, (c.layer, c.direction)])


def _steps(free: Observation) -> dict[tuple[str, tuple[int | None, int | None]], Array]:
    """Return what the reference shows of steps in its free run: (T, B, ·), by quantity and place."""
    found = {("h", place): array for place, array in free.hidden.items()} | dict(free.inner)
    gradients = {("h", place): array for place, array in free.d_hidden.items()} | dict(free.d_inner)
    return found | {(GRADIENT + letter, place): array for (letter, place), array in gradients.items()}


def _pre_activations(
    free: Observation, findings: Sequence[Finding]
) -> dict[tuple[str, tuple[int | None, int | None]], Array]:
    """Return dL/da_t of the reference's free run, each block of rows of W_ih by the quantity that it is compared as."""
    blocks: dict[tuple[int | None, int | None], list[str]] = {}
    for finding in findings:
        c = finding.comparison
        if c.quantity.startswith(PRE_ACTIVATION):
            blocks.setdefault((c.layer, c.direction), []).append(c.quantity)
    return {
        (quantity, place): part
        for place, quantities in blocks.items()
        for quantity, part in zip(
            quantities, np.split(free.d_pre[place], len(quantities), axis=-1), strict=True
        )
    }


def _title(finding: Finding) -> str:
    c = finding.comparison
    side = ("forward", "reverse")[c.direction or 0]
    return f"{c.quantity}, {c.phase} pass, layer {c.layer} {side}: {finding.verdict}"


def _rows(finding: Finding, free_run: Array) -> list[StepRow]:
    c = finding.comparison
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
