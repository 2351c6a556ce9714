"""Any two options meet in the standard suite, any three risky ones in the full one; what can't is told with reasons."""

from itertools import combinations, product

import pytest

from conformance import SUITES, Case
from conformance.cases.crossings import PLAIN, Changes, crossed
from conformance.cases.together import AXES, NEVER, PADDED, RAGGED, RISKY, ragged
from conformance.errors import UsageError

BESIDE = {"layout": {"batch"}}
"""What alternatives of an axis change beside what the axis is about."""


def fields(axis: str) -> set[str]:
    return set().union(*AXES[axis].values()) - BESIDE.get(axis, set())


def is_in(case: Case, axis: str, name: str, changes: Changes) -> bool:
    """Return whether a case has this alternative of an axis."""
    if axis == "lengths":
        longest = max(case.lengths, default=0)
        return name == ("no lengths" if not longest else RAGGED if longest == case.steps else PADDED)
    return all(getattr(case, field) == changes.get(field, getattr(PLAIN, field)) for field in fields(axis))


def shown(case: Case) -> dict[str, str]:
    """Return the alternatives that a case has, by axis; of some axes it may have another one than is listed."""
    return {
        axis: name
        for axis, alternatives in AXES.items()
        for name, changes in alternatives.items()
        if is_in(case, axis, name, changes)
    }


def missing(suite: str, axes: tuple[str, ...], strength: int) -> set[tuple[str, ...]]:
    """Return the choices that meet in no case of a suite."""
    met: set[tuple[str, ...]] = set()
    for case in SUITES[suite].cases():
        found = shown(case)
        own = [found.get(axis) for axis in axes]
        met |= {names for names in combinations(own, strength) if None not in names}
    wanted = (
        names for chosen in combinations(axes, strength) for names in product(*(AXES[a] for a in chosen))
    )
    return {names for names in wanted if names not in met}


def holds(names: tuple[str, ...]) -> bool:
    """Return whether a choice holds two alternatives that can't meet."""
    return any(pair in NEVER for pair in combinations(names, 2))


def test_any_two_options_meet_in_the_standard_suite_but_those_that_cannot() -> None:
    assert missing("standard", tuple(AXES), 2) == set(NEVER)


def test_any_three_risky_options_meet_in_the_full_suite_but_those_that_cannot() -> None:
    left = missing("full", RISKY, 3)
    assert left
    assert all(map(holds, left)), sorted(filter(lambda names: not holds(names), left))


@pytest.mark.parametrize("pair", NEVER)
def test_what_never_meets_is_refused_by_a_case_or_says_what_it_costs(pair: tuple[str, str]) -> None:
    if "minutes" in NEVER[pair]:
        assert made(pair).steps * made(pair).batch > 10_000
    else:
        with pytest.raises(UsageError):
            made(pair)


def made(pair: tuple[str, str]) -> Case:
    changes = {name: changes for axis in AXES.values() for name, changes in axis.items()}
    case = next(crossed([changes[pair[1]]], [changes[pair[0]]]))
    (lengths,) = {RAGGED, PADDED} & {*pair} or {""}
    return ragged(case, longest=case.steps - (lengths == PADDED)) if lengths else case
