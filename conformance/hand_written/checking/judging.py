"""One run of a hand-written network, judged: the forward pass first, the backward pass only on top of it.

The comparisons are those of every other subject: each step recomputed from the network's own previous values where
it keeps them, results against the reference in units of noise where it doesn't.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, cast

import numpy as np
from msgspec import Struct, field, structs

from conformance.cases import Problem
from conformance.examination.recording import verdict_of
from conformance.hand_written.remembering import once_for_equal
from conformance.judge import (
    Allowance,
    Comparison,
    Finding,
    Precision,
    allowances,
    decide,
    decided,
    end_to_end_check,
    local_check,
    malformed,
)
from conformance.judge.comparison import Phase
from conformance.judge.local_head import OUTPUT
from conformance.record import Verdict
from conformance.subjects.observation import Observation
from conformance.subjects.reference import observe
from refrnn import Array

EPSILON = float(np.finfo(np.float64).eps)
"""Twice the unit roundoff: what rounding an update costs, and reading it off."""


class Truth(Struct, frozen=True, kw_only=True):
    """What is right for one problem: the reference in float64, and how far rounding may lead from it."""

    problem: Problem
    exact: Observation
    allowed: Mapping[str, Allowance]

    @classmethod
    def of(cls, problem: Problem) -> "Truth":
        """Run the reference on `problem` and measure its noise."""
        exact = _reference(problem)
        return cls(problem=problem, exact=exact, allowed=_allowed(problem, exact))

    def in_single_precision(self) -> "Truth":
        """Return the same truth with the allowance of a network that computes in float32."""
        problem = replace(self.problem, case=replace(self.problem.case, dtype="f32"))
        return structs.replace(self, problem=problem, allowed=_allowed(problem, self.exact))

    def read_off_updates(self, rate: float) -> "Truth":
        """Return the same truth for gradients that are read off updates by a rate: (w − (w − r·g)) / r.

        Such an update is rounded to u·(|w| + r·|g|), and read off with as much again.
        """
        held = self.problem.parameters
        biases = {
            n: np.abs(w) + np.abs(held.get(_other_bias(n), 0.0)) for n, w in held.items() if "bias" in n
        }
        allowed = dict(self.allowed)
        for name in held.keys() & allowed.keys() & self.exact.parameters.keys():
            size = biases.get(name, np.abs(held[name])) + rate * np.abs(self.exact.parameters[name])
            allowed[name] = structs.replace(allowed[name], bound=allowed[name].bound + EPSILON * size / rate)
        return structs.replace(self, allowed=allowed)


@once_for_equal
def _reference(problem: Problem) -> Observation:
    return observe(problem, np.float64)


@once_for_equal
def _allowed(problem: Problem, exact: Observation) -> Mapping[str, Allowance]:
    with np.errstate(all="ignore"):
        return allowances(problem, exact)


def _other_bias(name: str) -> str:
    """Return the bias that may lie in one array with another, bias_hh with bias_ih."""
    return name.replace("bias_ih", "bias_hh") if "bias_ih" in name else name.replace("bias_hh", "bias_ih")


class Judged(Struct, frozen=True, kw_only=True):
    """What a network showed on one problem, and what came out of comparing it."""

    truth: Truth
    shown: Observation
    findings: Sequence[Finding]

    def of_phase(self, phase: Phase) -> list[Finding]:
        """Return the findings of one pass."""
        return [finding for finding in self.findings if finding.comparison.phase == phase]

    def verdict(self, phase: Phase) -> Verdict | None:
        """Return what the findings of one pass say together, None where nothing of it was shown."""
        findings = self.of_phase(phase)
        return verdict_of(findings)[0] if findings else None


@once_for_equal
def judge(truth: Truth, shown: Observation) -> Judged:
    """Judge everything in `shown`, forward first.

    Where the forward pass differs, a backward pass is only judged step by step, from the network's own states.
    """
    with np.errstate(all="ignore"):
        findings = _findings(truth, shown)
    forward = [f for f in findings if f.comparison.phase == "forward"]
    if any(f.verdict == "differs" for f in forward):
        findings = forward + [
            f for f in findings if f.comparison.phase == "backward" and f.comparison.scale != "noise"
        ]
    return Judged(truth=truth, shown=shown, findings=findings)


def _findings(truth: Truth, shown: Observation) -> list[Finding]:
    problem, rest = truth.problem, shown
    last: list[Finding] = []
    if problem.case.cotangents == "last" and shown.y is not None:
        rest = replace(shown, y=None)
        last = decide([_last_y(truth, shown.y)], Precision.of(problem.format))
    local = local_check(problem, rest)
    free = end_to_end_check(problem, rest, truth.exact, truth.allowed, decided(problem, local))
    local = _without_copies_of_what_is_wrong(problem, rest, local, free)
    return sorted(local + last + free, key=_place_in_the_flow)


FLOW = ("h", "output", "h_n", "c_n", "y")
"""What a forward pass computes, in the order of the data flow, after what a step computes on its way to h."""


def _place_in_the_flow(finding: Finding) -> int:
    """Return where a quantity stands in the data flow; those of a backward pass come in its order."""
    quantity = finding.comparison.quantity
    if finding.comparison.phase == "backward":
        return len(FLOW)
    return FLOW.index(quantity) if quantity in FLOW else -1


def _without_copies_of_what_is_wrong(
    problem: Problem, shown: Observation, local: Sequence[Finding], free: Sequence[Finding]
) -> list[Finding]:
    """Return what was found locally, but for h_n next to states that were read off a wrong output.

    Where the output alone is wrong, a right h_n isn't: it is held against the reference.
    """
    if not any(f.comparison.quantity == "output" and f.verdict == "differs" for f in free):
        return list(local)
    read_off = {place for place in problem.places if place not in shown.hidden}

    def is_copy(finding: Finding) -> bool:
        c = finding.comparison
        return c.quantity == "h_n" and (c.layer, c.direction) in read_off

    return [finding for finding in local if not is_copy(finding)]


def _last_y(truth: Truth, y: Array) -> Comparison:
    """Compare y at the last step alone, as a loss on the last step sees it; before it y may hold anything."""
    major = truth.problem.layout.time_major
    got, expected, allowed = major(y), major(cast("Array", truth.exact.y)), truth.allowed["y"]
    return Comparison(
        phase="forward",
        quantity="y",
        layer=None,
        direction=None,
        axes=OUTPUT,
        got=got,
        expected=expected,
        bound=allowed.bound,
        doubtful=allowed.doubtful,
        judged=np.broadcast_to(np.arange(len(got))[:, np.newaxis, np.newaxis] == len(got) - 1, got.shape),
        scale="noise",
    )


class Tidied(Struct, frozen=True, kw_only=True):
    """An observation in float64 whose arrays have the right shapes, and what was wrong with the others."""

    observation: Observation
    complaints: tuple[str, ...]
    lowered: tuple[str, ...]  # what came in a lower precision
    by_sample: Mapping[str, Array] = field(
        default_factory=dict
    )  # gradients of parameters left for each sample

    @property
    def evidence(self) -> Observation:
        """The observation with the gradients that were left for each sample, which is a mistake with a name."""
        return replace(self.observation, parameters={**self.observation.parameters, **self.by_sample})


def tidied(problem: Problem, observation: Observation) -> Tidied:
    """Leave out what has a wrong shape or name, with a sentence for each, and widen what came in low precision."""
    if not isinstance(observation, Observation):
        return Tidied(
            observation=Observation(), complaints=tuple(malformed(problem, observation)), lowered=()
        )
    kept: dict[str, Any] = {}
    complaints: list[str] = []
    lowered: list[str] = []
    by_sample: dict[str, Array] = {}
    for part, key, array in _arrays(observation):
        if _is_low(array):
            lowered.append(part if key is None else f"{part}[{key!r}]")
            array = array.astype(np.float64)  # noqa: PLW2901 - the same array, widened
        alone = Observation(**{part: array if key is None else {key: array}})
        if complaint := malformed(problem, alone):
            complaints += complaint
            if part == "parameters" and _is_by_sample(problem, key, array):
                by_sample[key] = array.copy()
        elif key is None:
            kept[part] = array.copy()
        else:
            kept.setdefault(part, {})[key] = array.copy()
    return Tidied(
        observation=Observation(**kept),
        complaints=tuple(complaints),
        lowered=tuple(dict.fromkeys(lowered)),
        by_sample=by_sample,
    )


def _arrays(observation: Observation) -> Iterator[tuple[str, Any, Any]]:
    """Yield every array of an observation with its field, and its key where the field is a mapping."""
    for part in fields(observation):
        shown = getattr(observation, part.name)
        if isinstance(shown, Mapping):
            yield from ((part.name, key, array) for key, array in shown.items())
        elif shown is not None:
            yield part.name, None, shown


def _is_by_sample(problem: Problem, name: str, gradient: object) -> bool:
    """Tell whether a gradient has the shape of its parameter once for each sample."""
    parameter = problem.parameters.get(name)
    shape = getattr(gradient, "shape", None)
    return parameter is not None and shape == (problem.case.batch, *parameter.shape)


def _is_low(array: object) -> bool:
    return isinstance(array, np.ndarray) and array.dtype in (np.dtype(np.float32), np.dtype(np.float16))
