"""From what was found to the record of a check."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from conformance.cases import Problem
from conformance.checking import steps
from conformance.checking.diagnosing import diagnosis_record, reproduced
from conformance.checking.judging import Judged, Tidied
from conformance.checking.outcome import Outcome
from conformance.checking.verdict import headline, verdict_of
from conformance.diagnose import Diagnosis
from conformance.handwritten import Bound
from conformance.judge import not_shown
from conformance.observation import Observation
from conformance.record import exact
from conformance.record.check import (
    CHECK_SCHEMA,
    CheckRecord,
    ConsistencyRecord,
    ContractFinding,
    InterfaceRecord,
    PartRecord,
    ScaleRecord,
)
from conformance.recording import first_divergence_record, quantity_records


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for, as a reader writes it: the target, and the line that asks again."""

    target: str
    reproduce: str

    @classmethod
    def on_the_command_line(cls, target: str, case: str = "") -> "Asked":
        """Return what `conformance check` is asked by these arguments."""
        option = f" --case {case}" if case else ""
        return cls(target=target, reproduce=f"conformance check {shlex.quote(target)}{option}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All that was found about a network that ran on its own case."""

    shown: Tidied
    came: Outcome
    diagnosis: Diagnosis | None
    consistency: ConsistencyRecord | None
    parts: Sequence[PartRecord]
    contracts: Sequence[ContractFinding]
    notes: Sequence[str]


def judged_record(bound: Bound, asked: Asked, found: Found) -> CheckRecord:
    """Return the record of a network that ran."""
    came = found.came
    verdict = verdict_of(found.came, found.shown.complaints, found.consistency)
    stepwise = stepwise_of(found)
    states = steps.of_states(stepwise)
    return CheckRecord(
        schema=CHECK_SCHEMA,
        target=asked.target,
        verdict=verdict,
        headline=headline(bound.name, verdict, came, found.consistency),
        case=bound.problem_case.id,
        forward=came.forward,
        backward=came.backward,
        interface=InterfaceRecord(lines=list(bound.interface.lines), adapter=bound.interface.adapter()),
        quantities=quantity_records(came.judged.findings),
        first_divergence=first_divergence_record(stepwise.findings),
        simulated_steps=stepwise is not came.judged,
        inherited="" if states is None else steps.inherited(states),
        split=[] if states is None else steps.split(stepwise, states),
        scale=_scale(came),
        diagnosis=None if found.diagnosis is None else diagnosis_record(found.diagnosis),
        consistency=found.consistency,
        parts=list(found.parts),
        contracts=list(found.contracts),
        notes=[*found.shown.complaints, *bound.notes, *found.notes],
        not_checked=missing(came.judged.truth.problem, found.shown.observation),
        reproduce=asked.reproduce,
    )


def missing(problem: Problem, shown: Observation) -> list[str]:
    """Return what wasn't shown, in words; the second of two biases isn't missed where one stands for both."""
    merged = "bias_ih_l0" in shown.parameters and "bias_hh_l0" not in shown.parameters
    names = [
        n
        for n in not_shown(problem, shown)
        if not n.endswith(" of (0, 0)") and not (merged and "bias_hh" in n)
    ]
    names += [] if shown.hidden or shown.output is not None else ["the states h_t"]
    return names + ([] if shown.d_hidden else ["the steps dL/dh_t"])


def not_called_record(
    asked: Asked, reason: str, lines: Sequence[str] = (), skeleton: str = ""
) -> CheckRecord:
    """Return the record of a target that nobody found out how to call: what was tried, and the skeleton to fill in."""
    return CheckRecord(
        schema=CHECK_SCHEMA,
        target=asked.target,
        verdict="not-called",
        headline=reason,
        interface=InterfaceRecord(lines=list(lines), adapter=skeleton),
        reproduce=asked.reproduce,
    )


def stepwise_of(found: Found) -> Judged:
    """Return the findings from which the first divergent step is told.

    Where a network keeps no dL/dh and its gradients are wrong, those are the steps of the network that its diagnosis
    reproduces.
    """
    judged = found.came.judged
    if found.came.backward != "differs" or steps.of_states(judged) is not None or found.diagnosis is None:
        return judged
    return reproduced(judged.truth, found.diagnosis) or judged


def failed_record(asked: Asked, reason: str, notes: Sequence[str] = ()) -> CheckRecord:
    """Return the record of a target that gave nothing to judge, for a `reason` told as a sentence."""
    return CheckRecord(
        schema=CHECK_SCHEMA,
        target=asked.target,
        verdict="failed",
        headline=reason,
        notes=list(notes),
        reproduce=asked.reproduce,
    )


def _scale(came: Outcome) -> ScaleRecord | None:
    if came.scale is None:
        return None
    return ScaleRecord(
        factor=exact(came.scale.factor),
        name=came.scale.name,
        against="the loss whose dL/dy was given",
        declared=False,
    )
