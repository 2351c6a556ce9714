"""How closely each quantity agrees, by subject, precision and group of cases; and what else a record says in total."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TypeVar

from msgspec import Struct, field, structs

from conformance.cases import Case, parse_id
from conformance.cases.groups import GROUPS, group_of
from conformance.record import CaseRecord, QuantityRecord, Record
from conformance.record.body import exact
from conformance.record.case import FREE_RUN, SHARE_STEPS
from conformance.record.totals import Agreement, Apart, RelationTotal, Shares, Totals, Worst

ALL = "all"
"""The group that holds every case."""


def totals(record: Record) -> Totals:
    """Return the totals of a record: those that it keeps, or else those of its cases."""
    if record.totals is not None:
        return record.totals
    return Totals(
        agreements=_agreements(record),
        relations=_relations(record.cases),
        apart=_apart(record.cases),
        shares=_shares(record.cases),
    )


def condensed(record: Record) -> Record:
    """Return a complete record with its totals, in which a case that agrees keeps its worst quantity of each kind.

    That is one of single steps, one after a free run, and one of a relation. Timings, which are others in every run,
    are left out. Such a record can be reported and compared, but not merged.
    """
    cases = [_condensed(case) if case.verdict == "agrees" else case for case in record.cases]
    cases.sort(key=lambda case: (case.case, case.subject, case.platform))
    return structs.replace(record, totals=totals(record), cases=cases, timings=[], seconds=0.0)


def _condensed(case: CaseRecord) -> CaseRecord:
    worst: dict[str, QuantityRecord] = {}
    for q in case.quantities:
        kind = "relation" if q.relation else "free" if q.quantity.endswith(FREE_RUN) else "step"
        if kind not in worst or float(q.worst_share) > float(worst[kind].worst_share):
            worst[kind] = q
    return structs.replace(case, quantities=list(worst.values()), distances=[], shares={}, reproduce="")


class _Tally(Struct):
    """Comparisons of one quantity, counted in one after the other."""

    elements: int = 0
    medians: list[float] = field(default_factory=list)
    case: str = ""
    worst: QuantityRecord | None = None

    def add(self, case: str, q: QuantityRecord) -> None:
        self.elements += q.elements
        self.medians.append(float(q.median_share))
        if self.worst is None or float(q.worst_share) > float(self.worst.worst_share):
            self.case, self.worst = case, q

    def total(self) -> Worst:
        q = self.worst
        if q is None:
            return Worst()
        return Worst(
            cases=len(self.medians),
            elements=self.elements,
            share=q.worst_share,
            median=exact(_middle(self.medians)),
            case=self.case,
            where=q.worst_where,
            ulp=q.ulp,
            absolute=q.absolute,
            relative=q.relative,
        )


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _agreements(record: Record) -> list[Agreement]:
    """Return a row for every quantity, subject, precision and group, `ALL` first; relations aren't among them."""
    found: dict[tuple[str, str, str, str], tuple[_Tally, _Tally]] = {}
    for case in record.cases:
        parsed = parsed_case(case.case)
        for q in (q for q in case.quantities if not q.relation):
            name, free = q.quantity.removesuffix(FREE_RUN), q.quantity.endswith(FREE_RUN)
            for group in (ALL, group_of(parsed)):
                tallies = found.setdefault((case.subject, name, parsed.dtype, group), (_Tally(), _Tally()))
                tallies[free].add(case.case, q)
    rows = [
        Agreement(
            subject=subject,
            quantity=quantity,
            dtype=dtype,
            group=group,
            stepwise=step.total(),
            free=free.total(),
            allowed=record.scales.differs_from,
        )
        for (subject, quantity, dtype, group), (step, free) in found.items()
    ]
    return sorted(rows, key=_order(record, found))


def _order(
    record: Record, found: Iterable[tuple[str, str, str, str]]
) -> Callable[[Agreement], tuple[int, int, str, int]]:
    """Return a sort key: subjects as recorded, quantities as they first came up, precision, groups as defined."""
    subjects = {name: n for n, name in enumerate(record.subjects)}
    quantities = {name: n for n, name in enumerate(dict.fromkeys(key[1] for key in found))}
    groups = {name: n for n, name in enumerate((ALL, *GROUPS))}

    def order(row: Agreement) -> tuple[int, int, str, int]:
        last = len(subjects)
        return subjects.get(row.subject, last), quantities[row.quantity], row.dtype, groups[row.group]

    return order


def _relations(cases: Iterable[CaseRecord]) -> list[RelationTotal]:
    found: dict[tuple[str, str, str], _Tally] = {}
    for case in cases:
        for q in (q for q in case.quantities if q.relation):
            key = (case.subject, q.relation, parsed_case(case.case).dtype)
            found.setdefault(key, _Tally()).add(case.case, q)
    return [
        RelationTotal(subject=subject, relation=relation, dtype=dtype, worst=tally.total())
        for (subject, relation, dtype), tally in _grouped(found)
    ]


def _apart(cases: Iterable[CaseRecord]) -> list[Apart]:
    found: dict[tuple[str, str, str], list[tuple[float, float, str]]] = {}
    for case in cases:
        if case.subject == "reference" or not case.distances:
            continue
        relative = max(float(d.relative_to_largest) for d in case.distances)
        absolute = max(float(d.absolute) for d in case.distances)
        parsed = parsed_case(case.case)
        found.setdefault((case.subject, parsed.regime, parsed.dtype), []).append(
            (relative, absolute, case.case)
        )
    return [
        Apart(
            subject=subject,
            regime=regime,
            dtype=dtype,
            cases=len(rows),
            typical=exact(_middle([relative for relative, _, _ in rows])),
            largest=exact(max(relative for relative, _, _ in rows)),
            worst_case=max(rows, key=lambda row: row[0])[2],
            absolute=exact(max(absolute for _, absolute, _ in rows)),
        )
        for (subject, regime, dtype), rows in _grouped(found)
    ]


V = TypeVar("V")


def _grouped(rows: dict[tuple[str, str, str], V]) -> list[tuple[tuple[str, str, str], V]]:
    """Return rows with subjects together, then names, each in the order in which they first came up."""
    orders = [{part: n for n, part in enumerate(dict.fromkeys(key[i] for key in rows))} for i in range(2)]
    return sorted(rows.items(), key=lambda row: (orders[0][row[0][0]], orders[1][row[0][1]], row[0][2]))


def _shares(cases: Iterable[CaseRecord]) -> list[Shares]:
    """Add up the histograms of all cases, by subject, precision and scale."""
    found: dict[tuple[str, str, str], Shares] = {}
    for case in cases:
        dtype = parsed_case(case.case).dtype
        for scale, steps in case.shares.items():
            row = found.setdefault(
                (case.subject, dtype, scale),
                Shares(subject=case.subject, dtype=dtype, scale=scale, steps=[0] * SHARE_STEPS),
            )
            for n, count in enumerate(steps[:SHARE_STEPS]):
                row.steps[n] += count
    return list(found.values())


@lru_cache(maxsize=65536)
def parsed_case(case_id: str) -> Case:
    """Return the case of an id; records name each many times."""
    return parse_id(case_id)
