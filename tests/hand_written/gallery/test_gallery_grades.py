"""The grades of the gallery's benchmark can be bad: accusations, false names and wrong constants are seen."""

from typing import Any

import msgspec
import pytest
from gallery.grading import grade
from gallery.truth import truths

from conformance.record.check import (
    CheckRecord,
    ConsistencyRecord,
    ContractFinding,
    DiagnosisRecord,
    FaultRecord,
    ScaleRecord,
)

TRUTHS = truths()
ACTIVATED, EVERY = "tanh-prime-of-activated", "output-gradient-at-every-step"


def made(kind: Any, **known: Any) -> Any:
    """Return a record of `kind` with the fields that matter here, and nothing in the others that it requires."""
    required = {field.name: None for field in msgspec.structs.fields(kind) if field.required}
    return kind(**{**required, **known})


def record(verdict: Any, **known: Any) -> CheckRecord:
    return made(CheckRecord, verdict=verdict, **{"backward": "agrees", **known})


def diagnosis(*faults: str, equivalents: tuple[list[str], ...] = ()) -> DiagnosisRecord:
    named = [made(FaultRecord, id=fault) for fault in faults]
    return made(DiagnosisRecord, faults=named, equivalents=list(equivalents))


def test_a_right_verdict_on_a_right_network_is_right() -> None:
    found = grade(TRUTHS["many_to_one"], record("conforms"))
    assert (found.found, found.verdict, found.exact, found.accused) == (True, True, None, False)


def test_an_accusation_of_a_right_network_is_seen() -> None:
    found = grade(TRUTHS["many_to_one"], record("differs", diagnosis=diagnosis(ACTIVATED)))
    assert found.accused
    assert found.false_names == (ACTIVATED,)
    assert not found.verdict


def test_other_cells_are_accused_by_inconsistency_alone() -> None:
    for agrees, accused in ((True, False), (False, True)):
        seen = made(ConsistencyRecord, agrees=agrees)
        assert grade(TRUTHS["sigmoid_states"], record("another-network", consistency=seen)).accused is accused


def test_exactly_the_faults_or_an_equivalent_set_are_exact() -> None:
    truth = TRUTHS["sum_learner"]
    for named in (diagnosis(ACTIVATED, EVERY), diagnosis("slope-missing", equivalents=([EVERY, ACTIVATED],))):
        found = grade(truth, record("differs", diagnosis=named))
        assert found.exact
        assert not found.false_names


@pytest.mark.parametrize("named", [(ACTIVATED,), (ACTIVATED, EVERY, "slope-missing"), ()])
def test_fewer_or_more_faults_are_not_exact(named: tuple[str, ...]) -> None:
    found = grade(TRUTHS["sum_learner"], record("differs", diagnosis=diagnosis(*named)))
    assert found.exact is False
    assert found.false_names == tuple(set(named) - {ACTIVATED, EVERY})


def test_what_was_not_called_was_not_found() -> None:
    for verdict in ("not-called", "failed", "undecided"):
        assert not grade(TRUTHS["many_to_one"], record(verdict)).found
    assert not grade(TRUTHS["many_to_one"], record("conforms", backward=None)).found


@pytest.mark.parametrize(("factor", "right"), [(7, True), (2, False), (1, False)])
def test_a_constant_must_be_the_right_one(factor: float, right: bool) -> None:  # noqa: FBT001 - a table's column
    scale = made(ScaleRecord, factor=factor)
    case = "rnn-tanh-T7-B1-I4-H5-O2-noh0-f64-s0"
    assert (
        grade(TRUTHS["counting"], record("conforms-up-to-a-constant", scale=scale, case=case)).verdict
        is right
    )


def test_contracts_must_be_exactly_the_broken_ones() -> None:
    def finding(holds: bool) -> ContractFinding:  # noqa: FBT001 - the field's own type
        return made(ContractFinding, id="state-reset", holds=holds)

    truth = next(t for t in TRUTHS.values() if t.contract == ("state leaks between calls",))
    assert grade(truth, record("conforms", contracts=[finding(False)])).contracts
    assert grade(truth, record("conforms", contracts=[finding(True)])).contracts is False
    assert grade(truth, record("conforms")).contracts is None
