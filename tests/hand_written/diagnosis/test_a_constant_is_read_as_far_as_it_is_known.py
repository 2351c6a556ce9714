"""Constants of gradients are read to half of their digits; what no constant can be is not read."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from msgspec import structs

from conformance.cases import materialise, parse_id
from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.hand_written.diagnosis.axes import Change
from conformance.hand_written.diagnosis.constants import resolved
from conformance.hand_written.diagnosis.evidence import Evidence
from conformance.hand_written.diagnosis.material import Material
from conformance.subjects.observation import Observation

CASE = parse_id("rnn-tanh-T7-B3-I4-H5-O2-f64-gain1.2-s0")
MATRICES = ("weight_ih_l0", "weight_hh_l0", HEAD_WEIGHT)
BIASES = ("bias_ih_l0", "bias_hh_l0", HEAD_BIAS)
HALF = 2.0**-26
"""Half of the digits of a double."""


def material_of(*, norm: float = 3.0, batch: int = 3, single: bool = False, inner: bool = False) -> Material:
    """Return evidence in which all gradients together have this norm, exactly."""
    problem = materialise(replace(CASE, batch=batch))
    shown = Observation(
        parameters={"weight_ih_l0": np.full((2, 2), norm / 2)}, d_x=problem.x if inner else None
    )
    return Material.of(Evidence(problem=problem, observation=shown, single=single))


def read(
    factors: dict[str, float], material: Material | None = None, norm: float | None = None
) -> list[tuple[float, Change]]:
    found = resolved(factors, material_of() if material is None else material, norm)
    return [(each.scale, each.change) for each in found]


def changes(factors: dict[str, float], material: Material | None = None, norm: float | None = None) -> list:
    return [change for _, change in read(factors, material, norm)]


# One constant that all carry.


@pytest.mark.parametrize(("off", "common"), [(0.0, True), (HALF, True), (2 * HALF, False)])
@pytest.mark.parametrize("size", [2.0, 128.0, 2.0**-7])
def test_gradients_carry_one_constant_if_it_is_the_same_in_half_of_its_digits(
    *, size: float, off: float, common: bool
) -> None:
    factors = {"weight_ih_l0": size * (1 - off), "bias_ih_l0": size}
    assert (size * (1 - off) in [scale for scale, change in read(factors) if change == {}]) is common


@pytest.mark.parametrize(("off", "scales"), [(HALF, 1), (4 * HALF, 2), (HALF / 2, 1)])
@pytest.mark.parametrize("size", [2.0, 2.0**-7])
def test_constants_that_agree_in_half_of_their_digits_are_tried_once(
    size: float, off: float, scales: int
) -> None:
    factors = {"weight_ih_l0": size * (1 - off), "bias_ih_l0": size}
    found = read(factors, material_of(single=True))
    assert len([scale for scale, change in found if change == {}]) == scales


def test_a_gradient_by_itself_may_be_a_mean_beside_any_constant() -> None:
    assert (pytest.approx(-2.5), {"reduce_ih": "mean"}) in read({"weight_ih_l0": -2.5 / 7})


# Clipping by norm.


@pytest.mark.parametrize(
    ("limit", "off", "clipped"),
    [
        *((1.0, 0.0, True), (1.0, HALF, True), (1.0, 2 * HALF, False)),
        *((5.0, 0.0, True), (5.0, HALF / 2, True), (5.0, 2 * HALF, False)),
    ],
)
def test_a_norm_is_a_limit_to_half_of_its_digits(*, limit: float, off: float, clipped: bool) -> None:
    found = changes({"weight_ih_l0": 0.5}, material_of(norm=limit * (1 + off)))
    assert ({"clip": f"norm {limit:.0f}"} in found) is clipped


@pytest.mark.parametrize(
    ("factor", "clipped"),
    [(0.5, True), (1 - 2.0**-13, True), (1 - HALF, False), (1.0, False), (1.5, False), (-0.5, False)],
)
def test_clipping_by_norm_makes_gradients_smaller(*, factor: float, clipped: bool) -> None:
    found = changes({"weight_ih_l0": factor}, material_of(norm=1.0))
    assert ({"clip": "norm 1"} in found) is clipped


@pytest.mark.parametrize("inner", [False, True])
def test_beside_clipping_the_constant_is_that_of_what_is_not_clipped(*, inner: bool) -> None:
    factors = {"weight_ih_l0": 0.5} | ({"d_x": 4.0} if inner else {})
    found = read(factors, material_of(norm=1.0, inner=inner))
    clipped = [(scale, change) for scale, change in found if change.get("clip") == "norm 1"]
    assert (4.0 if inner else 1.0, {"clip": "norm 1"}) in clipped
    assert {scale for scale, _ in clipped} == {4.0 if inner else 1.0}


@pytest.mark.parametrize(("norm", "above"), [(0.5, False), (1.0, False), (1.5, True)])
def test_over_the_norm_of_another_gradient_where_it_is_above_1_needs_one_above_1(
    *, norm: float, above: bool
) -> None:
    found = changes({"weight_ih_l0": 1.0, "weight_hh_l0": 1 / norm}, norm=norm)
    assert {"clip": "over another's norm"} in found
    assert ({"clip": "another's norm"} in found) is above


# What sets single gradients apart.


def test_means_over_rows_need_two_rows() -> None:
    for batch, several in ((1, False), (2, True)):
        material = material_of(batch=batch)
        matrices = {"weight_ih_l0": 1.0, "weight_hh_l0": 1.0}
        found = changes(matrices | {"bias_ih_l0": 1 / batch, "bias_hh_l0": 1 / batch}, material)
        assert ({"bias_gradients": "mean over rows"} in found) is several
        found = changes(dict.fromkeys(matrices, 1 / batch) | {HEAD_WEIGHT: 1.0}, material)
        assert ({"rows": "mean"} in found) is several
        assert len({str(change) for change in found}) == len(found)


@pytest.mark.parametrize("other", [2.0, 1 / 7, 1 / 3])
def test_a_bias_has_a_constant_of_its_own_or_shares_one_of_both_biases_and_never_both(other: float) -> None:
    factors = {"weight_ih_l0": 1.0, "weight_hh_l0": 1.0, "bias_ih_l0": -1.0, "bias_hh_l0": other}
    found = changes(factors)
    assert not [c for c in found if "scale_b" in c and {"reduce_b", "bias_gradients"} & set(c)]


@pytest.mark.parametrize(("bias", "scale"), list(product((1.0, 1 / 7, 7.0), (-1.0, 2.0))))
def test_the_head_has_a_constant_of_its_own_or_one_that_comes_of_its_steps_and_never_both(
    bias: float, scale: float
) -> None:
    factors = {"weight_ih_l0": 1.0, "weight_hh_l0": 1.0, HEAD_WEIGHT: scale, HEAD_BIAS: bias}
    material = material_of()
    parameters = {**material.parameters, HEAD_WEIGHT: np.zeros((2, 5)), HEAD_BIAS: np.zeros(2)}
    found = changes(factors, structs.replace(material, parameters=parameters))
    assert not [c for c in found if {"scale_head", "reduce_head"} <= set(c)]
    assert not [c for c in found if {"scale_head_bias", "reduce_head_bias"} <= set(c)]


def test_all_gradients_may_have_been_dropped() -> None:
    (only,) = read(dict.fromkeys((*MATRICES, *BIASES), 0.0))
    dropped = {"bias_gradients": "both dropped", "head_bias": "dropped"}
    assert only == (1.0, dropped | {"scale_ih": "zero", "scale_hh": "zero", "scale_head": "zero"})
