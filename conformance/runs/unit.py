"""The unit of work that travels, a case id and names of subjects, and what becomes of all units of a run."""

from collections.abc import Sequence

from msgspec import Struct, field

from conformance.cases import Case, parse_id
from conformance.examination.engine import timed_examination
from conformance.examination.recording import unjudged
from conformance.record import CaseRecord, Timing
from conformance.record.environment import one_thread
from conformance.subjects import load_subject

Examined = list[tuple[CaseRecord, Timing]]
"""What one case gave: a record and its timing for each subject."""


class Outcome(Struct):
    """What a run has so far, by the position of the case in the suite."""

    by_position: dict[int, Examined] = field(default_factory=dict)
    complete: bool = False

    def records(self) -> list[CaseRecord]:
        """Return the records in the order of the suite."""
        return [record for _, examined in sorted(self.by_position.items()) for record, _ in examined]

    def timings(self) -> list[Timing]:
        """Return the timings in the order of the records."""
        return [timing for _, examined in sorted(self.by_position.items()) for _, timing in examined]


def examine_unit(case_id: str, subjects: Sequence[str]) -> Examined:
    """Examine one case with every subject, in one thread wherever this runs."""
    one_thread()
    case = parse_id(case_id)
    return [timed_examination(case, load_subject(name)) for name in subjects]


def lost(case: Case, subjects: Sequence[str], reason: str) -> Examined:
    """Return an error record for every subject of a case that could not be finished."""
    nothing = Timing(subject=0.0, reference=0.0, judging=0.0, total=0.0)
    return [(unjudged(case.id, subject, "error", reason), nothing) for subject in subjects]
