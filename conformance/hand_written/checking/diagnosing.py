"""From a diagnosis to what a record tells of it: faults in words, and the steps of the network that it reproduces."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace

import numpy as np
from msgspec import Struct, structs

from conformance.cases import Case
from conformance.faults import CATALOGUE, RIGHT, Choices, simulate
from conformance.faults.cell_mutants import CELL_FAULTS
from conformance.hand_written.budget import Budget
from conformance.hand_written.calling import Bound
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.checking.answering import Answer, answer_on
from conformance.hand_written.checking.choosing import Candidate
from conformance.hand_written.checking.judging import Judged, Truth, judge
from conformance.hand_written.checking.rates import TOO_EARLY, depends_on_the_rate, grows_with_the_rate
from conformance.hand_written.checking.running import Failure
from conformance.hand_written.diagnosis import Diagnosis, Evidence, Suspect, diagnose, diagnose_stack
from conformance.hand_written.diagnosis.search import DEEPEST
from conformance.hand_written.locations import from_here
from conformance.hand_written.torch_modules.written_module import WrittenModule
from conformance.judge import Finding
from conformance.record import exact, number
from conformance.record.check import DiagnosisRecord, FaultRecord, SuspectRecord
from conformance.subjects.observation import Observation


def diagnosed(
    candidate: Candidate,
    progress: Callable[[str], None],
    budget: Budget | None = None,
    deepest: int = DEEPEST,
) -> Diagnosis:
    """Search for the mistakes of one candidate, asking it further questions where those tell sets of them apart.

    The catalogue's are those of the Elman cell; of a cell with gates the lines that mend it tell them.
    """
    if candidate.case.cell != "rnn":
        return Diagnosis(explained=False)
    if nothing := _tells_nothing(candidate):
        return Diagnosis(explained=False, known=(nothing,))
    case, evidence = candidate.case, _evidence(candidate, candidate.answer)

    def probe(case: Case) -> Evidence | None:
        answer = answer_on(candidate.bound, case, candidate.caught)
        return None if isinstance(answer, Failure) else _evidence(candidate, answer)

    if case.layers * case.directions > 1:
        found = diagnose_stack(evidence, progress)
        more = () if found.explained else _of_a_stack(candidate)
    else:
        found = diagnose(evidence, probe=probe, progress=progress, budget=budget, deepest=deepest)
        more = () if found.explained or not grows_with_the_rate(candidate) else (TOO_EARLY,)
    cut = (CUT,) if by_autograd(candidate.bound) and not follows(candidate) else ()
    return structs.replace(found, known=(*found.known, *more, *cut))


CUT = (
    "Its gradients are autograd's and its forward pass is right: something cuts the graph (detach, .data, no_grad, "
    ".numpy()), or a function has a backward pass of its own."
)


def by_autograd(bound: Bound) -> bool:
    """Return whether gradients follow from the forward pass by themselves, so that they can't be wrong beside it."""
    return isinstance(bound, WrittenModule)


def follows(candidate: Candidate) -> bool:
    """Return whether what is wrong with a candidate's gradients follows from its forward pass, by autograd."""
    return by_autograd(candidate.bound) and candidate.outcome.forward == "differs"


def of_the_forward_pass(shown: Observation) -> Observation:
    """Return what was shown of the forward pass alone."""
    return replace(shown, d_x=None, d_h_0=None, parameters={}, d_hidden={}, d_pre={}, step_parameters={})


def _tells_nothing(candidate: Candidate) -> str:
    """Return in words why gradients tell of no mistake: they are complex, never finite, or all 0; empty where they do.

    Such numbers are like those of many mistakes, and are made by none of them.
    """
    tidy = candidate.answer.tidied
    shown = list(tidy.observation.parameters.values())
    if any("complex" in complaint for complaint in tidy.complaints):
        return "What it gives are complex numbers."
    if shown and not any(np.isfinite(g).any() for g in shown):
        return "No element of any gradient is finite."
    if shown and candidate.outcome.forward != "differs" and not any(g.any() for g in shown):
        return "Every gradient that it gives is 0."
    return ""


def _evidence(candidate: Candidate, answer: Answer) -> Evidence:
    """Return what one answer of a candidate tells of its mistakes."""
    shown = answer.tidied.evidence
    return Evidence(
        problem=answer.truth.problem,
        observation=of_the_forward_pass(shown) if follows(candidate) else shown,
        rate=candidate.bound.rate,
        early=depends_on_the_rate(candidate),
        single=bool(answer.tidied.lowered or candidate.inside),
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
    if isinstance(one, Struct) or is_dataclass(one):
        kept = structs.fields(one) if isinstance(one, Struct) else fields(one)
        return all(_equal(getattr(one, field.name), getattr(other, field.name)) for field in kept)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    return one == other


def crossed(bound: Bound) -> bool:
    """Return whether a network's loss makes dL/dy of its own outputs: softmax(y) − one-hot."""
    return isinstance(bound, Binding) and bound.traits.crossed


def assumed(bound: Bound) -> Choices:
    """Return the forward pass by which a network was recognised: the right one, or one with a mistake."""
    seam, _, choice = bound.mistake.partition(" = ")
    return structs.replace(RIGHT, **{seam: choice}) if seam else RIGHT


def _of_a_stack(candidate: Candidate) -> Iterator[str]:
    """Yield what is known of several layers or directions: which of their gradients are wrong."""
    findings = candidate.outcome.judged.findings
    wrong = dict.fromkeys(_placed(finding) for finding in findings if finding.verdict == "differs")
    right = [name for name in dict.fromkeys(map(_placed, findings)) if name not in wrong]
    if right:
        yield f"Right: {', '.join(right)}."
    yield f"Wrong: {', '.join(wrong)}."
    yield "No mistake of the catalogue, and no two of those tried, made in all layers alike, gives all of this."


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
                file=from_here(s.file),
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
    return structs.replace(
        record, explained=bool(faults), faults=faults, equivalents=equivalents, known=[*known, *record.known]
    )


def fault_record(fault: str) -> FaultRecord:
    """Return what the catalogue tells of a fault."""
    of_gates = next((names[fault] for names in CELL_FAULTS.values() if fault in names), "")
    if of_gates:
        return FaultRecord(id=fault, name=of_gates, effect="", mend="", idiom="")
    entry = CATALOGUE[fault]
    return FaultRecord(id=entry.id, name=entry.name, effect=entry.effect, mend=entry.mend, idiom=entry.idiom)


def reproduced(truth: Truth, found: Diagnosis) -> Judged | None:
    """Judge the steps of the network that a diagnosis reproduces, None where it reproduces none.

    They stand in for the steps of a network that keeps none: it has the same gradients to rounding.
    """
    if found.choices is None:
        return None
    steps = simulate(truth.problem, found.choices)
    return judge(truth, Observation(hidden=steps.hidden, d_hidden=steps.d_hidden))
