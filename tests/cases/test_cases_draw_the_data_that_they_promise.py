"""The data of a case: the same everywhere, drawn from its id alone, and what its layout and regime promise."""

import hashlib
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import planting

from conformance import SUITES, Problem, parse_id
from conformance.cases import FORMATS, materialise

EXAMPLE = "rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0"
SAMPLE = (
    "rnn-tanh-L2-bi-T7-len7.3.1-B3-bf-I4-H5-f64-s0",
    "rnn-relu-T7-single-I4-H5-f32-zeros-s3",
    "rnn-tanh-T5-B3-I4-H16-noh0-dhn-f32-gain10-s0",
    "rnn-tanh-nobias-T5-B3-I4-H16-dout-f64-saturated-s0",
    "rnn-tanh-L3-drop0.75-T7-len7.3.1-B3-I4-H5-dstrided-f64-s0",
    "rnn-tanh-L2-T7-B3-I4-H5-dexpanded-f32-s0",
)


def arrays_of(problem: Problem) -> dict[str, np.ndarray]:
    names = ("x", "h_0", "d_output", "d_h_n", "lengths", "masks")
    named = {name: getattr(problem, name) for name in names}
    return {name: array for name, array in (named | dict(problem.weights)).items() if array is not None}


def fingerprint(text: str) -> str:
    digest = hashlib.sha256()
    for name, array in arrays_of(materialise(parse_id(text))).items():
        digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def test_the_data_are_the_same_in_every_process() -> None:
    here = [fingerprint(text) for text in SAMPLE]
    program = (
        f"import sys; sys.path[:0] = {[str(folder) for folder in Path(__file__).parents[:2]]!r}\n"
        "from test_cases_draw_the_data_that_they_promise import SAMPLE, fingerprint\n"
        "print(*[fingerprint(text) for text in reversed(SAMPLE)])\n"
    )
    for seed in ("0", "12345"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == here[::-1]


def test_the_data_depend_on_nothing_global() -> None:
    first = [fingerprint(text) for text in SAMPLE]
    np.random.seed(1)  # noqa: NPY002 - the very thing that must not matter
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    assert [fingerprint(text) for text in SAMPLE] == first
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002 - nor be touched


def test_the_data_of_a_known_case_have_not_changed() -> None:
    """Recorded: another value here means that every published id now stands for other data."""
    problem = materialise(parse_id(EXAMPLE))
    assert float(problem.x[0, 0, 0]).hex() == RECORDED["x"]
    assert float(problem.weights["weight_hh_l1_reverse"][4, 4]).hex() == RECORDED["weight_hh_l1_reverse"]


RECORDED = {"x": "-0x1.b56b65b746bb8p+0", "weight_hh_l1_reverse": "0x1.f9f757b98c4e8p-5"}


def test_every_part_of_the_id_draws_other_data() -> None:
    one = materialise(parse_id(EXAMPLE))
    for change in (
        {"seed": 1},
        {"dtype": "f32"},
        {"regime": "gain1"},
        {"h_0": False},
        {"nonlinearity": "relu"},
    ):
        other = materialise(replace(parse_id(EXAMPLE), **change))
        assert not np.array_equal(one.x, other.x.astype(np.float64))
        assert not np.allclose(one.x, other.x, atol=1e-3)  # not the same draws rounded, either


@pytest.mark.parametrize("text", SAMPLE)
def test_no_array_can_be_changed_and_all_have_the_precision_of_the_case(text: str) -> None:
    problem = materialise(parse_id(text))
    for name, array in arrays_of(problem).items():
        assert not array.flags.writeable, name
        assert array.dtype == problem.dtype or name in ("lengths", "masks")


def test_the_shapes_are_those_of_the_layout() -> None:
    shapes = {
        "rnn-tanh-L2-bi-T7-B3-I4-H5-f64-s0": ((7, 3, 4), (4, 3, 5), (7, 3, 10)),
        "rnn-tanh-L2-bi-T7-B3-bf-I4-H5-f64-s0": ((3, 7, 4), (4, 3, 5), (3, 7, 10)),
        "rnn-tanh-L2-bi-T7-single-I4-H5-f64-s0": ((7, 4), (4, 5), (7, 10)),
    }
    for text, (x, state, output) in shapes.items():
        problem = materialise(parse_id(text))
        assert (problem.x.shape, problem.h_0.shape, problem.d_h_n.shape) == (x, state, state)
        assert problem.d_output.shape == output


def test_what_the_id_leaves_out_is_not_there() -> None:
    problem = materialise(parse_id("rnn-tanh-nobias-T7-B3-I4-H5-noh0-dout-f64-s0"))
    assert problem.h_0 is None
    assert problem.d_h_n is None
    assert not any("bias" in name for name in problem.weights)
    assert materialise(parse_id("rnn-tanh-T7-B3-I4-H5-dhn-f64-s0")).d_output is None


def test_nan_fills_the_padding_and_nothing_else() -> None:
    for text in (SAMPLE[0], SAMPLE[0].replace("-bf", "")):
        problem = materialise(parse_id(text))
        empty = np.isnan(problem.layout.time_major(problem.x))
        assert np.array_equal(empty, np.broadcast_to(~problem.active[:, :, np.newaxis], empty.shape))
        assert problem.active.sum(axis=0).tolist() == [7, 3, 1]


def test_the_data_are_not_degenerate() -> None:
    for case in SUITES["smoke"].cases():
        if not FORMATS[case.dtype].decides:
            continue  # in 16 bits some numbers come twice
        problem = materialise(case)
        expanded = ("d_output", "d_h_n") if case.cotangents == "expanded" else ()
        for name, array in arrays_of(problem).items():
            skipped = name in ("lengths", "masks", *expanded) or (name == "x" and case.regime == "ids")
            values = np.array([]) if skipped else array[np.isfinite(array)]
            distinct = np.unique(values[values != 0]).size
            assert distinct >= 0.99 * np.count_nonzero(values), (case.id, name)
        if case.bias and case.regime not in ("zeros", "negzero"):
            assert not np.any(problem.weights["bias_ih_l0"] == problem.weights["bias_hh_l0"])


# What the regimes promise.


def test_ids_are_one_hot_and_come_again() -> None:
    x = materialise(parse_id("rnn-tanh-T7-B3-I4-H5-f64-ids-s0")).x
    assert np.array_equal(np.sort(x, axis=-1), np.broadcast_to([0.0, 0.0, 0.0, 1.0], x.shape))
    assert any(len(np.unique(step, axis=0)) < 3 for step in x)


@pytest.mark.parametrize("gain", [0.5, 1, 2, 10])
def test_a_gain_is_about_the_spectral_radius_of_the_recurrent_weights(gain: float) -> None:
    """The largest of n eigenvalues lies beyond the circle by about √(log n / 4n): 6 % for n = 400; 15 % is allowed."""
    size = 400
    assert math.sqrt(math.log(size) / (4 * size)) < 0.15 / 2
    problem = materialise(parse_id(f"rnn-tanh-T1-B1-I4-H{size}-f64-gain{gain:g}-s0"))
    radius = np.abs(np.linalg.eigvals(problem.weights["weight_hh_l0"])).max()
    assert gain * 0.85 < radius < gain * 1.15


def test_default_weights_lie_within_torchs_own_range_and_fill_it() -> None:
    problem = materialise(parse_id("rnn-tanh-T1-B1-I20-H25-f64-s0"))
    for name, w in problem.weights.items():
        assert np.abs(w).max() <= 1 / math.sqrt(25), name
        assert np.abs(w).max() > 0.8 / math.sqrt(25), name


def test_most_saturated_states_are_those_of_a_pre_activation_beyond_ten() -> None:
    for dtype in ("f32", "f64"):
        run = planting.judged(parse_id(f"rnn-tanh-T20-B3-I4-H16-{dtype}-saturated-s0"), "torch")
        beyond = np.tanh(run.problem.dtype.type(10))
        assert np.mean(np.abs(run.observation.output) >= beyond) > 0.5
    assert (
        run.problem.dtype.type(1) - beyond < 5e-9
    )  # 1 − tanh(10) = 4.1e-9, less than float32 can tell from 1


def test_tiny_states_are_nearly_linear() -> None:
    run = planting.judged(parse_id("rnn-tanh-L2-bi-T20-B3-I4-H16-f64-tiny-s0"), "torch")
    for h in run.observation.hidden.values():
        assert 0 < np.abs(h).max() < 0.01


def test_zeros_has_a_unit_whose_pre_activation_is_exactly_zero_and_torch_passes_no_gradient_through_it() -> (
    None
):
    run = planting.judged(parse_id("rnn-relu-L2-bi-T5-B3-I4-H16-f32-zeros-s0"), "torch")
    for place in run.problem.places:
        w = run.problem.weights_at(place)
        assert all(not array[0].any() for array in w.values())
        assert not run.observation.hidden[place][..., 0].any()
        assert run.observation.d_hidden[place][..., 0].any()
        assert not run.observation.d_pre[place][..., 0].any()
        assert run.observation.hidden[place][..., 1:].any()


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_subnormal_states_are_smaller_than_any_normal_number(dtype: str) -> None:
    run = planting.judged(parse_id(f"rnn-tanh-L2-bi-T20-B3-I4-H16-{dtype}-subnormal-s0"), "torch")
    for h in run.observation.hidden.values():
        assert 0 < np.abs(h).max() < np.finfo(h.dtype).smallest_normal
    assert np.abs(run.problem.weights["weight_hh_l0"]).max() > 0.1


def test_negative_zeros_stand_in_x_and_h_0_and_reach_a_unit_at_its_kink() -> None:
    problem = materialise(parse_id("rnn-relu-T7-B3-I4-H5-f64-negzero-s0"))
    for values in (problem.x, problem.h_0):
        zeros = values == 0
        assert zeros.mean() == pytest.approx(0.5, abs=0.1)
        assert np.signbit(values[zeros]).all()
    assert not problem.weights["weight_ih_l0"][0].any()


@pytest.mark.parametrize("regime", ["nan", "inf"])
@pytest.mark.parametrize("lengths", ["", "-len2.7.5"])
def test_a_special_value_stands_at_one_step_of_the_first_sample(regime: str, lengths: str) -> None:
    problem = materialise(parse_id(f"rnn-tanh-T7{lengths}-B3-bf-I4-H5-f64-{regime}-s0"))
    special = ~np.isfinite(problem.layout.time_major(problem.x)) & problem.active[:, :, np.newaxis]
    (place,) = np.argwhere(special)
    assert place.tolist() == [1 if lengths else 3, 0, 0]
