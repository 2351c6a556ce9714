"""What a run gathers beside its cases for the report: detection power, contracts of torch, profiles of single runs."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from msgspec import Struct

from conformance.cases import Case, materialise
from conformance.examination.profiles import profiles
from conformance.faults import CATALOGUE
from conformance.faults.cell_mutants import CELL_FAULTS
from conformance.faults.power import Mapped, measure
from conformance.faults.vacuity import lacks_of
from conformance.judge import MEANINGLESS, THRESHOLD
from conformance.record import (
    CaseRecord,
    ContractRecord,
    LackRecord,
    MutantRecord,
    PowerRecord,
    ProfileRecord,
    Scales,
)
from conformance.subjects import load_subject
from conformance.subjects.contracts import CONTRACTS, probe_contracts
from conformance.subjects.reference import observe

PROBED = 40
"""Cases, spread over a run, on which small disturbances and right code are tried."""

SCALES = Scales(differs_from=float(THRESHOLD), undecidable_from=MEANINGLESS)


class Evidence(Struct, frozen=True, kw_only=True):
    """All that was gathered; empty where a run gathers nothing."""

    power: PowerRecord | None = None
    contracts: tuple[ContractRecord, ...] = ()
    profiles: tuple[ProfileRecord, ...] = ()


def gathered(
    cases: Sequence[Case],
    subjects: Sequence[str],
    records: Sequence[CaseRecord],
    on_progress: Callable[[str], None] = lambda _: None,
    mapped: Mapped = map,
) -> Evidence:
    """Gather everything about a run that gave these records; `on_progress` is told what comes next.

    What falls into parts is handed to `mapped`, which may share it among processes.

    Power is measured on the float64 cases, where every fault can be seen. Profiles are of the first
    subject that isn't the reference itself, the fused module where it is among them.
    """
    on_progress("contracts of torch")
    contracts = tuple(mapped(contract_at, range(len(CONTRACTS))))
    on_progress("detection power")
    power = power_of([case for case in cases if case.dtype == "f64"], mapped)
    on_progress("profiles")
    others = sorted((name for name in subjects if name != "reference"), key=lambda name: name != "torch")
    noise = {record.case: float(record.noise) for record in records if record.noise is not None}
    pictured = profiles(cases, noise, load_subject(others[0])) if others else []
    return Evidence(power=power, contracts=contracts, profiles=tuple(pictured))


def contract_at(position: int) -> ContractRecord:
    """Put torch and refrnn to one contract."""
    (row,) = probe_contracts(CONTRACTS[position : position + 1])
    return ContractRecord(
        id=row.id,
        statement=row.statement,
        expected=row.expected,
        observed=row.observed,
        holds=row.holds,
        reference=row.reference,
        depends_on=row.depends_on,
    )


def lack_records(cases: Sequence[Case]) -> Iterator[LackRecord]:
    """Yield what the data of every case lack, and which faults that hides."""
    for case in cases:
        problem = materialise(case)
        with np.errstate(all="ignore"):
            lacks = lacks_of(problem, observe(problem, np.float64))
        for lack in lacks:
            yield LackRecord(case=case.id, name=lack.name, hides=lack.hides, faults=list(lack.faults))


def power_of(cases: Sequence[Case], mapped: Mapped = map) -> PowerRecord | None:
    """Measure what `cases` would have caught; None where there are none."""
    if not cases:
        return None
    *_, found = measure(cases, spread(cases, PROBED), mapped=mapped)
    names = {fault.id: fault.name for fault in CATALOGUE.values()}
    names |= {id_: name for mistakes in CELL_FAULTS.values() for id_, name in mistakes.items()}
    return PowerRecord(
        cases=found.cases,
        probed=found.probed,
        mutants=[
            MutantRecord(id_, name, found.caught.get(id_, ""))
            for id_, name in names.items()
            if id_ in found.caught or id_ in found.missed
        ],
        disturbed=found.disturbed,
        seen=found.seen,
        overlooked=list(found.overlooked),
        accused=list(found.accused),
    )


def spread(cases: Sequence[Case], most: int) -> list[Case]:
    """Return at most so many cases, evenly spread over all of them."""
    count = min(most, len(cases))
    return [cases[n * len(cases) // count] for n in range(count)]
