"""One bound network checked: judged on its own case, then in other settings, and told in a record."""

from collections.abc import Callable

from conformance.cases import materialise
from conformance.check_record import CheckRecord, PartRecord
from conformance.checking import parts
from conformance.checking.bound import Bound
from conformance.checking.compose import Asked, failed_record, judged_record
from conformance.checking.judging import Truth
from conformance.checking.outcome import outcome
from conformance.checking.running import Failure, Said, run

Progress = Callable[[str], None]


def checked(bound: Bound, asked: Asked, progress: Progress = lambda _: None) -> CheckRecord:
    """Check `bound` on the case that it admits and in other settings, and return everything found."""
    said = Said()
    progress("judging it on its own case")
    truth = Truth.of(materialise(bound.problem_case))
    found = run(bound, truth.problem, said)
    if isinstance(found, Failure):
        reason = f"{bound.name} ended before it gave anything: {found.reason}"
        return failed_record(asked, reason, list(said.messages))
    came = outcome(truth, found.observation)
    progress("judging it in other settings")
    other = other_settings(bound, said)
    return judged_record(bound, asked, found, came, other, list(said.messages))


def other_settings(bound: Bound, said: Said) -> list[PartRecord]:
    """Judge `bound` from another initial state, where its case has none, and for a single step."""
    case = bound.problem_case
    settings = [] if case.h_0 else [parts.initial_state(case)]
    if case.steps > 1:
        settings.append(parts.cell(case))
    return [parts.judged_in(setting, bound, said) for setting in settings]
