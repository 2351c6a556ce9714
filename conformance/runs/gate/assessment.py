"""What becomes of a whole record at the gate: its rulings, entries that matched nothing, and the exit code."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Self

import msgspec
from msgspec import Struct

from conformance.record import Record, RulingRecord
from conformance.record.summary import EXIT_CONFORMS, EXIT_DISCREPANCY, EXIT_NOTHING, exit_code
from conformance.runs.gate.expectations import Entry, Pair
from conformance.runs.gate.ruling import Gate, Outcome, Ruling


class Assessment(Struct, frozen=True, kw_only=True):
    """A record with a ruling for each of its cases, in its order; the record tells those that verdicts don't."""

    record: Record
    rulings: tuple[Ruling, ...]
    unmatched: tuple[Entry, ...]

    @classmethod
    def of(cls, record: Record, gate: Gate, pairs: Iterable[Pair] | None) -> Self:
        """Assess `record`.

        Entries that speak of none of `pairs` are an error: of the whole suite, where a run is a shard of it. None
        leaves entries unchecked, where single cases were picked.
        """
        descriptions = record.descriptions
        rulings = tuple(gate.ruling(case, descriptions.get(case.subject, "")) for case in record.cases)
        return cls(
            record=msgspec.structs.replace(record, rulings=[*_recorded(rulings)]),
            rulings=rulings,
            unmatched=() if pairs is None else tuple(gate.expectations.unmatched(pairs)),
        )

    @property
    def failing(self) -> list[Ruling]:
        """The rulings that fail the run."""
        return [ruling for ruling in self.rulings if ruling.outcome == "fails"]

    @property
    def counts(self) -> Counter[Outcome]:
        """How many cases there are of every outcome."""
        return Counter(ruling.outcome for ruling in self.rulings)

    @property
    def exit_code(self) -> int:
        """The exit code of the record with its rulings; entries that match nothing fail a run as well."""
        code = exit_code(self.record)
        return EXIT_DISCREPANCY if self.unmatched and code in (EXIT_CONFORMS, EXIT_NOTHING) else code


def _recorded(rulings: Iterable[Ruling]) -> Iterator[RulingRecord]:
    """Yield what reports must know of the rulings: where it isn't the verdict alone that decided."""
    for ruling in rulings:
        case, outcome = ruling.case, ruling.outcome
        if outcome in ("expected", "known") or (outcome == "fails" and ruling.reason):
            yield RulingRecord(case.case, case.subject, case.platform, outcome, ruling.reason)
