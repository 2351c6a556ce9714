"""A network checked under every way of calling it that was found: chosen among them, judged, and told in a record."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from conformance.checking import parts
from conformance.checking.choosing import Candidate, choose
from conformance.checking.compose import Asked, Found, failed_record, judged_record
from conformance.checking.consistency import consistency
from conformance.checking.contracts import contracts, of_precision
from conformance.checking.running import Failure, attempt
from conformance.diagnose import Diagnosis
from conformance.handwritten import Bound
from conformance.record import exact
from conformance.record.check import CheckRecord, ConsistencyRecord, ContractFinding, PartRecord
from conformance.recording import FREE_RUN, quantity_records

Progress = Callable[[str], None]


def checked(bounds: Iterable[Bound], question: Asked, progress: Progress = lambda _: None) -> CheckRecord:
    """Check a network under every binding until one settles it, and return everything found."""
    progress("judging it on its own case")
    choice = choose(bounds)
    if not choice.candidates:
        bound, failure = choice.failures[0]
        return failed_record(question, f"{bound.name} ended before it gave anything: {failure.reason}")
    checkup = accused_of_least(choice.candidates, progress)
    return judged_record(checkup.candidate.bound, question, checkup.found())


def accused_of_least(candidates: Sequence[Candidate], progress: Progress) -> "Checkup":
    """Return the candidate under which nothing is wrong, or else the one under which the least is."""
    agreeing = next((c for c in candidates if c.came.agrees), None)
    return Checkup(candidate=agreeing or min(candidates, key=lambda c: c.wrong), progress=progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """Everything that is tried with one candidate, and what is known of its mistakes."""

    candidate: Candidate
    progress: Progress
    diagnosis: Diagnosis | None = None

    def found(self) -> Found:
        """Return all that is found about it."""
        candidate = self.candidate
        return Found(
            shown=candidate.answer.tidied,
            came=candidate.came,
            diagnosis=self.diagnosis,
            consistency=self._consistency() if candidate.came.forward == "differs" else None,
            parts=self._parts(),
            contracts=self._contracts(),
            notes=list(candidate.said.messages),
        )

    def _parts(self) -> list[PartRecord]:
        """Judge the network from another initial state, where its case has none, and for a single step."""
        self.progress("judging it in other settings")
        bound = self.candidate.bound
        case = bound.problem_case
        settings = [] if case.h_0 else [parts.initial_state(case)]
        if case.steps > 1:
            settings.append(parts.cell(case))
        return [parts.judged_in(setting, bound, self.candidate.said) for setting in settings]

    def _contracts(self) -> list[ContractFinding]:
        self.progress("calling it twice")
        answer, said = self.candidate.answer, self.candidate.said
        kept = of_precision(answer.tidied, self.candidate.came)
        return [kept, *contracts(self.candidate.bound, answer.truth, said)]

    def _consistency(self) -> ConsistencyRecord:
        """Judge the gradients by the network's own forward pass."""
        self.progress("differentiating its own forward pass")
        bound, said = self.candidate.bound, self.candidate.said
        own = attempt(lambda bound: consistency(bound.own_forward()), bound, said)
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
