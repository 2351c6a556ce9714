"""The axes of a search: every choice of a backward loop that makes a difference in a problem, and no other."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.cases import materialise, parse_id
from conformance.faults import Choices
from conformance.faults.seams import alternatives
from conformance.hand_written.diagnosis.axes import Axes, axes_of

GIVEN = materialise(parse_id("rnn-tanh-T6-B3-bf-I4-H5-O2-f64-gain1.2-s0"))
BARE = materialise(parse_id("rnn-relu-nobias-T5-B2-I4-H5-O3-noh0-dlast-f64-s0"))


def names_of(axes: Axes) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for axis in axes.axes:
        assert axis.alternatives[0] == {}
        found[axis.name] = [dict(change) for change in axis.alternatives[1:]]
    return found


def wrong_at(axes: Axes, seam: str) -> set[str]:
    return {change[seam] for change in axes[seam].alternatives if seam in change}


def test_axes_are_the_seams_of_a_backward_loop_with_what_makes_a_difference_there() -> None:
    axes = axes_of(GIVEN, None)
    assert list(names_of(axes)) == [
        *("derivative", "slope_at", "head_loss", "head_carry", "entry", "d_h_n", "carry", "carried"),
        *("arrives", "joined", "steps", "order", "truncation", "update", "clip"),
    ]
    for seam in ("slope_at", "head_loss", "entry", "d_h_n", "carried", "arrives", "joined", "steps", "order"):
        assert names_of(axes)[seam] == [{seam: choice} for choice in alternatives(seam)[1:]]
    assert wrong_at(axes, "carry") == set(alternatives("carry")[1:]) - {"input weights"}
    assert wrong_at(axes, "head_carry") == set()
    assert names_of(axes)["update"] == []
    assert names_of(axes)["clip"] == [{"clip": "carry 1"}, {"clip": "carry norm 1"}]
    assert wrong_at(axes, "derivative") == set(alternatives("derivative")[1:]) - {"tanh", "one at zero"}


def test_what_makes_no_difference_in_a_problem_is_no_alternative_there() -> None:
    bare = axes_of(BARE, None)
    assert wrong_at(bare, "d_h_n") == set()
    assert wrong_at(bare, "head_loss") == set(alternatives("head_loss")[1:])
    assert wrong_at(axes_of(replace(BARE, head=None), None), "head_loss") == set()
    assert wrong_at(bare, "derivative") == (
        set(alternatives("derivative")[1:]) - {"relu", "pre-activation", "unsquared", "squared difference"}
    )
    one = axes_of(materialise(parse_id("rnn-tanh-T6-single-I5-H5-O5-f64-s0")), 0.25)
    pointless = {"first row", "tanh", "one at zero"}
    assert wrong_at(one, "derivative") == set(alternatives("derivative")[1:]) - pointless
    assert wrong_at(one, "carry") == set(alternatives("carry")[1:]) - {"end of [h; x]", "start of [x; h]"}
    assert names_of(one)["head_carry"] == [
        {"head_carry": how, "rate": 0.25} for how in alternatives("head_carry")[1:]
    ]
    assert names_of(one)["update"] == [
        {"update": how, "rate": 0.25} | ({} if read == "before" else {"h_read": read})
        for how in ("inside", "inside, later")
        for read in alternatives("h_read")
    ]


@pytest.mark.parametrize(
    ("activation", "pointless"),
    [
        ("own", {"tanh", "one at zero"}),
        ("halved", {"tanh", "one at zero"}),
        ("other", {"pre-activation", "unsquared", "squared difference", "relu"}),
        ("sigmoid", {"one at zero"}),
        ("none", {"one at zero"}),
    ],
)
def test_a_derivative_that_is_the_activation_s_own_is_not_wrong(activation: str, pointless: set[str]) -> None:
    every = set(alternatives("derivative")[1:])
    tanh = axes_of(GIVEN, None, Choices(activation=activation))
    assert wrong_at(tanh, "derivative") == every - pointless
    relu = {"own": "other", "halved": "other", "other": "own"}.get(activation, activation)
    assert wrong_at(axes_of(BARE, None, Choices(activation=relu)), "derivative") == every - pointless


def test_gradients_may_go_back_every_number_of_steps_that_differs_from_all() -> None:
    cut = axes_of(GIVEN, None)["truncation"].alternatives[1:]
    reaches = {
        kind: [change["reach"] for change in cut if change["truncation"] == kind]
        for kind in ("segments", "last steps", "windows")
    }
    assert reaches == {"segments": [2, 3, 4, 5], "last steps": [2, 3, 4], "windows": [1, 2, 3, 4]}
    assert len(cut) == 11


def test_no_plan_is_wrong_where_nothing_can_be() -> None:
    axes = axes_of(GIVEN, None)
    assert axes.sizes("head_carry", "update") == (1, 1)
    for plans in (*axes.plans(1), *axes.plans(2)):
        assert len(plans)


def test_plans_are_all_that_are_wrong_at_so_many_axes() -> None:
    axes = axes_of(BARE, None)
    wrong = [len(axis.alternatives) - 1 for axis in axes.axes]
    assert [len(p) for p in axes.plans(0)] == [1]
    assert not next(iter(axes.plans(0))).any()
    assert sum(map(len, axes.plans(1))) == sum(wrong)
    for plan in np.concatenate(list(axes.plans(2))):
        assert (plan > 0).sum() == 2
        choices = axes.choices(plan, Choices(inputs="after"))
        assert choices.inputs == "after"
        assert 2 <= len(choices.departures()) <= 3
    assert axes.sizes("carry", "steps") == (len(axes["carry"].alternatives), 3)
    assert axes.column("derivative") == 0
    fewer = axes.restricted("steps", (0, 2))
    assert wrong_at(fewer, "steps") == {"first skipped"}
    assert wrong_at(fewer, "carry") == wrong_at(axes, "carry")
