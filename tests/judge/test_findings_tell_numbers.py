"""What a finding tells of its elements is what they are: differences in every unit, counts, and places."""

import numpy as np
import pytest

from conformance.cases import FORMATS
from conformance.judge import Comparison, Finding, Precision, decide
from conformance.judge.comparison import Differences

DOUBLE = Precision.of(FORMATS["f64"])
NAN, INF = np.nan, np.inf


def finding(got: list, expected: list, **changes: object) -> Finding:
    parts = {
        "phase": "backward",
        "quantity": "dL/dh",
        "layer": 1,
        "direction": 1,
        "axes": ("t", "unit")[: np.ndim(got)],
        "got": np.array(got, np.float64),
        "expected": np.array(expected, np.float64),
        "bound": 1.0,
        "terms": 1.0,
    }
    (found,) = decide([Comparison(**(parts | changes))], DOUBLE)
    return found


def test_differences_are_told_in_every_unit_beside_nan_and_infinity() -> None:
    got = np.array([1.5, 3.0, 2.0, NAN, INF, INF, NAN, 0.0, -INF, 1.0])
    expected = np.array([1.0, 2.0, 2.0, NAN, INF, -INF, 1.0, 0.0, 3.0, 0.0])
    with np.errstate(all="ignore"):
        apart = Differences.between(got, expected, DOUBLE)
    assert apart.absolute.tolist() == [0.5, 1.0, 0, 0, 0, INF, INF, 0, INF, 1.0]
    assert apart.relative.tolist() == [0.5, 0.5, 0, 0, 0, INF, INF, 0, INF, INF]
    assert apart.ulp.tolist() == [2.0**51, 2.0**51, 0, 0, 0, INF, INF, 0, INF, INF]


def test_finite_differences_are_told_in_every_unit() -> None:
    with np.errstate(all="ignore"):
        apart = Differences.between(np.array([3.0, 0.0, 5.0]), np.array([2.0, 0.0, -4.0]), DOUBLE)
    assert apart.absolute.tolist() == [1.0, 0.0, 9.0]
    assert apart.relative.tolist() == [0.5, 0.0, 2.25]
    assert apart.ulp.tolist() == [2.0**51, 0.0, 9 * 2.0**50]


def test_the_whole_bound_is_no_mismatch_and_is_not_the_first() -> None:
    found = finding([0.0, 1.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0], axes=("t",))
    assert (found.verdict, found.elements, found.mismatches, found.undecided) == ("differs", 4, 2, 0)
    assert found.first.where == "layer 1 reverse, t = 2"
    assert (found.first.got, found.first.expected, found.first.bound, found.first.share) == (3, 0, 1, 3)
    assert (found.first.absolute, found.first.relative) == (3, INF)
    assert found.worst_where == "layer 1 reverse, t = 2"
    assert found.worst_share == 3


def test_what_is_told_of_all_elements_leaves_out_what_is_not_judged_or_not_decided() -> None:
    found = finding(
        [[9.0, 1.0], [4.0, 2.0]],
        [[2.0, 1.5], [3.0, 2.0]],
        bound=np.array([[1.0, 2.0], [4.0, 9.0]]),
        judged=np.array([[False, True], [True, True]]),
        doubtful=np.array([[False, False], [False, True]]),
    )
    assert (found.elements, found.mismatches, found.undecided) == (3, 0, 1)
    assert (found.absolute, found.relative, found.ulp) == (1.0, 1 / 3, 2.0**51)
    assert found.worst_share == 0.25
    assert found.worst_where == "layer 1 reverse, t = 0, unit 1"  # the first of two
    assert found.agrees_to == 4.0 / 3.0
    assert np.array_equal(found.share, [[NAN, 0.25], [0.25, NAN]], equal_nan=True)


def test_how_closely_elements_agree_is_told_of_the_decided_ones_alone() -> None:
    left_out = {"bound": np.array([0.125, 8.0]), "doubtful": np.array([False, True])}
    assert finding([0.25, 0.5], [0.25, 0.5], **left_out).agrees_to == 0.5


def test_the_worst_place_is_not_one_that_was_left_out() -> None:
    found = finding(
        [5.0, 0.25, 0.5], [0.0] * 3, judged=np.array([False, True, True]), layer=None, direction=None
    )
    assert found.worst_where == "t = 2"
    same = finding([5.0, 0.0, 0.0], [0.0] * 3, judged=np.array([False, True, True]), layer=0, direction=0)
    assert same.worst_where == "layer 0 forward, t = 1"


def test_nothing_is_told_where_nothing_was_decided() -> None:
    found = finding([5.0, 1.0], [0.0, 0.0], bound=INF)
    assert (found.verdict, found.worst_share, found.worst_where, found.first) == (
        "undecidable",
        None,
        "",
        None,
    )
    assert (found.absolute, found.relative, found.ulp, found.agrees_to) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"terms": DOUBLE.largest / 4}, "undecidable"),
        ({"terms": DOUBLE.largest / 4.5}, "agrees"),
        ({"terms": NAN}, "undecidable"),
        ({"bound": NAN}, "differs"),
        ({"bound": INF}, "undecidable"),
        ({"doubtful": np.array([False, True])}, "undecidable"),
        ({"judged": np.array([False, False])}, "vacuous"),
    ],
    ids=str,
)
def test_one_element_that_is_not_decided_is_too_many(change: dict, verdict: str) -> None:
    assert finding([1000.5, 1000.5], [1000.0, 1000.0], **change).verdict == verdict


def test_nothing_is_at_stake_where_all_terms_are_zero() -> None:
    assert finding([0.0], [0.0], terms=0.0).verdict == "vacuous"
    assert finding([0.0], [0.0], terms=1e-300).verdict == "agrees"
    assert finding([1000.0], [1000.0], terms=0.0).verdict == "agrees"
    assert finding([0.0], [0.0], bound=0.0).worst_share == 0  # 0 / 0


def test_the_title_and_the_basis_name_the_law_between_two_runs() -> None:
    assert finding([0.0], [0.0]).comparison.title == "dL/dh"
    law = finding([0.0], [9.0], relation="a batch row equals the single run").first
    assert law.quantity == "a batch row equals the single run: dL/dh"
    assert law.basis == "in the subject's other run"
    assert finding([0.0], [9.0], scale="noise").first.basis == "in the reference's free run"


def test_the_first_of_a_backward_pass_is_the_last_in_time() -> None:
    got = [[0.0, 9.0], [0.0, 9.0], [0.0, 0.0]]
    assert finding(got, [[0.0, 0.0]] * 3, backwards=True).first.index == {"t": 1, "unit": 1}
    assert finding(got, [[0.0, 0.0]] * 3, backwards=False).first.index == {"t": 0, "unit": 1}


def test_a_comparison_of_two_shapes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"dL/dh has the shape \(1,\) where \(2,\) was expected"):
        finding([0.0], [0.0, 0.0])
