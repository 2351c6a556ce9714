"""Evidence of several records made one: what is bad in one of them is bad in the whole."""

from collections.abc import Mapping, Sequence

from msgspec import structs

from conformance.record import ContractRecord, Environment, MutantRecord, PowerRecord, ProfileRecord, Record


def joined_power(records: Sequence[Record]) -> PowerRecord | None:
    """Return the detection power of all records that measured it, None where none did.

    Shards of one environment share their work: a fault is caught where one of them catches it. Environments don't: one
    that misses a fault misses it.
    """
    by_place: list[tuple[list[Environment], list[PowerRecord]]] = []
    for record in records:
        if record.power is None:
            continue
        here = next((powers for places, powers in by_place if places == record.environments), None)
        if here is None:
            by_place.append((record.environments, [record.power]))
        else:
            here.append(record.power)
    if not by_place:
        return None
    powers = [power for _, own in by_place for power in own]
    return PowerRecord(
        cases=sum(power.cases for power in powers),
        probed=sum(power.probed for power in powers),
        mutants=_everywhere([_anywhere(own) for _, own in by_place]),
        disturbed=sum(power.disturbed for power in powers),
        seen=sum(power.seen for power in powers),
        overlooked=[text for power in powers for text in power.overlooked],
        accused=[text for power in powers for text in power.accused],
    )


def _anywhere(powers: Sequence[PowerRecord]) -> dict[str, MutantRecord]:
    """Return the mutants of shards, caught where any shard caught them."""
    found: dict[str, MutantRecord] = {}
    for mutant in (mutant for power in powers for mutant in power.mutants):
        known = found.setdefault(mutant.fault, mutant)
        if not known.case:
            found[mutant.fault] = mutant
    return found


def _everywhere(places: Sequence[Mapping[str, MutantRecord]]) -> list[MutantRecord]:
    """Return the mutants of environments, missed where any of them missed one."""
    found: dict[str, MutantRecord] = {}
    for mutant in (mutant for place in places for mutant in place.values()):
        known = found.setdefault(mutant.fault, mutant)
        if not mutant.case and known.case:
            found[mutant.fault] = mutant
    return list(found.values())


def joined_contracts(records: Mapping[str, Record]) -> list[ContractRecord]:
    """Return each contract once: where records saw different things all are told, by the name of their record."""
    rows: dict[str, dict[str, ContractRecord]] = {}
    for name, record in records.items():
        for row in record.contracts:
            rows.setdefault(row.id, {})[name] = row
    return [_one_contract(seen) for seen in rows.values()]


def _one_contract(seen: Mapping[str, ContractRecord]) -> ContractRecord:
    first = next(iter(seen.values()))
    if all(row == first for row in seen.values()):
        return first
    broken = next((row for row in seen.values() if not row.holds), first)
    observed = {name: row.observed for name, row in seen.items()}
    observed = (
        first.observed
        if len(set(observed.values())) == 1
        else "; ".join(f"{text} (in {name})" for name, text in observed.items())
    )
    return structs.replace(broken, observed=observed)


def joined_profiles(records: Sequence[Record]) -> list[ProfileRecord]:
    """Return the profiles of the first record that has any: pictures of single runs, of which one place's suffice."""
    return list(next((record.profiles for record in records if record.profiles), []))
