"""One bound network checked: judged on its own case, then in other settings, and told in a record."""

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from conformance.checking import parts
from conformance.checking.asking import Answer, asked
from conformance.checking.compose import Asked, Found, failed_record, judged_record
from conformance.checking.consistency import consistency
from conformance.checking.contracts import contracts, of_precision
from conformance.checking.outcome import Outcome, outcome
from conformance.checking.running import Failure, Said, attempt
from conformance.handwritten import Bound
from conformance.record import exact
from conformance.record.check import CheckRecord, ConsistencyRecord, ContractFinding, PartRecord
from conformance.recording import FREE_RUN, quantity_records

Progress = Callable[[str], None]


def checked(bound: Bound, question: Asked, progress: Progress = lambda _: None) -> CheckRecord:
    """Check `bound` on the case that it admits and in other settings, and return everything found."""
    checkup = Checkup(bound=bound, progress=progress)
    progress("judging it on its own case")
    answer = asked(bound, bound.problem_case, checkup.said)
    if isinstance(answer, Failure):
        reason = f"{bound.name} ended before it gave anything: {answer.reason}"
        return failed_record(question, reason, list(checkup.said.messages))
    return judged_record(bound, question, checkup.found(answer))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """Everything that is tried with one network that runs."""

    bound: Bound
    progress: Progress
    said: Said = field(default_factory=Said)

    def found(self, answer: Answer) -> Found:
        """Return all that is found about a network with this answer on its own case."""
        came = outcome(answer.truth, answer.tidied.observation)
        return Found(
            shown=answer.tidied,
            came=came,
            consistency=self._consistency() if came.forward == "differs" else None,
            parts=self._parts(),
            contracts=self._contracts(answer, came),
            notes=list(self.said.messages),
        )

    def _parts(self) -> list[PartRecord]:
        """Judge the network from another initial state, where its case has none, and for a single step."""
        self.progress("judging it in other settings")
        case = self.bound.problem_case
        settings = [] if case.h_0 else [parts.initial_state(case)]
        if case.steps > 1:
            settings.append(parts.cell(case))
        return [parts.judged_in(setting, self.bound, self.said) for setting in settings]

    def _contracts(self, answer: Answer, came: Outcome) -> list[ContractFinding]:
        self.progress("calling it twice")
        return [of_precision(answer.tidied, came), *contracts(self.bound, answer.truth, self.said)]

    def _consistency(self) -> ConsistencyRecord:
        """Judge the gradients by the network's own forward pass."""
        self.progress("differentiating its own forward pass")
        own = attempt(lambda bound: consistency(bound.own_forward()), self.bound, self.said)
        if isinstance(own, Failure):
            return ConsistencyRecord(agrees=None, reason=own.reason, method="", factor=1.0, quantities=[])
        agrees = {"agrees": True, "differs": False}.get(own.verdict)
        return ConsistencyRecord(
            agrees=agrees,
            reason="" if agrees is not None else "the numerical gradient is too uncertain, or there is none",
            method=own.method,
            factor=exact(own.factor),
            quantities=[
                replace(row, quantity=row.quantity.removesuffix(FREE_RUN))
                for row in quantity_records(own.findings)
            ],
        )
