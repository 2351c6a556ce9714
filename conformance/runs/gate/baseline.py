"""A baseline: the verdicts of an earlier record, against which only what is worse is new."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from msgspec import Struct, field

from conformance.errors import UsageError
from conformance.record import Record, Verdict
from conformance.record.comparing.namesakes import by_description
from conformance.record.reading import read_record
from conformance.record.summary import VERDICTS
from conformance.runs.gate.expectations import Pair


class Baseline(Struct, frozen=True, kw_only=True):
    """The verdicts of a record by case and subject; empty where there is no record to compare with.

    `subjects` are all that it has; `described` tells them by their descriptions: one's own has another name in tests
    than by its place.
    """

    verdicts: Mapping[Pair, Verdict]
    subjects: frozenset[str] = frozenset()
    described: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the record at `path`.

        Raises
        ------
        UsageError
            If there is none, it isn't as a run of this version has written it, or it holds no case.
        """
        record = read_record(path)
        if not record.cases:
            message = f"{path} holds no case to compare with. Pass the record of a finished run."
            raise UsageError(message)
        return cls.of(record)

    @classmethod
    def of(cls, record: Record) -> Self:
        """Return the verdicts of `record`; where a case was recorded more than once, the best, which excuses least."""
        worst_first = sorted(record.cases, key=lambda case: VERDICTS.index(case.verdict))
        return cls(
            verdicts={(case.case, case.subject): case.verdict for case in worst_first},
            subjects=frozenset(case.subject for case in record.cases),
            described=by_description(record, record.subjects),
        )

    def before(self, case: str, subject: str, description: str = "") -> tuple[Verdict, str] | None:
        """Return the verdict that was recorded, and of which subject; None where there is none.

        A subject that the record doesn't have goes by its description.
        """
        name = subject if subject in self.subjects else self.described.get(description, subject)
        verdict = self.verdicts.get((case, name))
        return None if verdict is None else (verdict, name)
