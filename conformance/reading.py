"""Reading records from files: whatever is wrong with one is told by its name, and nothing of it is trusted."""

import errno
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from conformance.agreement import parsed_case
from conformance.errors import UsageError
from conformance.record import SHARE_STEPS, CaseRecord, PowerRecord, Record, decode
from conformance.summary import FAILING

LARGEST = 2**31
"""Bytes that a record may have; a night of a hundred machines stays far below."""


def read_record(path: Path) -> Record:
    """Return the record in a file.

    Raises
    ------
    UsageError
        If there is none, or it was cut off or changed by hand so that its parts contradict each other.
    """
    try:
        data = _bytes(path)
    except OSError as error:
        message = f"{path} can't be read: {error.strerror}. Pass an agreement.json that a run has written."
        raise UsageError(message) from error
    try:
        record = decode(data)
        check(record)
    except UsageError as error:
        message = f"{path}: {error}"
        raise UsageError(message) from error
    return record


def _bytes(path: Path) -> bytes:
    """Return what a file or a pipe holds; devices, some of which have no end, are refused."""
    mode = path.stat().st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise OSError(errno.ENODEV, "it is a device")
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise OSError(errno.EFBIG, f"more than {LARGEST:,} bytes")
    return data


def check(record: Record) -> None:
    """Raise if parts of a record contradict each other."""
    counted = Counter(case.verdict for case in record.cases)
    keys = {(case.case, case.subject, case.platform): case.verdict for case in record.cases}
    complaints = {
        "it has no environment": not record.environments,
        "it has another number of timings than of cases": len(record.timings) != len(record.cases),
        "its summary isn't the count of its verdicts": {k: n for k, n in record.summary.items() if n}
        != dict(counted),
        "a case was run on a platform that it doesn't describe": any(
            not 0 <= case.platform < len(record.environments) for case in record.cases
        ),
        "a histogram has another number of steps": any(
            len(steps) != SHARE_STEPS or min(steps) < 0
            for case in record.cases
            for steps in case.shares.values()
        ),
        "a profile has lists of different lengths": any(
            not len(p.steps) == len(p.subject_error) == len(p.reference_error) == len(p.noise) > 0
            for p in record.profiles
        ),
        "a case agrees though a part of it differs": any(
            case.verdict == "agrees"
            and (case.first_divergence is not None or any(q.verdict == "differs" for q in case.quantities))
            for case in record.cases
        ),
        "a quantity agrees though elements of it differ, or were never compared": any(
            not _possible(case) for case in record.cases
        ),
        "its detection power counts what can't be": record.power is not None and not _countable(record.power),
        "its detection power was measured on more cases than it has": record.power is not None
        and record.complete
        and record.power.cases > len({case.case for case in record.cases}),
        "a time is negative": not record.seconds >= 0,
        "a ruling is of no case of it, or excuses one that doesn't fail": any(
            (ruling.case, ruling.subject, ruling.platform) not in keys
            or (
                ruling.outcome != "fails"
                and keys[ruling.case, ruling.subject, ruling.platform] not in FAILING
            )
            for ruling in record.rulings
        ),
        "a case and its verdict were recorded twice": len(record.cases) != len(keys),
    }
    for complaint, true in complaints.items():
        if true:
            message = f"This record contradicts itself: {complaint}. Pass an agreement.json as a run has written it."
            raise UsageError(message)
    for case in record.cases:
        parsed_case(case.case)  # raises where it is no id
    for text in _cases_named(record):
        parsed_case(text)


def _possible(case: CaseRecord) -> bool:
    """Return whether the counts of every quantity are counts, and bear out what is said of it."""
    return all(
        min(q.elements, q.mismatches, q.undecided) >= 0
        and q.mismatches + q.undecided <= q.elements
        and not (q.verdict == "agrees" and (q.mismatches or q.undecided or not float(q.worst_share) <= 1))
        for q in case.quantities
    )


def _countable(power: PowerRecord) -> bool:
    """Return whether detection power counts no more than there is."""
    return (
        0 <= power.probed <= power.cases
        and 0 <= power.seen <= power.disturbed
        and len(power.overlooked) == power.disturbed - power.seen
    )


def _cases_named(record: Record) -> Iterator[str]:
    """Yield the cases that the evidence of a record speaks of."""
    yield from (profile.case for profile in record.profiles)
    yield from (lack.case for lack in record.lacks)
    if record.power is not None:
        yield from (mutant.case for mutant in record.power.mutants if mutant.case)
