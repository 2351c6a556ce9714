"""The end-to-end check: results of a black box against the reference, in units of the problem's rounding noise.

Where a subject shows its steps the local check is sharper and this one isn't needed. Where it doesn't, its results
are compared with those of the reference in float64 after both ran freely. Correct programs stayed within a few units of
noise in every calibration (benchmarks/noise_calibration.json); THRESHOLD leaves room beyond the worst.

Where the noise isn't small against the quantity (a chaotic network) or was so at a step before, or where a correct
program may overflow on the way, the comparison would mean nothing: undecidable.
"""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from msgspec import Struct

from conformance.cases import FORMATS, Format, Problem
from conformance.judge import geometry
from conformance.judge.comparison import Comparison, Finding, Scale
from conformance.judge.decision import decide
from conformance.judge.flow import magnitude
from conformance.judge.noise import Noise, noise_of
from conformance.judge.results import Result, results
from conformance.judge.rounding import Precision
from conformance.subjects.observation import Observation
from refrnn import Array

THRESHOLD = 30
"""Noise units from which a result differs: several times the worst ratio of correct code in the calibration."""

MEANINGLESS = FORMATS["f64"].telling / THRESHOLD
"""Noise over scale from which a comparison means nothing: THRESHOLD units of it would hide too much of the quantity."""


class Allowance(Struct, frozen=True, kw_only=True):
    """How far two correct programs may lie apart in one result, and where that says nothing.

    `relative` is the noise of the noisiest row over that row itself.
    """

    bound: Array
    doubtful: Array
    relative: float


def allowances(problem: Problem, exact: Observation, *, flushes: bool = False) -> dict[str, Allowance]:
    """Return what rounding noise allows for every result; `exact` is the reference in float64.

    With `flushes`, subnormals may be 0 at every operation. What is 0 in padding takes part in no operation, so nothing
    is allowed there.
    """
    precision = Precision.of(problem.format, flushes=flushes)
    true = {name: result.value for name, result in results(problem, exact).items()}
    hopeless = may_overflow(problem, exact, precision)
    found = noise_of(problem, true, precision)
    lost = {name: _is_large(noise, problem.format) for name, noise in found.items()}
    inherited = _inherited_doubt(problem, lost)
    return {
        name: Allowance(
            bound=np.where(_in_padding(problem, name), 0.0, THRESHOLD * noise.value),
            doubtful=lost[name] | (inherited if name == "output" else inherited.any()) | hopeless,
            relative=float(noise.relative.max()),
        )
        for name, noise in found.items()
    }


def _in_padding(problem: Problem, name: str) -> Array:
    """Return which steps of a result are padding (T, B, 1); none of one that has no steps."""
    of_steps = name in ("output", "dL/dx")
    return ~geometry.active(problem) if of_steps else np.zeros(())


def _is_large(noise: Noise, form: Format) -> Array:
    """Return where noise is no small part of its row; it isn't a number in rows that overflow or aren't numbers."""
    return ~(noise.relative <= form.telling / THRESHOLD)  # a NaN isn't less


def _inherited_doubt(problem: Problem, lost_in: Mapping[str, Array]) -> Array:
    """Return at which steps (T, 1, 1) what came before is lost in noise, or can't be told from what is.

    Noise that isn't small sends replays and correct programs along different trajectories. These may meet again, in
    the replays alone, so that noise looks small further on and isn't: whatever follows in the data flow (later
    steps, or all of them in both directions, and every gradient) is in doubt as well.
    """
    lost = lost_in["output"].any(axis=(1, 2), keepdims=True)
    ends_lost = any(where.any() for name, where in lost_in.items() if name.startswith(("h_n", "c_n")))
    if problem.case.bidirectional:
        return np.full_like(lost, lost.any() or ends_lost)
    lost = np.logical_or.accumulate(lost)
    lost[-1] |= ends_lost  # after the last step of every layer
    return lost


def greatest_noise(allowed: Mapping[str, Allowance]) -> float:
    """Return the noise of the noisiest row of all results over that row itself; NaN is as much as can be."""
    found = [
        math.inf if math.isnan(allowance.relative) else allowance.relative for allowance in allowed.values()
    ]
    return max(found, default=0.0)


def end_to_end_check(
    problem: Problem,
    observation: Observation,
    exact: Observation,
    allowed: Mapping[str, Allowance],
    decided: Collection[str],
) -> list[Finding]:
    """Judge every result against `exact`, the reference in float64, within what is `allowed` for it.

    Where that can't decide, a result that the local check has `decided` is left to it. Where both can, both count: the
    bound of a sum over many steps grows with their number, the noise hardly does.
    """
    precision, true = Precision.of(problem.format), results(problem, exact)
    shown = results(problem, observation)
    findings = decide(
        (compared(result, result.value, true[name].value, allowed[name]) for name, result in shown.items()),
        precision,
    )
    return [
        finding
        for name, finding in zip(shown, findings, strict=True)
        if name not in decided or finding.verdict != "undecidable"
    ]


def settled(local: Sequence[Finding], free: Sequence[Finding]) -> list[Finding]:
    """Return all findings but the coarse ones of the local check on which the free runs agree.

    The bound of a sum over many steps grows with their number; where noise tells more, it decides.
    """
    agreed = {_key(finding) for finding in free if finding.verdict == "agrees"}
    too_coarse = [f.is_coarse and not (f.mismatches or f.undecided) and _key(f) in agreed for f in local]
    return [*(f for f, coarse in zip(local, too_coarse, strict=True) if not coarse), *free]


def _key(finding: Finding) -> tuple[str, int | None, int | None]:
    c = finding.comparison
    return c.quantity, c.layer, c.direction


def compared(
    result: Result,
    got: Array,
    expected: Array,
    allowance: Allowance,
    *,
    relation: str = "",
    scale: Scale = "noise",
) -> Comparison:
    """Return the comparison of two versions of (a part of) `result` within `allowance`."""
    layer, direction = (None, None) if result.place is None else result.place
    return Comparison(
        phase=result.phase,
        quantity=result.quantity,
        layer=layer,
        direction=direction,
        axes=result.axes,
        got=got.astype(np.float64),
        expected=expected.astype(np.float64),
        bound=allowance.bound,
        doubtful=allowance.doubtful,
        scale=scale,
        relation=relation,
    )


def may_overflow(problem: Problem, exact: Observation, precision: Precision) -> bool:
    """Return whether an intermediate result of a correct program may reach the largest number of its precision.

    No sum on the way exceeds the largest value that enters it times the largest row or column sum of |W|. Where data
    aren't finite, what isn't either counts as 0: what grew so had been large before.
    """
    size = np.abs if problem.is_finite else magnitude
    inner = [*exact.hidden.values(), *exact.d_hidden.values(), *exact.step_parameters.values()]
    inner += [*exact.inner.values(), *exact.d_inner.values()]
    results = (*exact.parameters.values(), exact.d_x, exact.d_h_0, exact.d_c_0)
    values = [v for v in (*inner, *results) if v is not None]
    largest = size(np.concatenate([[0.0], *values], axis=None)).max()  # NaN where there is one
    growth = max(float(size(w.astype(np.float64)).sum()) for w in problem.weights.values())
    return not largest * (1 + growth) < precision.largest / 4  # a NaN isn't less
