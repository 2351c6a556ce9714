"""Dropout: torch's masks are drawn again, every subject computes with them, and whoever doesn't is found out."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from conformance import Problem, Unsupported, examine, load_subject, parse_id
from conformance.cases import materialise
from conformance.faults.mutant import results_only
from conformance.faults.simulate import simulate
from conformance.subjects.reference import observe
from conformance.subjects.torch_modules import seeded

CASE = parse_id("rnn-tanh-L3-bi-drop0.75-T7-B3-I4-H5-f64-s0")
CASES = [
    CASE.id,
    "rnn-tanh-L3-bi-drop0.3-T7-B3-I4-H5-f64-s0",
    "rnn-relu-L3-drop0.3-T7-len3.7.5.5-B4-bf-I4-H5-f32-s0",
    "rnn-relu-L2-drop0.5-T7-len3.7.5.5-B4-bf-I4-H5-f32-s0",
    "rnn-tanh-L2-bi-drop0.5-T7-single-I4-H5-f64-s0",
    "rnn-relu-L3-drop1-T7-B3-I4-H5-f64-s0",
    "rnn-tanh-L2-drop0.5-eval-T7-B3-bf-I4-H5-f64-s0",
    "rnn-tanh-L2-drop0.5-T4-B40-I4-H5-f64-s0",
    f"rnn-tanh-L2-drop0.5-T4-len{'.'.join('2431' * 10)}-B40-I4-H5-f64-s0",  # torch's sort is stable up to 16 samples
]
SUBJECTS = [
    "torch",
    "torch-steps",
    "torch-packed",
    "torch-functional",
    "torch-cells",
    "torch-double",
    "reference",
]


class Changed:
    """The reference on a changed problem, as a black box."""

    name = "changed"
    description = "wrong on purpose"

    def __init__(self, **changes):
        self.changes = changes

    def run(self, problem):
        return results_only(observe(replace(problem, **self.changes), problem.dtype))


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("case", CASES)
def test_every_subject_computes_with_torch_s_masks(case, subject):
    record = examine(parse_id(case), load_subject(subject))
    assert record.verdict in ("agrees", "unsupported")
    assert record.verdict == "agrees" or "can't be packed" in record.reason


@pytest.mark.parametrize("case", CASES)
def test_the_network_of_the_fault_catalogue_computes_with_them_too(case):
    class Right:
        name, description = "right", "the network of the catalogue"

        def run(self, problem):
            return simulate(problem)

    assert examine(parse_id(case), Right()).verdict == "agrees"


def test_masks_keep_about_the_share_that_they_should_and_all_or_nothing_at_the_ends():
    problem = materialise(parse_id("rnn-tanh-L3-drop0.75-T50-B20-I4-H10-f64-s0"))
    count = problem.masks.size
    assert abs(problem.masks.mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / count)
    assert not materialise(parse_id("rnn-relu-L3-drop1-T7-B3-I4-H5-f64-s0")).masks.any()
    assert materialise(parse_id("rnn-tanh-L2-drop0.5-eval-T7-B3-I4-H5-f64-s0")).masks is None


def test_masks_differ_from_step_to_step_from_layer_to_layer_and_from_seed_to_seed():
    masks = materialise(CASE).masks
    assert masks.shape == (2, 7, 3, 10)
    assert not np.array_equal(masks[0], masks[1])
    assert len({row.tobytes() for row in masks[0]}) == 7
    assert not np.array_equal(masks, materialise(replace(CASE, seed=1)).masks)


def test_drawing_leaves_torch_s_generator_as_it_was():
    state = torch.get_rng_state()
    with seeded(materialise(CASE)):
        torch.rand(3)
    assert torch.equal(torch.get_rng_state(), state)


def test_other_masks_than_torch_s_differ():
    masks = materialise(CASE).masks
    assert examine(CASE, Changed(masks=masks)).verdict == "agrees"
    assert examine(CASE, Changed(masks=masks[::-1])).verdict == "differs"
    flipped = masks.copy()
    flipped[1, 6, 2, 9] ^= True
    assert examine(CASE, Changed(masks=flipped)).verdict == "differs"


@pytest.mark.parametrize("probability", [0.5, 1.0])
def test_what_is_kept_must_have_the_right_factor(probability):
    assert examine(CASE, Changed(case=replace(CASE, dropout=probability))).verdict == "differs"


def test_no_dropout_in_training_and_dropout_in_evaluation_differ():
    assert examine(CASE, Changed(masks=None)).verdict == "differs"
    assert (
        examine(replace(CASE, evaluation=True), Changed(masks=materialise(CASE).masks)).verdict == "differs"
    )


def test_the_compiled_module_says_why_it_cannot_draw_them():
    with pytest.raises(Unsupported, match="masks"):
        load_subject("torch-compiled").run(materialise(CASE))


def by_factor(factor):
    """Return the network of the catalogue, with another factor for what dropout keeps."""

    class Scaled(Problem):
        __slots__ = ()

        def dropped(self, layer, values):
            return values * (self.masks[layer] * self.dtype.type(factor(self.dtype.type)))

    class Subject:
        name, description = "scaled", "dropout with a factor of its own"

        def run(self, problem):
            return simulate(Scaled(**{f.name: getattr(problem, f.name) for f in fields(problem)}))

    return Subject()


RIGHT = {
    "rounded once": lambda _: 1 / (1 - 0.3),
    "rounded at every step": lambda number: number(1) / (number(1) - number(0.3)),
    "off by the roundings of p, 1 − p and its reciprocal": lambda number: (
        1 / 0.7 * (1 + 2.4 * np.finfo(number).epsneg)
    ),
}
THREE_TENTHS = [
    "rnn-relu-L2-drop0.3-T1-B1-I4-H5-f32-s0",  # dL/dW_ih is one product there
    "rnn-relu-L2-drop0.3-T1-B1-I4-H5-f64-s0",
    "rnn-tanh-L3-bi-drop0.3-T7-len3.7.5-B3-I4-H5-f32-s0",
]


@pytest.mark.parametrize("factor", RIGHT)
@pytest.mark.parametrize("case", THREE_TENTHS)
def test_whoever_rounds_the_factor_of_dropout_otherwise_is_not_accused(case, factor):
    assert examine(parse_id(case), by_factor(RIGHT[factor])).verdict == "agrees"


@pytest.mark.parametrize("shown", ["steps", "results"])
@pytest.mark.parametrize("case", THREE_TENTHS)
def test_a_factor_of_lower_precision_is_found_out(case, shown):
    inner = by_factor(lambda _: np.float16(1 / (1 - 0.3)))

    class BlackBox:
        name, description = "low", "the same, by its results"

        def run(self, problem):
            return results_only(inner.run(problem))

    assert examine(parse_id(case), inner if shown == "steps" else BlackBox()).verdict == "differs"


def test_only_an_inexact_factor_adds_roundings():
    found = {
        p: materialise(parse_id(f"rnn-tanh-L2-drop{p}-T7-B3-I4-H5-f64-s0"))
        for p in ("0.3", "0.5", "0.75", "1")
    }
    assert {p: problem.dropout_roundings for p, problem in found.items()} == {
        "0.3": 4,
        "0.5": 0,
        "0.75": 0,
        "1": 0,
    }
    assert materialise(parse_id("rnn-tanh-L2-drop0.3-eval-T7-B3-I4-H5-f64-s0")).dropout_roundings == 0
