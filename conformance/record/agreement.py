"""How closely each quantity agrees, by subject, precision and group of cases: both kinds of comparison in one row."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from conformance.cases import Case, parse_id
from conformance.cases.groups import GROUPS, group_of
from conformance.record import CaseRecord, QuantityRecord, Record
from conformance.record.case import FREE_RUN

ALL = "all"
"""The group that holds every case."""


@dataclass(slots=True)
class Worst:
    """What many comparisons of one kind say of one quantity; sizes are those of the comparison with the worst share."""

    cases: int = 0
    elements: int = 0
    share: float = 0.0
    medians: list[float] = field(default_factory=list)
    case: str = ""
    where: str = ""
    ulp: float = 0.0
    absolute: float = 0.0
    relative: float = 0.0

    def add(self, case: str, q: QuantityRecord) -> None:
        """Count in one comparison."""
        self.cases += 1
        self.elements += q.elements
        self.medians.append(float(q.median_share))
        share = float(q.worst_share)
        if share > self.share or not self.case:
            self.share, self.case, self.where = share, case, q.worst_where
            self.ulp, self.absolute, self.relative = float(q.ulp), float(q.absolute), float(q.relative)

    @property
    def median(self) -> float:
        """The median over cases of the median over elements."""
        return sorted(self.medians)[len(self.medians) // 2] if self.medians else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One quantity of one subject in one precision over a group of cases.

    `stepwise` gathers the comparisons of single steps, in units of their bound, `free` those after a free run, in units
    of what noise allows, which is `allowed` times the noise; either may have none.
    """

    subject: str
    quantity: str
    dtype: str
    group: str
    stepwise: Worst
    free: Worst
    allowed: float

    @property
    def noise_ratio(self) -> float:
        """The worst difference after a free run in units of noise."""
        return self.free.share * self.allowed

    @property
    def leading(self) -> Worst:
        """The comparisons whose sizes are told: of single steps where there are any."""
        return self.stepwise if self.stepwise.cases else self.free


def agreements(record: Record) -> list[Agreement]:
    """Return a row for every quantity, subject, precision and group, `ALL` first; relations aren't among them."""
    found: dict[tuple[str, str, str, str], Agreement] = {}
    for case, q in _quantities(record.cases):
        parsed = parsed_case(case.case)
        name, free = q.quantity.removesuffix(FREE_RUN), q.quantity.endswith(FREE_RUN)
        for group in (ALL, group_of(parsed)):
            key = (case.subject, name, parsed.dtype, group)
            row = found.setdefault(key, _empty(key, record.scales.differs_from))
            (row.free if free else row.stepwise).add(case.case, q)
    return sorted(found.values(), key=_order(record, found))


def _quantities(cases: Iterable[CaseRecord]) -> Iterable[tuple[CaseRecord, QuantityRecord]]:
    return ((case, q) for case in cases for q in case.quantities if not q.relation)


def _empty(key: tuple[str, str, str, str], allowed: float) -> Agreement:
    subject, quantity, dtype, group = key
    return Agreement(
        subject=subject,
        quantity=quantity,
        dtype=dtype,
        group=group,
        stepwise=Worst(),
        free=Worst(),
        allowed=allowed,
    )


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


@lru_cache(maxsize=65536)
def parsed_case(case_id: str) -> Case:
    """Return the case of an id; records name each many times."""
    return parse_id(case_id)
