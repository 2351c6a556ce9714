"""From what was found to the record of a check."""

from collections.abc import Sequence

from msgspec import structs

from conformance.cases import Problem
from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.examination.pictures import map_records, matrix_records
from conformance.examination.recording import first_divergence_record, quantity_records
from conformance.hand_written.checking import steps
from conformance.hand_written.checking.constant import constant_of
from conformance.hand_written.checking.diagnosing import closest_match, diagnosis_record, reproduced
from conformance.hand_written.checking.found import Found
from conformance.hand_written.checking.gate_faults import named, suspects_of, with_names
from conformance.hand_written.checking.judging import Judged
from conformance.hand_written.checking.mended import fix_records, where_it_goes_wrong
from conformance.hand_written.checking.pictures import excerpts, norms_record
from conformance.hand_written.checking.pointing import suspected
from conformance.hand_written.checking.verdict import headline, names_of, verdict_of
from conformance.hand_written.diagnosis import Suspect
from conformance.hand_written.mending.fixes import Fix
from conformance.hand_written.request import Request
from conformance.judge import not_shown
from conformance.record.check import (
    CHECK_SCHEMA,
    CheckRecord,
    InterfaceRecord,
)
from conformance.subjects.observation import Observation


def judged_record(request: Request, found: Found) -> CheckRecord:
    """Return the record of a network that ran."""
    candidate, outcome = found.candidate, found.outcome
    bound, shown = candidate.bound, candidate.answer.tidied.observation
    constant = constant_of(found)
    verdict = verdict_of(found, constant)
    another = verdict == "another-network"
    suspects = _suspects(found)
    if found.diagnosis is not None and found.mend is not None and found.mend.fixes:
        of_gates = named(candidate, found.mend)
        suspects = [*suspects, *suspects_of(of_gates)]
        found = structs.replace(found, diagnosis=with_names(found.diagnosis, of_gates)) if of_gates else found
    diagnosis = None if found.diagnosis is None else diagnosis_record(found.diagnosis, suspects)
    if another and diagnosis is not None:
        diagnosis = closest_match(diagnosis)
    stepwise = stepwise_of(found)
    states = steps.of_states(stepwise)
    told = not (another or verdict == "undecided" or found.right_by_its_own)
    fixes = [] if found.mend is None else fix_records(found.mend.fixes, suspects)
    return CheckRecord(
        schema=CHECK_SCHEMA,
        target=request.target,
        verdict=verdict,
        headline=headline(found, verdict, constant),
        case=candidate.case.id,
        forward="differs" if found.outputs_differ else outcome.forward,
        backward="agrees" if found.right_by_its_own else outcome.backward,
        interface=InterfaceRecord(lines=list(bound.interface.lines), adapter=bound.interface.adapter()),
        quantities=quantity_records(found.reported),
        first_divergence=first_divergence_record(stepwise.findings) if told else None,
        simulated_steps=stepwise is not outcome.judged,
        inherited="" if states is None or verdict == "undecided" else steps.inherited(states),
        split=[] if states is None else steps.split(stepwise, states),
        scale=constant,
        diagnosis=diagnosis,
        as_written=list(found.as_written),
        consistency=found.consistency,
        parts=list(found.parts),
        contracts=list(found.contracts),
        notes=[*found.complaints, *bound.notes, *candidate.caught.messages],
        not_checked=[] if another else missing(outcome.judged.truth.problem, shown),
        reproduce=request.reproduce,
        unjudged=names_of(found.uncalled) if outcome.backward is None else [],
        fixes=fixes,
        other_fixes=[] if found.mend is None else fix_records(found.mend.otherwise, suspects),
        located="" if found.mend is None else where_it_goes_wrong(found.mend, brief=request.mend is None),
        denied=found.denied if verdict in ("undecided", "another-network") else "",
        maps=map_records(stepwise.findings) if told else [],
        matrices=matrix_records(found.reported) if told else [],
        norms=norms_record(stepwise, states) if told and states is not None else None,
        excerpts=excerpts([(place.file, line) for place, line in _told_of(found, suspects)]),
    )


def _told_of(found: Found, suspects: Sequence[Suspect]) -> list[tuple[Fix | Suspect, int]]:
    """Return the places in sources that are told of: those of a patch, or of lines that are suspected."""
    fixes = () if found.mend is None else found.mend.fixes
    return [(fix, fix.first) for fix in fixes] or [(suspect, suspect.line) for suspect in suspects]


def _suspects(found: Found) -> Sequence[Suspect]:
    return () if found.diagnosis is None else suspected(found.candidate, found.diagnosis, found.mend)


def missing(problem: Problem, shown: Observation) -> list[str]:
    """Return what wasn't shown, in words; the second of two biases isn't missed where one stands for both."""
    merged = "bias_ih_l0" in shown.parameters and "bias_hh_l0" not in shown.parameters
    if not (shown.parameters or shown.d_hidden or shown.d_pre or shown.d_x is not None):
        return ["any gradient"]
    names = [
        n
        for n in not_shown(problem, shown)
        if not n.endswith(" of (0, 0)") and not (merged and "bias_hh" in n)
    ]
    names = [n.replace(HEAD_WEIGHT, "W_y").replace(HEAD_BIAS, "b_y") for n in names]
    names += [] if shown.hidden or shown.output is not None else ["the states h_t"]
    return names + ([] if shown.d_hidden else ["the steps dL/dh_t"])


def stepwise_of(found: Found) -> Judged:
    """Return the findings from which the first divergent step is told.

    Where a network keeps no dL/dh and its gradients are wrong, those are the steps of the network that its diagnosis
    reproduces.
    """
    judged = found.outcome.judged
    if found.outcome.backward != "differs" or steps.of_states(judged) is not None or found.diagnosis is None:
        return judged
    return reproduced(judged.truth, found.diagnosis) or judged
