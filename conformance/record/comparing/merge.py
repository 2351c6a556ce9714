"""Several records made one: shards of a run, or runs of one suite on several platforms."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from conformance.cases import SUITES, Shard
from conformance.errors import UsageError
from conformance.record import CaseRecord, Environment, Record, Timing
from conformance.record.comparing.merged_evidence import joined_contracts, joined_power, joined_profiles

SHARD = re.compile(r"(.*), shard ([0-9]+/[0-9]+)", re.DOTALL)
"""What a shard's record calls its suite."""

MOST_NAMED = 5

Key = tuple[int, str, str]
"""Platform, case and subject."""


class Entry(Struct, frozen=True):
    """A case record of the merged record, its timing, and the name of the record that it came from."""

    case: CaseRecord
    timing: Timing
    source: str


def merged(records: Mapping[str, Record]) -> Record:
    """Return the records, given by the names under which messages speak of them, as one.

    Records of one environment are shards and mustn't share a case; those of different ones are platforms. Shards of a
    suite come out in its order, so that they make the record of the undivided run. Evidence is joined so that
    nothing bad in one record is hidden by another.

    Raises
    ------
    UsageError
        If records are of different suites or seeds, a shard is missing, two hold the same case, or one is condensed.
    """
    if not records:
        message = "There is nothing to merge. Pass the agreement.json of each shard or platform."
        raise UsageError(message)
    for name, record in records.items():
        if record.totals is not None:
            message = f"{name} is condensed, and lacks what merging needs. Run it again without --condense."
            raise UsageError(message)
    all_records = list(records.values())
    suite = _suite(records)
    for what, value in (("seed", lambda r: r.seed), ("scales", lambda r: r.scales)):
        _same(what, records, value)
    environments: list[Environment] = []
    entries = _gathered(records, environments)
    subjects = list(dict.fromkeys(name for record in all_records for name in record.subjects))
    ordered = sorted(entries.items(), key=_order(suite, all_records[0].seed, subjects))
    cases = [entry.case for _, entry in ordered]
    return structs.replace(
        all_records[0],
        complete=all(record.complete for record in all_records),
        suite=suite,
        subjects=subjects,
        descriptions={k: v for record in reversed(all_records) for k, v in record.descriptions.items()},
        summary=dict(Counter(case.verdict for case in cases)),
        cases=cases,
        environments=environments,
        seconds=round(sum(record.seconds for record in all_records), 3),
        timings=[entry.timing for _, entry in ordered],
        power=joined_power(all_records),
        contracts=joined_contracts(records),
        profiles=joined_profiles(all_records),
        lacks=list({lack.case + lack.name: lack for r in all_records for lack in r.lacks}.values()),
        rulings=[],  # expectations and a baseline are held against the whole anew
    )


def _suite(records: Mapping[str, Record]) -> str:
    """Return the suite whose shards or runs these are, all of its shards there."""
    named = {name: _named(record.suite) for name, record in records.items()}
    _same("suite", records, lambda record: _named(record.suite)[0])
    shards = [shard for _, shard in named.values() if shard is not None]
    counts = {shard.count for shard in shards}
    if len(counts) > 1:
        splits = " and ".join(map(str, sorted(counts)))
        message = f"These are shards of different splits, into {splits}. Pass those of one."
        raise UsageError(message)
    if len(shards) == len(records):
        _all_there(shards)
    return next(iter(named.values()))[0]


def _named(suite: str) -> tuple[str, Shard | None]:
    """Return the suite that a record names, and which shard of it the record is."""
    match = SHARD.fullmatch(suite)
    return (suite, None) if match is None else (match[1], Shard.parse(match[2]))


def _all_there(shards: Sequence[Shard]) -> None:
    """Raise if a shard of the split is missing."""
    count, there = shards[0].count, {shard.index for shard in shards}
    missing = [n for n in range(1, count + 1) if n not in there]
    if missing:
        listed = ", ".join(f"{n}/{count}" for n in missing[:MOST_NAMED])
        more = f" and {len(missing) - MOST_NAMED:,} more" if len(missing) > MOST_NAMED else ""
        verb = "is" if len(missing) == 1 else "are"
        message = f"Of the shards of this run {listed}{more} {verb} missing. Pass every shard."
        raise UsageError(message)


def _same(what: str, records: Mapping[str, Record], value: Callable[[Record], object]) -> None:
    """Raise if the records contradict each other in something that they must have in common."""
    found: dict[object, str] = {}
    for name, record in records.items():
        found.setdefault(repr(value(record)), name)
    if len(found) > 1:
        listed = ", ".join(f"{text} in {name}" for text, name in found.items())
        message = f"These records contradict each other in their {what}: {listed}. Merge records of one suite and seed."
        raise UsageError(message)


def _gathered(records: Mapping[str, Record], environments: list[Environment]) -> dict[Key, Entry]:
    """Return every case by its key, and fill in the environments; raise where two records hold the same."""
    found: dict[Key, Entry] = {}
    clashes: list[str] = []
    for name, record in records.items():
        for key, entry in _entries(name, record, environments):
            if key in found:
                clashes.append(_clash(found[key], entry))
            found[key] = entry
    if clashes:
        more = f" … and {len(clashes) - MOST_NAMED:,} more." if len(clashes) > MOST_NAMED else ""
        message = " ".join(clashes[:MOST_NAMED]) + more + " Pass every record once."
        raise UsageError(message)
    return found


def _entries(name: str, record: Record, environments: list[Environment]) -> Iterator[tuple[Key, Entry]]:
    places = []
    for environment in record.environments:
        if environment not in environments:
            environments.append(environment)
        places.append(environments.index(environment))
    for case, timing in zip(record.cases, record.timings, strict=True):
        moved = structs.replace(case, platform=places[case.platform])
        yield (moved.platform, case.case, case.subject), Entry(moved, timing, name)


def _clash(first: Entry, second: Entry) -> str:
    where = f"{first.case.subject} on {first.case.case}"
    if first.case == second.case:
        return f"Duplicate: {where} is in {first.source} and in {second.source}."
    return (
        f"Contradiction: {where}, {first.case.verdict} in {first.source}, {second.case.verdict} in {second.source}, "
        "in one environment."
    )


def _order(
    suite: str, seed: int | None, subjects: Sequence[str]
) -> Callable[[tuple[Key, Entry]], tuple[int, int, int]]:
    """Return a sort key: platform, then the suite's order where it is known, then subjects as recorded."""
    known = SUITES[suite].cases(seed or 0) if suite in SUITES else []
    places = {case.id: n for n, case in enumerate(known)}
    columns = {name: n for n, name in enumerate(subjects)}
    last = len(places)
    return lambda item: (
        item[0][0],
        places.get(item[0][1], last),
        columns.get(item[0][2], 0) if places else 0,
    )
