"""What is different between two records: better, worse, appeared, vanished; and whether that is a regression."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct, structs

from conformance.record import CaseRecord, Record, Verdict
from conformance.record.agreement import ALL, totals
from conformance.record.comparing.namesakes import Taken, renamed, taken_as_stated, taken_by_description
from conformance.record.summary import worse
from conformance.record.totals import Worst

Change = Literal["worse", "better", "appeared", "vanished"]

MARGIN = 4.0
"""How many times larger a worst share may be before it counts as a regression.

On the standard suite plain kernels (ATEN_CPU_CAPABILITY=default, OPENBLAS_CORETYPE=Prescott) in place of AVX-512 and
Haswell ones moved the worst share of a quantity by up to 3.4.
"""

SMALLEST = 0.125
"""Share below which growth means nothing: whether a kernel fuses products and sums moved one from 0 to 0.48."""

Key = tuple[str, str, int]
"""Case, subject and platform."""


class CaseChange(Struct, frozen=True, kw_only=True):
    """A case whose verdict is another, or that only one record has; "" stands for no verdict."""

    change: Change
    case: str
    subject: str
    old: Verdict | Literal[""]
    new: Verdict | Literal[""]
    reason: str


class MarginChange(Struct, frozen=True, kw_only=True):
    """A quantity whose worst share over all common cases is another by more than the stated factor."""

    change: Literal["worse", "better"]
    subject: str
    quantity: str
    dtype: str
    scale: Literal["bound", "noise"]
    old: float
    new: float
    case: str


class FactChange(Struct, frozen=True, kw_only=True):
    """Something else that is another: a part of the environment, a contract, a planted fault."""

    what: str
    old: str
    new: str
    regression: bool


class Difference(Struct, frozen=True, kw_only=True):
    """All changes from one record to another.

    `taken` are subjects that have another name in each; `apart` says why there is nothing to compare, where that is so.
    """

    taken: list[Taken]
    apart: str
    common: int
    same: int
    margin: float
    cases: list[CaseChange]
    margins: list[MarginChange]
    interrupted: list[FactChange]
    environment: list[FactChange]
    contracts: list[FactChange]
    power: list[FactChange]

    @property
    def regressions(self) -> int:
        """How many changes are for the worse: a case that vanished is one, since what it showed is shown no more."""
        cases = sum(change.change in ("worse", "vanished") for change in self.cases)
        margins = sum(change.change == "worse" for change in self.margins)
        facts = sum(fact.regression for fact in (*self.interrupted, *self.contracts, *self.power))
        return cases + margins + facts


def difference(
    old: Record,
    new: Record,
    *,
    margin: float = MARGIN,
    common_only: bool = False,
    subjects: Sequence[str] = (),
) -> Difference:
    """Compare two records case by case, and the worst shares of all cases that both have.

    With `common_only` cases of one record alone are left out, and so is detection power, which belongs to a suite.
    `subjects` are those to be compared alone, as `taken_as_stated` takes them; subjects that have another name in each
    record are otherwise taken for one where their descriptions are the same.

    Raises
    ------
    UsageError
        If a record has none of a name in `subjects`.
    """
    taken = taken_as_stated(old, new, subjects) if subjects else taken_by_description(old, new)
    names = {one.old: one.new for one in taken}
    if subjects:
        old, new = renamed(old, names), renamed(new, {name: name for name in names.values()})
    else:
        old = renamed(old, {name: name for name in (*old.subjects, *_subjects(old))} | names)
    before, after = _by_key(old), _by_key(new)
    common = before.keys() & after.keys()
    changes = list(_case_changes(before, after))
    if common_only:
        changes = [change for change in changes if change.change in ("worse", "better")]
    return Difference(
        taken=[one for one in taken if one.old != one.new],
        apart="" if common else _apart(old, new),
        common=len(common),
        same=sum(before[key].verdict == after[key].verdict for key in common),
        margin=margin,
        cases=changes,
        margins=list(_margin_changes(_restricted(old, common), _restricted(new, common), margin)),
        interrupted=list(_interrupted(old, new)),
        environment=list(_environment(old, new)),
        contracts=list(_contracts(old, new)),
        power=[] if common_only or old.suite != new.suite else list(_power(old, new)),
    )


def _apart(old: Record, new: Record) -> str:
    """Return why two records share nothing, and what to do about it."""
    cases = {case.case for case in old.cases} & {case.case for case in new.cases}
    if not cases:
        return (
            f"no case is in both: the old one is of {_suite(old)}, the new one of {_suite(new)}. "
            "Compare records of one suite."
        )
    before, after = sorted(_subjects(old)), sorted(_subjects(new))
    if not set(before) & set(after):
        return (
            f"{len(cases):,} cases are in both, but in the old one {', '.join(before)} is asked, and in the new one "
            f"{', '.join(after)}. Say which are to be compared: --subject {before[0]}={after[0]}"
        )
    return "no subject is asked the same case, on the same platform, in both."


def _suite(record: Record) -> str:
    return record.suite if record.seed is None else f"{record.suite} with seed {record.seed}"


def _subjects(record: Record) -> set[str]:
    return {case.subject for case in record.cases}


def _by_key(record: Record) -> dict[Key, CaseRecord]:
    return {(case.case, case.subject, case.platform): case for case in record.cases}


def _restricted(record: Record, keys: Iterable[Key]) -> Record:
    wanted = set(keys)
    kept = [case for case in record.cases if (case.case, case.subject, case.platform) in wanted]
    return structs.replace(record, cases=kept)


def _case_changes(before: Mapping[Key, CaseRecord], after: Mapping[Key, CaseRecord]) -> Iterator[CaseChange]:
    for key, case in before.items():
        if key not in after:
            yield _case_change("vanished", case, None)
        elif case.verdict != after[key].verdict:
            change = "worse" if worse(after[key].verdict, case.verdict) else "better"
            yield _case_change(change, case, after[key])
    for key, case in after.items():
        if key not in before:
            yield _case_change("appeared", None, case)


def _case_change(change: Change, old: CaseRecord | None, new: CaseRecord | None) -> CaseChange:
    case = new or old
    assert case is not None  # noqa: S101 - one of them is there
    return CaseChange(
        change=change,
        case=case.case,
        subject=case.subject,
        old="" if old is None else old.verdict,
        new="" if new is None else new.verdict,
        reason="" if new is None else new.reason,
    )


def _margin_changes(old: Record, new: Record, margin: float) -> Iterator[MarginChange]:
    """Yield quantities whose worst share has grown or shrunk beyond the margin, above what means nothing."""
    before = dict(_worsts(old))
    for key, now in _worsts(new):
        if key not in before:
            continue
        then, share = float(before[key].share), float(now.share)
        if max(then, share) > margin * max(SMALLEST, min(then, share)):
            subject, quantity, dtype, scale = key
            yield MarginChange(
                change="worse" if share > then else "better",
                subject=subject,
                quantity=quantity,
                dtype=dtype,
                scale=scale,
                old=then,
                new=share,
                case=now.case,
            )


def _worsts(record: Record) -> Iterator[tuple[tuple[str, str, str, Literal["bound", "noise"]], Worst]]:
    for row in totals(record).agreements:
        if row.group == ALL:
            for scale, worst in (("bound", row.stepwise), ("noise", row.free)):
                if worst.cases:
                    yield (row.subject, row.quantity, row.dtype, scale), worst


def _interrupted(old: Record, new: Record) -> Iterator[FactChange]:
    """Yield whether a run didn't finish; a new one that didn't has not shown that nothing got worse."""
    if not (old.complete and new.complete):
        before, after = ("complete" if record.complete else "interrupted" for record in (old, new))
        yield FactChange(what="the run", old=before, new=after, regression=not new.complete)


def _environment(old: Record, new: Record) -> Iterator[FactChange]:
    for n, (then, now) in enumerate(zip(old.environments, new.environments, strict=False)):
        where = f" of platform {n}" if n else ""
        for name in then.__struct_fields__:
            before, after = (_text(getattr(side, name)) for side in (then, now))
            if before != after:
                yield FactChange(what=name + where, old=before, new=after, regression=False)
    if len(old.environments) != len(new.environments):
        counts = (str(len(record.environments)) for record in (old, new))
        yield FactChange(what="platforms", old=next(counts), new=next(counts), regression=False)


def _text(value: object) -> str:
    """Return a part of an environment in words."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={one}" for name, one in sorted(value.items())) or "none"
    if isinstance(value, list):
        return ", ".join(" ".join(map(str, structs.astuple(one))) for one in value) or "none"
    return str(value)


def _contracts(old: Record, new: Record) -> Iterator[FactChange]:
    """Yield contracts with another outcome, where both records tried them; one that holds no more is a regression.

    Of one that depends on the processor two processors tell different things, and neither is worse.
    """
    before = {row.id: row for row in old.contracts}
    elsewhere = _processors(old) != _processors(new)
    for row in new.contracts:
        then = before.get(row.id)
        if then is not None and (then.holds, then.observed) != (row.holds, row.observed):
            what = f"{row.id} (depends on {row.depends_on})" if row.depends_on else row.id
            regression = then.holds and not row.holds and not (row.depends_on and elsewhere)
            yield FactChange(what=what, old=then.observed, new=row.observed, regression=regression)


def _processors(record: Record) -> list[tuple[str, str, str]]:
    return [(place.machine, place.processor, place.torch_capability) for place in record.environments]


def _power(old: Record, new: Record) -> Iterator[FactChange]:
    """Yield planted faults that only one of the records caught."""
    if old.power is None or new.power is None:
        return
    if old.power.accused != new.power.accused:
        counts = [f"{len(side.accused):,} times" for side in (old.power, new.power)]
        more = len(new.power.accused) > len(old.power.accused)
        yield FactChange(what="right code accused", old=counts[0], new=counts[1], regression=more)
    before = {mutant.fault: mutant for mutant in old.power.mutants}
    for mutant in new.power.mutants:
        then = before.get(mutant.fault)
        if then is not None and bool(then.case) != bool(mutant.case):
            caught = [f"caught by {m.case}" if m.case else "missed" for m in (then, mutant)]
            yield FactChange(what=mutant.fault, old=caught[0], new=caught[1], regression=not mutant.case)
