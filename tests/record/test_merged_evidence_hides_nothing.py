"""Evidence of several records made one: nothing that one of them missed or accused is hidden by another."""

from msgspec.structs import replace
from support.gating import HERE, A, B, case, record_of

from conformance.record import ContractRecord, MutantRecord, PowerRecord, Record
from conformance.record.comparing.merge import merged

ELSEWHERE = replace(HERE, processor="another")


def power(*caught: str, accused: tuple[str, ...] = ()) -> PowerRecord:
    """Return what a run measured with two mutants, of which these were caught."""
    mutants = [MutantRecord(name, name, A if name in caught else "") for name in ("one", "two")]
    return PowerRecord(
        cases=3, probed=2, mutants=mutants, disturbed=5, seen=4, overlooked=["x"], accused=[*accused]
    )


def contract(observed: str, *, holds: bool) -> ContractRecord:
    return ContractRecord(
        id="steps-0", statement="s", expected="refused", observed=observed, holds=holds, reference="refused"
    )


def pair(first: dict[str, object], second: dict[str, object]) -> dict[str, Record]:
    return {
        "a.json": replace(record_of(case("agrees")), **first),
        "b.json": replace(record_of(case("agrees", B)), **second),
    }


def test_a_fault_that_one_shard_catches_is_caught() -> None:
    whole = merged(pair({"power": power("one")}, {"power": power("two", accused=("right",))}))
    assert whole.power is not None
    assert [mutant.case for mutant in whole.power.mutants] == [A, A]
    assert (whole.power.cases, whole.power.disturbed, whole.power.seen) == (6, 10, 8)
    assert whole.power.accused == ["right"]


def test_a_fault_that_one_platform_misses_is_missed() -> None:
    parts = pair({"power": power("one", "two")}, {"power": power("one"), "environments": [ELSEWHERE]})
    whole = merged(parts)
    assert whole.power is not None
    assert [(mutant.fault, mutant.case) for mutant in whole.power.mutants] == [("one", A), ("two", "")]


def test_a_contract_broken_on_one_platform_is_broken_and_both_are_told() -> None:
    parts = pair(
        {"contracts": [contract("refused", holds=True)]},
        {"contracts": [contract("taken", holds=False)], "environments": [ELSEWHERE]},
    )
    (row,) = merged(parts).contracts
    assert not row.holds
    assert row.observed == "refused (in a.json); taken (in b.json)"


def test_contracts_that_came_out_alike_stand_there_once() -> None:
    rows = {"contracts": [contract("refused", holds=True)]}
    assert merged(pair(rows, rows)).contracts == rows["contracts"]


def test_without_evidence_there_is_none() -> None:
    whole = merged(pair({}, {}))
    assert (whole.power, whole.contracts, whole.profiles) == (None, [], [])
