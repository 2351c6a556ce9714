"""Constants of single gradients are read as the choices that bring them in; their names are sizes that make them."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from msgspec import structs

from conformance.cases import materialise, parse_id
from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.faults import RIGHT, simulate
from conformance.hand_written.diagnosis.axes import Change
from conformance.hand_written.diagnosis.constants import awkwardness, merged, name_of, resolved
from conformance.hand_written.diagnosis.evidence import Evidence
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.naming import named, nearest
from conformance.subjects.observation import Observation

PROBLEM = materialise(parse_id("rnn-tanh-T7-B3-I4-H5-O2-f64-gain1.2-s0"))
CASE = PROBLEM.case
NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", HEAD_WEIGHT, HEAD_BIAS)
RIGHT_ONES = simulate(PROBLEM).parameters
NORM = float(np.linalg.norm(RIGHT_ONES["weight_ih_l0"]))

APART: list[Change] = [
    {},
    {"reduce_ih": "mean"},
    {"reduce_hh": "mean"},
    {"reduce_b": "mean"},
    {"reduce_head": "mean"},
    {"reduce_head": "every step"},
    {"reduce_head_bias": "mean"},
    {"reduce_head": "mean", "reduce_head_bias": "mean"},
    {"head_bias": "doubled"},
    {"head_bias": "dropped"},
    {"bias_gradients": "doubled"},
    {"bias_gradients": "mean over rows"},
    {"bias_gradients": "b_ih dropped"},
    {"bias_gradients": "b_hh dropped"},
    {"bias_gradients": "both dropped"},
    {"rows": "mean"},
    {"clip": "over another's norm"},
    {"reduce_ih": "mean", "reduce_b": "mean"},
    {"reduce_hh": "mean", "bias_gradients": "doubled"},
    {"bias_gradients": "mean over rows", "reduce_b": "mean"},
    {"head_bias": "doubled", "reduce_head": "every step", "reduce_head_bias": "every step"},
    {"rows": "mean", "reduce_ih": "mean"},
    {"rows": "mean", "head_bias": "dropped"},
    {"bias_gradients": "b_hh dropped", "head_bias": "dropped"},
    {"clip": "over another's norm", "reduce_hh": "mean"},
    {"clip": "another's norm"},
    {"scale_ih": "own", "own_ih": 2.0},
    {"scale_hh": "own", "own_hh": -1.0},
    {"scale_b": "own", "own_b": -1 / 2},
    {"scale_head": "own", "own_head": 0.5},
    {"scale_head_bias": "own", "own_head_bias": -1.0},
    {"scale_ih": "own", "own_ih": 2.0, "rows": "mean"},
    {"scale_ih": "own", "own_ih": 2.0, "scale_head_bias": "own", "own_head_bias": -1.0},
]
"""Choices that multiply single gradients and change nothing else."""


def constant(shown: np.ndarray, right: np.ndarray) -> float:
    return float(shown.ravel() @ right.ravel() / (right.ravel() @ right.ravel()))


def readings(
    change: Change, factor: float = 1.0, names: tuple[str, ...] = NAMES
) -> list[tuple[float, Change]]:
    """Return what is made of the constants between what a network of `change` shows and what a right one does."""
    shown = {
        name: factor * g for name, g in simulate(PROBLEM, structs.replace(RIGHT, **change)).parameters.items()
    }
    shown = {name: shown[name] for name in names}
    material = Material.of(Evidence(problem=PROBLEM, observation=Observation(parameters=shown)))
    factors = {name: constant(shown[name], RIGHT_ONES[name]) for name in names}
    norm = float(np.linalg.norm(shown["weight_ih_l0"])) if "weight_ih_l0" in shown else None
    return [(found.scale, found.change) for found in resolved(factors, material, norm)]


@pytest.mark.parametrize("change", APART, ids=str)
def test_a_choice_is_read_off_the_constants_that_it_brings_in(change: Change) -> None:
    for factor in (1.0,) if "clip" in change else (1.0, -2.5):  # over a norm, dW_hh loses the factor
        found = readings(change, factor)
        assert change in [made for scale, made in found if scale == pytest.approx(factor)]
        assert len({str((scale, sorted(made.items()))) for scale, made in found}) == len(found)
        wanted = simulate(PROBLEM, structs.replace(RIGHT, **change)).parameters
        for scale, made in found:
            again = simulate(PROBLEM, structs.replace(RIGHT, **made)).parameters
            for name in NAMES if "clip" not in made else ():  # whose norm that is only the proof tells
                np.testing.assert_allclose(
                    scale * again[name], factor * wanted[name], rtol=1e-7, err_msg=str(made)
                )


def test_what_all_gradients_have_in_common_sets_none_apart() -> None:
    assert readings({}, 3.0)[0] == (pytest.approx(3.0), {})
    assert readings({}, 1.0)[0] == (1.0, {})


def test_half_of_all_gradients_may_carry_a_constant_of_their_own_and_no_more() -> None:
    three: Change = {
        "scale_ih": "own",
        "own_ih": 2.0,
        "scale_hh": "own",
        "own_hh": -1.0,
        "scale_head": "own",
        "own_head": 14.0,
    }
    assert three in [change for _, change in readings(three)]
    four = three | {"scale_head_bias": "own", "own_head_bias": -2.0}
    assert four not in [change for _, change in readings(four)]


def test_what_the_head_passes_back_carries_a_constant_of_its_own_where_nothing_else_enters_behind_it() -> (
    None
):
    both = ("weight_ih_l0", HEAD_WEIGHT)
    problem = materialise(parse_id("rnn-tanh-T7-B3-I4-H5-O2-dout-f64-gain1.2-s0"))
    alone = Observation(parameters={name: RIGHT_ONES[name] for name in both})
    for constant, change in (
        (-1.0, {"head_passed": "negated"}),
        (2 / 7, {"head_passed": "own", "own_passed": 2 / 7}),
    ):
        factors = dict(zip(both, (3 * constant, 3.0), strict=True))
        material = Material.of(Evidence(problem=problem, observation=alone))
        found = [each.change for each in resolved(factors, material, None) if each.scale == pytest.approx(3)]
        assert change in found
        seen_elsewhere = Material.of(Evidence(problem=PROBLEM, observation=alone))
        assert change not in [each.change for each in resolved(factors, seen_elsewhere, None)]
    mean = dict(zip(both, (1 / 7, 1.0), strict=True))
    assert not any("head_passed" in each.change for each in resolved(mean, material, None))


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize("constant", [1 / 7, 1 / 3, 3.0, 2 / 3, 7.0, -1 / 3])
def test_a_mean_behind_the_head_is_told_by_the_parameters_where_nothing_else_is_shown(
    *, constant: float, inner: bool
) -> None:
    problem = materialise(parse_id("rnn-tanh-T7-B3-I4-H5-O2-dout-f64-gain1.2-s0"))
    both = {name: RIGHT_ONES[name] for name in ("weight_ih_l0", HEAD_WEIGHT)}
    shown = Observation(parameters=both, d_x=problem.x if inner else None)
    material = Material.of(Evidence(problem=problem, observation=shown))
    found = [each.change for each in resolved({"weight_ih_l0": constant, HEAD_WEIGHT: 1.0}, material, None)]
    passed = [change["own_passed"] for change in found if "own_passed" in change]
    assert (pytest.approx(constant) in passed) is (inner or constant not in (1 / 7, 1 / 3))


def test_of_two_gradients_of_the_head_what_is_said_of_one_is_not_said_of_the_other() -> None:
    both = (HEAD_WEIGHT, HEAD_BIAS)
    assert {"reduce_head": "mean"} in [change for _, change in readings({"reduce_head": "mean"}, names=both)]


def test_what_is_said_of_one_gradient_of_the_head_holds_for_both_where_the_other_is_not_shown() -> None:
    for names in ((HEAD_WEIGHT, "bias_ih_l0"), (HEAD_BIAS, "bias_ih_l0")):
        found = readings({"reduce_head": "mean", "reduce_head_bias": "mean"}, names=names)
        assert {"reduce_head": "mean", "reduce_head_bias": "mean"} in [change for _, change in found]
        assert not any(len({"reduce_head", "reduce_head_bias"} & change.keys()) == 1 for _, change in found)


def test_a_mean_over_two_samples_is_told_from_a_sum() -> None:
    two = materialise(parse_id("rnn-tanh-T7-B2-I4-H5-O2-f64-gain1.2-s0"))
    shown = simulate(two, structs.replace(RIGHT, rows="mean")).parameters
    material = Material.of(Evidence(problem=two, observation=Observation(parameters=shown)))
    factors = {name: constant(g, simulate(two).parameters[name]) for name, g in shown.items()}
    assert {"rows": "mean"} in [found.change for found in resolved(factors, material, None)]


def test_a_gradient_that_is_not_shown_says_nothing() -> None:
    bias = ("bias_ih_l0",)
    assert {} in [change for _, change in readings({"reduce_ih": "mean"}, names=bias)]
    dropped = readings({"bias_gradients": "b_ih dropped"}, names=("weight_ih_l0", "bias_ih_l0"))
    assert dropped[0] == (1.0, {"bias_gradients": "both dropped"})  # dL/db_hh may be 0 as well
    assert readings({"bias_gradients": "b_ih dropped"}, names=("bias_ih_l0", "bias_hh_l0"))[0] == (
        1.0,
        {"bias_gradients": "b_ih dropped"},
    )


def test_a_gradient_of_zeros_is_one_that_was_dropped() -> None:
    zeros = {name: 0 * g for name, g in RIGHT_ONES.items()}
    material = Material.of(Evidence(problem=PROBLEM, observation=Observation(parameters=zeros)))
    for name, seam in (
        ("weight_ih_l0", "scale_ih"),
        ("weight_hh_l0", "scale_hh"),
        (HEAD_WEIGHT, "scale_head"),
    ):
        dropped = list(resolved({name: 0.0, "bias_ih_l0": 1.0}, material, None))
        assert {seam: "zero"} in [found.change for found in dropped if found.scale == 1.0]
    assert list(resolved({"d_x": 0.0, "bias_ih_l0": 1.0}, material, None)) == []
    (any_would_do,) = resolved({"weight_ih_l0": math.nan}, material, None)
    assert (any_would_do.scale, any_would_do.change) == (1.0, {})


@pytest.mark.parametrize("limit", [1, 5])
def test_clipping_by_value_is_told_by_the_largest_element(limit: int) -> None:
    shown = {name: np.clip(100 * g, -limit, limit) for name, g in RIGHT_ONES.items()}
    material = Material.of(Evidence(problem=PROBLEM, observation=Observation(parameters=shown)))
    assert material.limit == limit
    found = list(resolved(dict.fromkeys(NAMES, 100.0), material, None))
    assert found[0].change == {"clip": f"value {limit}"}
    assert found[0].scale == pytest.approx(100)


@pytest.mark.parametrize("limit", [1, 5])
@pytest.mark.parametrize("inner", [False, True])
def test_clipping_by_norm_is_told_by_the_norm_of_all_gradients(limit: int, inner: bool) -> None:  # noqa: FBT001
    factor = 100.0
    clipped = simulate(PROBLEM, structs.replace(RIGHT, clip=f"norm {limit}"), factor=factor).parameters
    whole = simulate(PROBLEM, factor=factor)
    shown = Observation(parameters=clipped, d_x=whole.d_x if inner else None)
    material = Material.of(Evidence(problem=PROBLEM, observation=shown))
    assert material.norm == pytest.approx(limit)
    factors = {name: constant(g, RIGHT_ONES[name]) for name, g in clipped.items()} | (
        {"d_x": factor} if inner else {}
    )
    found = [(r.scale, r.change) for r in resolved(factors, material, None)]
    if inner:
        assert (pytest.approx(factor), {"clip": f"norm {limit}"}) in found
    else:
        assert {"clip": f"norm {limit}"} in [change for _, change in found] or factors["bias_ih_l0"] >= 1
        assert found[0][1] == {}  # the constant alone does as well


def test_changes_that_contradict_each_other_have_no_union() -> None:
    assert merged({"a": 1}, {"b": 2}, {"a": 1}) == {"a": 1, "b": 2}
    assert merged({"a": 1}, {"a": 2}) is None
    assert merged({"a": 1}, None) is None
    assert merged() == {}


# Names.


@pytest.mark.parametrize(
    ("factor", "name"),
    [
        (1.0, "1"),
        (-1.0, "-1"),
        (2.0, "2"),
        (-0.5, "-1/2"),
        (0.5, "1/2"),
        (7.0, "T"),
        (3.0, "B"),
        (1 / 7, "1/T"),
        (1 / 3, "1/B"),
        (1 / 21, "1/(T·B)"),
        (14.0, "2·T"),
        (2 / 7, "2/T"),
        (7 / 2, "T/2"),
        (-7 / 3, "-T/B"),
        (7 / 6, "T/(2·B)"),
        (1 / 42, "1/(2·T·B)"),
        (42.0, "2·T·B"),
        (0.3, ""),
        (49.0, ""),
    ],
)
def test_a_constant_is_named_by_the_sizes_that_make_it_the_simplest_reading_first(
    factor: float, name: str
) -> None:
    case = replace(CASE, output_size=0)
    assert named(factor, case, 1e-12) == name
    assert name_of(factor, case, single=False) == name


def test_outputs_count_where_there_are_any() -> None:
    case = replace(CASE, output_size=11)
    assert named(1 / 11, case, 1e-12) == "1/O"
    assert named(2 / 77, case, 1e-12) == "2/(T·O)"
    assert named(77 / 2, case, 1e-12) == "T·O/2"
    assert named(7.0, replace(case, batch=1), 1e-12) == "T"


def test_a_size_of_one_names_nothing() -> None:
    case = replace(CASE, steps=1, batch=1, output_size=0)
    assert [named(value, case) for value in (1.0, 2.0, 0.5, -1.0, 3.0)] == ["1", "2", "1/2", "-1", ""]


def test_a_constant_has_its_name_as_far_as_it_is_known() -> None:
    assert named(1 / 7 + 1e-9, CASE) == ""
    assert named(0.125, replace(CASE, steps=8)) == "1/T"
    assert name_of(3 * (1 + 2.0**-27), CASE, single=False) == "B"
    assert name_of(3 * (1 + 2.0**-25), CASE, single=False) == ""
    assert name_of(3 * (1 + 2.0**-25), CASE, single=True) == "B"
    assert name_of(3 * (1 + 2.0**-11), CASE, single=True) == ""


def test_the_nearest_constant_of_sizes_is_found_on_either_side_and_beyond_all() -> None:
    case = replace(CASE, output_size=0)
    every = [s * 2.0**a * 7.0**b * 3.0**c for s in (1, -1) for a, b, c in product((0, 1, -1), repeat=3)]
    for factor in [*np.linspace(-45, 45, 98), *every]:
        assert nearest(factor, case) == pytest.approx(min(every, key=lambda value: abs(value - factor)))


def test_the_less_there_is_to_say_about_a_constant_the_less_awkward_it_is() -> None:
    awkward = [awkwardness(value, CASE, single=False) for value in (1.0, 7.0, 1 / 7, 1 / 21, 0.3)]
    assert awkward == [0, 1, 3, 7, 100]
