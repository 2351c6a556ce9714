"""Planting errors: one element of what a subject shows made wrong, and where that must be found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from conformance import Case, Observation, Problem, Subject, load_subject
from conformance.cases import materialise
from conformance.errors import Unsupported
from conformance.judge import Finding, local_check
from conformance.record import CaseRecord

Index = tuple[int, ...]

INNER = {"h": "hidden", "dL/dh": "d_hidden", "dL/da": "d_pre"}
PARAMETERS = {
    "dL/dW_ih": "weight_ih",
    "dL/dW_hh": "weight_hh",
    "dL/db_ih": "bias_ih",
    "dL/db_hh": "bias_hh",
}
OF_A_STEP = " of a step"


@dataclass(slots=True)
class Shows:
    """A subject that shows what it was given, on the first problem that it meets and on no other."""

    observation: Observation
    name: str = "planted"
    description: str = "an observation made by hand"
    library: str = "torch"
    own: Problem | None = None

    def run(self, problem: Problem) -> Observation:
        self.own = problem if self.own is None else self.own
        if problem is not self.own:
            message = "its answer belongs to another problem"
            raise Unsupported(message)
        return self.observation


@dataclass(frozen=True, slots=True)
class Raises:
    """A subject that raises what it was given."""

    error: BaseException
    name: str = "raises"
    description: str = "never answers"

    def run(self, problem: Problem) -> Observation:  # noqa: ARG002 - it never looks
        raise self.error


@dataclass(frozen=True, slots=True)
class Judged:
    """A case, what a subject showed of it, and what the judge found."""

    case: Case
    problem: Problem
    observation: Observation
    findings: list[Finding]

    def finding(self, quantity: str, layer: int | None = None, direction: int | None = None) -> Finding:
        """Return what was found of one quantity, of any place unless one is named."""
        return next(
            f
            for f in self.findings
            if f.comparison.quantity == quantity
            and (layer is None or (f.comparison.layer, f.comparison.direction) == (layer, direction))
        )


def judged(case: Case, subject: Subject | str) -> Judged:
    """Run a subject on a case and judge it."""
    runner = load_subject(subject) if isinstance(subject, str) else subject
    problem = materialise(case)
    with np.errstate(all="ignore"):
        observation = runner.run(problem)
    return Judged(case, problem, observation, findings_on(problem, Shows(observation)))


def findings_on(problem: Problem, subject: Subject) -> list[Finding]:
    """Judge a subject on a problem, whose data may differ from those of its case."""
    with np.errstate(all="ignore"):
        return local_check(problem, subject.run(problem))


def parameter_name(finding: Finding) -> str:
    """Return torch's name of the parameter whose gradient was compared."""
    c = finding.comparison
    kind = PARAMETERS[c.quantity.removesuffix(OF_A_STEP)]
    return f"{kind}_l{c.layer}" + ("_reverse" if c.direction else "")


def element(run: Judged, finding: Finding, index: Index) -> float:
    """Return the value that the subject shows at a place, in its own precision."""
    _, array = _opened(run, finding)
    return array[index]


def planted(run: Judged, finding: Finding, index: Index, value: float) -> Observation:
    """Return the observation with one element changed."""
    changed, array = _opened(run, finding)
    array[index] = value
    return replace(run.observation, **changed)


def _opened(run: Judged, finding: Finding) -> tuple[dict[str, object], np.ndarray]:
    """Return the field that holds a quantity, copied, and a writeable view of it in the finding's axes."""
    c, o, layout = finding.comparison, run.observation, run.problem.layout
    place = (c.layer, c.direction)
    if c.quantity in INNER:
        return _entry(INNER[c.quantity], getattr(o, INNER[c.quantity]), place)
    if c.quantity.removesuffix(OF_A_STEP) in PARAMETERS:
        field = "step_parameters" if c.quantity.endswith(OF_A_STEP) else "parameters"
        return _entry(field, getattr(o, field), parameter_name(finding))
    field = {"output": "output", "h_n": "h_n", "dL/dx": "d_x", "dL/dh_0": "d_h_0"}[c.quantity]
    copy = getattr(o, field).copy()
    if field in ("output", "d_x"):
        return {field: copy}, layout.time_major(copy)
    return {field: copy}, layout.batched_state(copy)[run.problem.places.index(place)]


def _entry(field: str, arrays: Mapping, key: object) -> tuple[dict[str, object], np.ndarray]:
    copy = arrays[key].copy()
    return {field: {**arrays, key: copy}}, copy


def off_by(value: np.floating, error: float, sign: int) -> np.floating:
    """Return the number nearest to `value` that is off by at least `error`, and by something visible."""
    kind = type(value)
    away = kind(sign * np.inf)
    stored = kind(float(value) + sign * error)
    if stored == value:
        stored = np.nextafter(value, away)
    while abs(float(stored) - float(value)) < error:
        stored = np.nextafter(stored, away)
    return stored


def where(finding: Finding, index: Index) -> str:
    """Return the words in which a record must name a place."""
    c = finding.comparison
    words = [] if c.layer is None else [f"layer {c.layer} {'reverse' if c.direction else 'forward'}"]
    for axis, i in zip(c.axes, index, strict=True):
        words.append(f"t = {i}" if axis == "t" else f"{axis} {i}")
    return ", ".join(words)


def names(record: CaseRecord, finding: Finding, index: Index) -> bool:
    """Tell whether a record says that this very element is the first that is wrong."""
    first = record.first_divergence
    return first is not None and (first.phase, first.quantity, first.where) == (
        finding.comparison.phase,
        finding.comparison.quantity,
        where(finding, index),
    )


def decided(finding: Finding) -> np.ndarray:
    """Return which elements were judged and decided, and are numbers, to which an error can be added."""
    return ~np.isnan(finding.share) & np.isfinite(finding.comparison.got)


def bound_at(finding: Finding, index: Index) -> float:
    """Return the bound of one element."""
    c = finding.comparison
    return float(np.broadcast_to(np.asarray(c.bound), c.got.shape)[index])


def sampled(
    run: Judged, rng: np.random.Generator, count: int, quantities: tuple[str, ...] = ()
) -> Iterator[tuple[Finding, Index]]:
    """Yield decided places, every quantity (of the ones asked for) as likely as another."""
    by_quantity: dict[str, list[Finding]] = {}
    for finding in run.findings:
        name = finding.comparison.quantity
        if decided(finding).any() and (not quantities or name in quantities):
            by_quantity.setdefault(name, []).append(finding)
    kinds = list(by_quantity)
    for n in range(count if kinds else 0):
        group = by_quantity[kinds[n % len(kinds)] if count >= len(kinds) else rng.choice(kinds)]
        finding = group[rng.integers(len(group))]
        yield finding, tuple(map(int, rng.choice(np.argwhere(decided(finding)))))
