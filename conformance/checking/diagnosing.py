"""From a diagnosis to what a record tells of it: faults in words, and the steps of the network that it reproduces."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from conformance.budget import Budget
from conformance.calling import Bound
from conformance.calling.binding import Binding
from conformance.cases import Case
from conformance.checking.asking import Answer, asked
from conformance.checking.choosing import Candidate
from conformance.checking.judging import Judged, Truth, judge
from conformance.checking.rates import TOO_EARLY, depends_on_the_rate, grows_with_the_rate
from conformance.checking.running import Failure
from conformance.diagnose import Diagnosis, Evidence, Suspect, diagnose, diagnose_stack
from conformance.diagnose.search import DEEPEST
from conformance.faults import CATALOGUE, RIGHT, Choices, simulate
from conformance.judge import Finding
from conformance.observation import Observation
from conformance.record import exact, number
from conformance.record.check import DiagnosisRecord, FaultRecord, SuspectRecord


def diagnosed(
    candidate: Candidate,
    progress: Callable[[str], None],
    budget: Budget | None = None,
    deepest: int = DEEPEST,
) -> Diagnosis:
    """Search for the mistakes of one candidate, asking it further questions where those tell sets of them apart."""
    case, evidence = candidate.case, _evidence(candidate, candidate.answer)

    def probe(case: Case) -> Evidence | None:
        answer = asked(candidate.bound, case, candidate.said)
        return None if isinstance(answer, Failure) else _evidence(candidate, answer)

    if case.layers * case.directions > 1:
        stack = diagnose_stack(evidence, progress)
        known = () if stack.explained else tuple(_of_a_stack(candidate))
        return dataclasses.replace(stack, known=known)
    found = diagnose(evidence, probe=probe, progress=progress, budget=budget, deepest=deepest)
    if found.explained or not grows_with_the_rate(candidate):
        return found
    return dataclasses.replace(found, known=(*found.known, TOO_EARLY))


def _evidence(candidate: Candidate, answer: Answer) -> Evidence:
    """Return what one answer of a candidate tells of its mistakes."""
    return Evidence(
        problem=answer.truth.problem,
        observation=answer.tidied.evidence,
        rate=candidate.bound.rate,
        early=depends_on_the_rate(candidate),
        single=bool(answer.tidied.lowered),
        crossed=crossed(candidate.bound),
        assumed=assumed(candidate.bound),
    )


def show_the_same(one: Candidate, other: Candidate) -> bool:
    """Return whether two candidates are the same evidence, so that what is found in the one is found in the other."""
    return _equal(_evidence(one, one.answer), _evidence(other, other.answer))


def _equal(one: object, other: object) -> bool:
    """Return whether two values are equal in all that they hold, arrays element by element."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=True)
    if dataclasses.is_dataclass(one):
        names = [field.name for field in dataclasses.fields(one)]
        return all(_equal(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    return one == other


def crossed(bound: Bound) -> bool:
    """Return whether a network's loss makes dL/dy of its own outputs: softmax(y) − one-hot."""
    return isinstance(bound, Binding) and bound.traits.crossed


def assumed(bound: Bound) -> Choices:
    """Return the forward pass by which a network was recognised: the right one, or one with a mistake."""
    seam, _, choice = bound.mistake.partition(" = ")
    return dataclasses.replace(RIGHT, **{seam: choice}) if seam else RIGHT


def _of_a_stack(candidate: Candidate) -> Iterator[str]:
    """Yield what is known of several layers or directions: which of their gradients are wrong."""
    findings = candidate.came.judged.findings
    wrong = dict.fromkeys(_placed(finding) for finding in findings if finding.verdict == "differs")
    right = [name for name in dict.fromkeys(map(_placed, findings)) if name not in wrong]
    if right:
        yield f"Right: {', '.join(right)}."
    yield f"Wrong: {', '.join(wrong)}."
    yield "No mistake of the catalogue, and no two of those that were tried, made in all layers alike, gives these."


def _placed(finding: Finding) -> str:
    """Return what a finding is about, with its layer."""
    c = finding.comparison
    return c.title if c.layer is None else f"{c.title} of layer {c.layer}"


def diagnosis_record(found: Diagnosis, suspects: Sequence[Suspect] = ()) -> DiagnosisRecord:
    """Return what is told of a diagnosis."""
    return DiagnosisRecord(
        explained=found.explained,
        faults=[fault_record(fault) for fault in found.faults],
        equivalents=[list(faults) for faults in found.equivalents],
        by_parameter={name: list(faults) for name, faults in found.by_parameter.items()},
        scale=exact(found.scale),
        scale_name=found.scale_name,
        residual=None if found.residual is None else number(found.residual),
        nearest_miss=None if found.nearest_miss is None else number(found.nearest_miss),
        known=list(found.known),
        suspects=[
            SuspectRecord(
                fault=s.fault,
                file=_from_here(s.file),
                line=s.line,
                text=s.text,
                mended=s.mended,
                verified=s.verified,
            )
            for s in suspects
        ],
    )


def closest_match(record: DiagnosisRecord) -> DiagnosisRecord:
    """Return the diagnosis of another network: its activation is no mistake, and tells what it comes closest to."""
    alike = [fault for fault in record.faults if CATALOGUE[fault.id].seam == "activation"]
    if not alike:
        return record
    faults = [fault for fault in record.faults if fault not in alike]
    known = [f"Closest match: torch.nn.RNN with another activation ({fault.id})." for fault in alike]
    ids = {fault.id for fault in alike}
    equivalents = [rest for names in record.equivalents if (rest := [n for n in names if n not in ids])]
    return replace(
        record, explained=bool(faults), faults=faults, equivalents=equivalents, known=[*known, *record.known]
    )


def fault_record(fault: str) -> FaultRecord:
    """Return what the catalogue tells of a fault."""
    entry = CATALOGUE[fault]
    return FaultRecord(id=entry.id, name=entry.name, effect=entry.effect, mend=entry.mend, idiom=entry.idiom)


def _from_here(file: str) -> str:
    """Return a path as one writes it in the current folder, where it lies below that."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def reproduced(truth: Truth, found: Diagnosis) -> Judged | None:
    """Judge the steps of the network that a diagnosis reproduces, None where it reproduces none.

    They stand in for the steps of a network that keeps none: it has the same gradients to rounding.
    """
    if found.choices is None:
        return None
    steps = simulate(truth.problem, found.choices)
    return judge(truth, Observation(hidden=steps.hidden, d_hidden=steps.d_hidden))
