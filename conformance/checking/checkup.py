"""One bound network checked: judged on its own case, then in other settings, and told in a record."""

from collections.abc import Callable

from conformance.checking import parts
from conformance.checking.asking import asked
from conformance.checking.compose import Asked, failed_record, judged_record
from conformance.checking.outcome import outcome
from conformance.checking.running import Failure, Said
from conformance.handwritten import Bound
from conformance.record.check import CheckRecord, PartRecord

Progress = Callable[[str], None]


def checked(bound: Bound, question: Asked, progress: Progress = lambda _: None) -> CheckRecord:
    """Check `bound` on the case that it admits and in other settings, and return everything found."""
    said = Said()
    progress("judging it on its own case")
    answer = asked(bound, bound.problem_case, said)
    if isinstance(answer, Failure):
        reason = f"{bound.name} ended before it gave anything: {answer.reason}"
        return failed_record(question, reason, list(said.messages))
    came = outcome(answer.truth, answer.tidied.observation)
    progress("judging it in other settings")
    other = other_settings(bound, said)
    return judged_record(bound, question, answer.tidied, came, other, list(said.messages))


def other_settings(bound: Bound, said: Said) -> list[PartRecord]:
    """Judge `bound` from another initial state, where its case has none, and for a single step."""
    case = bound.problem_case
    settings = [] if case.h_0 else [parts.initial_state(case)]
    if case.steps > 1:
        settings.append(parts.cell(case))
    return [parts.judged_in(setting, bound, said) for setting in settings]
