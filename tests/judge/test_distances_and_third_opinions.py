"""What is told beside the verdict: how far free runs end up apart, and which side a more precise run blames."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.cases import materialise, parse_id
from conformance.judge import distances, third_opinion
from conformance.judge.geometry import (
    active,
    first_steps,
    from_step_after,
    from_step_before,
    last_steps,
    picked,
    rows,
)
from conformance.subjects.observation import Observation
from conformance.subjects.reference import observe

PROBLEM = materialise(parse_id("rnn-tanh-T4-B2-I3-H2-f64-s0"))
HEADED = materialise(parse_id("rnn-tanh-T4-B2-I3-H2-O2-f64-s0"))
PADDED = materialise(parse_id("rnn-tanh-T4-len2.4-B2-I3-H2-f64-s0"))
NAN, INF = np.nan, np.inf


def h_n(*values: float) -> Observation:
    return Observation(h_n=np.array(values, np.float64).reshape(1, 2, 2))


def distance(got: Observation, reference: Observation) -> tuple[float, float, float]:
    (found,) = distances(PROBLEM, got, reference)
    assert found.quantity == "h_n"
    return found.absolute, found.relative_to_largest, found.ulp


def test_every_result_that_both_show_is_measured() -> None:
    shown = observe(HEADED, np.float64)
    names = {"output", "h_n", "y", "dL/dx", "dL/dh_0", *(f"dL/d{name}" for name in HEADED.parameters)}
    found = distances(HEADED, shown, shown)
    assert {d.quantity for d in found} == names
    assert all((d.absolute, d.relative_to_largest, d.ulp) == (0, 0, 0) for d in found)
    fewer = replace(shown, y=None, d_x=None)
    assert {d.quantity for d in distances(HEADED, shown, fewer)} == names - {"y", "dL/dx"}
    assert {d.quantity for d in distances(HEADED, fewer, shown)} == names - {"y", "dL/dx"}


@pytest.mark.parametrize("infinity", [False, True])
def test_a_distance_is_told_in_itself_in_the_largest_and_in_units_of_the_last_place(infinity: bool) -> None:  # noqa: FBT001
    same = INF if infinity else 0.5
    told = distance(h_n(1.5, -4.0, 2.0, same), h_n(1.0, -4.0, 2.0, same))
    assert told == (0.5, 0.125, 2.0**51)


def test_a_distance_in_single_precision_is_told_in_double() -> None:
    got, reference = (np.array([[[value, 1], [1, 1]]], np.float32) for value in (1, 2.0**-30))
    problem = materialise(parse_id("rnn-tanh-T4-B2-I3-H2-f32-s0"))
    (found,) = distances(problem, Observation(h_n=got), Observation(h_n=reference))
    assert found.absolute == 1 - 2.0**-30


@pytest.mark.parametrize(("got", "reference"), [(NAN, 1.0), (1.0, NAN), (INF, -INF), (INF, 1.0)])
def test_nan_and_infinities_are_infinitely_far_from_all_but_themselves(got: float, reference: float) -> None:
    assert distance(h_n(got, 1, 1, 1), h_n(reference, 1, 1, 1)) == (INF, INF, INF)
    assert distance(h_n(got, 1, 1, 1), h_n(got, 1, 1, 1)) == (0, 0, 0)


def test_beside_zeros_alone_a_distance_is_relatively_infinite() -> None:
    assert distance(h_n(0, 0, 0, 2.0**-1000), h_n(0, 0, 0, 0)) == (2.0**-1000, INF, 2.0**74)
    assert distance(h_n(0, 0, 0, 0), h_n(0, 0, 0, 0)) == (0, 0, 0)


BOTH = ("h_n", "dL/dx")


def opinion(subject: Observation, reference: Observation, oracle: Observation) -> str:
    found = third_opinion(PROBLEM, subject, reference, oracle, BOTH)
    assert found is not None
    return found.verdict


def test_the_side_that_is_further_from_the_truth_by_more_than_chance_is_off() -> None:
    true = h_n(1, 2, 3, 4)
    near, far = h_n(1, 2, 3, 4 + 2.0**-20), h_n(1, 2, 3 - 2.0**-10, 4)
    assert opinion(far, near, true) == (
        "the subject is off: h_n is wrong by up to 0.00098, 1e+03 times the other's error"
    )
    assert opinion(near, far, true).startswith("the reference is off: h_n is wrong by up to 0.00098")
    assert opinion(far, true, true) == (
        "the subject is off: h_n is wrong by up to 0.00098, where the other is exact"
    )
    assert opinion(true, true, true) == "neither side is off by more than chance (h_n)"
    assert opinion(h_n(1, 2, 3, 34), h_n(1, 2, 3, 5), true).startswith("neither")  # 30 times as far
    assert opinion(h_n(1, 2, 3, 35), h_n(1, 2, 3, 5), true).startswith("the subject")
    assert opinion(near, near, true).startswith("neither")


def test_a_third_opinion_counts_nan_and_infinities_as_wrong_unless_they_are_right() -> None:
    true, near = h_n(NAN, INF, 3, 4), h_n(NAN, INF, 3, 5)
    assert opinion(h_n(0, INF, 3, 4), near, true).startswith("the subject is off: h_n is wrong by up to inf")
    assert opinion(h_n(NAN, -INF, 3, 4), near, true).startswith("the subject is off")
    assert opinion(h_n(NAN, INF, NAN, 4), near, true).startswith("the subject is off")
    assert opinion(near, near, true).startswith("neither")


def test_the_opinion_is_on_the_result_where_the_sides_are_most_unlike() -> None:
    true = replace(h_n(1, 2, 3, 4), d_x=np.ones((4, 2, 3)))
    subject = replace(h_n(1, 2, 3, 5), d_x=np.full((4, 2, 3), 1.5))
    reference = replace(h_n(1, 2, 3, 4.5), d_x=np.full((4, 2, 3), 1 + 2.0**-20))
    found = third_opinion(PROBLEM, subject, reference, true, BOTH)
    assert (found.quantity, found.subject, found.reference) == ("dL/dx", 0.5, 2.0**-20)
    assert third_opinion(PROBLEM, Observation(), reference, true, BOTH) is None
    of_h_n = third_opinion(PROBLEM, subject, reference, true, ["h_n"])
    assert (of_h_n.quantity, of_h_n.subject) == ("h_n", 1)


def test_a_result_on_which_the_sides_are_alike_says_least() -> None:
    true = replace(h_n(1, 2, 3, 4), d_x=np.ones((4, 2, 3)))
    for h_n_of_both in (h_n(1, 2, 3, 4), h_n(1, 2, 3, 5), h_n(1, 2, 3, INF)):
        subject, reference = (replace(h_n_of_both, d_x=np.full((4, 2, 3), value)) for value in (1.75, 1.5))
        found = third_opinion(PROBLEM, subject, reference, true, BOTH)
        assert (found.quantity, found.subject, found.reference) == ("dL/dx", 0.75, 0.5)


def test_steps_lie_where_each_sample_s_own_scan_passes() -> None:
    assert active(PADDED)[:, :, 0].tolist() == [[True, True], [True, True], [False, True], [False, True]]
    first = [[True, True], [False, False], [False, False], [False, False]]
    last = [[False, False], [True, False], [False, False], [False, True]]
    assert first_steps(PADDED, reverse=False)[:, :, 0].tolist() == first
    assert last_steps(PADDED, reverse=True)[:, :, 0].tolist() == first
    assert first_steps(PADDED, reverse=True)[:, :, 0].tolist() == last
    assert last_steps(PADDED, reverse=False)[:, :, 0].tolist() == last
    whole = [[False, False], [False, False], [False, False], [True, True]]
    assert last_steps(PROBLEM, reverse=False)[:, :, 0].tolist() == whole
    values = np.arange(8.0).reshape(4, 2, 1)
    assert picked(values, last_steps(PADDED, reverse=False)).tolist() == [[2.0], [7.0]]
    assert from_step_before(values, reverse=False)[:, 0, 0].tolist() == [0, 0, 2, 4]
    assert from_step_after(values, reverse=True)[:, 0, 0].tolist() == [0, 0, 2, 4]
    assert from_step_before(values, reverse=True)[:, 0, 0].tolist() == [2, 4, 6, 0]
    assert from_step_after(values, reverse=False)[:, 0, 0].tolist() == [2, 4, 6, 0]
    assert rows(values).tolist() == [[n] for n in range(8)]
    values[2, 0] = NAN
    assert picked(values, last_steps(PADDED, reverse=False)).tolist() == [[2.0], [7.0]]
