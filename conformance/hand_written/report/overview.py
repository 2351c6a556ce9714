"""Several checks at a glance: a line each, a sentence for all, and what a program leaves with."""

from collections import Counter
from collections.abc import Sequence

from conformance.hand_written.locations import place_of
from conformance.hand_written.report.view import TITLES
from conformance.record.check import EXIT_CONFORMS, EXIT_DIFFERS, EXIT_INCONCLUSIVE, CheckRecord


def line_of(record: CheckRecord) -> str:
    """Return one check in a line: the verdict, the target, the headline, and where the patch or the mistakes are."""
    said = record.headline.removeprefix(record.target).strip()
    places = _places(record)
    return f"{TITLES[record.verdict]}  {record.target}  {said}{f' Lines: {places}.' if places else ''}"


def _places(record: CheckRecord) -> str:
    found = [(fix.file, fix.first) for fix in record.fixes]
    if not found and record.diagnosis is not None:
        found = [(suspect.file, suspect.line) for suspect in record.diagnosis.suspects]
    return ", ".join(place_of(file, line) for file, line in sorted(set(found)))


def sentence(records: Sequence[CheckRecord]) -> str:
    """Return in a sentence what came of several checks, in the order of what asks for most attention.

    >>> sentence([])
    '0 networks'
    """
    counted = Counter(record.verdict for record in records)
    parts = [
        f"{counted[verdict]} {TITLES[verdict].lower()}" for verdict in reversed(TITLES) if counted[verdict]
    ]
    networks = f"{len(records)} network{'' if len(records) == 1 else 's'}"
    return f"{networks}: {', '.join(parts)}" if parts else networks


def exit_code(records: Sequence[CheckRecord]) -> int:
    """Return what a program leaves with: that something differs, else that it can't be said, else that all is right."""
    codes = {record.exit_code for record in records}
    return next((code for code in (EXIT_DIFFERS, EXIT_INCONCLUSIVE) if code in codes), EXIT_CONFORMS)
