"""What conformance check says of the gallery: no right network is accused, no mistake is named that isn't there.

The whole gallery in processes of its own, with times, is benchmarks/gallery.py; subjects whose mistakes take long to
search for are left to it.
"""

from collections.abc import Iterable

import pytest
from gallery.definitions import SUBJECTS
from gallery.grading import Grade, grade, verdict_of
from gallery.truth import truths
from support.apart import apart

from conformance.hand_written.checking.target import checked_target
from conformance.hand_written.request import Request
from conformance.record.check import CheckRecord

TRUTHS = truths()

SYSTEMS = {
    "many_to_one": "A",
    "sum_learner": "B",
    "counting": "C",
    "two_bits": "D",
    "forward_only_single": "E",
    "forward_only_batched": "E",
}

LONG = (
    "sigmoid_wrong",
    "bias_unused",
    "second_bias",
    "half_tanh",
    "step_functions_ca",
    "truncated",
    "mean_over_time",
    "sigmoid_prime",
    "transposed_outer",
    "first_unit",
    "stock_model",
    "five_at_once",
    "four_faults",
    "joins_late",
    "no_slope",
    "short_memory",
    "global_char",
    "review_sentiment",
    "carry_forgotten",
    "one_train_step",
    "mean_rows",
    "echo",
    "one_ahead",
    "head_every_step",
    "no_state_carried",
    "h0_ignored",
    "shakespeare",
    "costate",
    "matlab_port",
    "julia_port",
    "adder",
    "came_first",
    "tagger",
    "lyrics",
    "stepper",
    "by_differences",
)
"""Subjects that take more than half a second of processor time, as all LSTMs and GRUs do but for these."""

GATED = ("forget_first", "without_biases")


def checked(name: str) -> CheckRecord:
    return apart(check, str(SUBJECTS / TRUTHS[name].target))


def check(target: str) -> CheckRecord:
    return checked_target(target, "", Request.on_the_command_line(target), lambda _: None)


def known(found: Grade) -> bool:
    return found.found and found.verdict and found.exact is not False


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, truth in TRUTHS.items()
        if truth.form != "torch module" and name not in LONG and (truth.cell == "rnn" or name in GATED)
    ],
)
def test_a_subject_is_known_for_what_it_is(name: str) -> None:
    found = grade(TRUTHS[name], checked(name))
    assert not found.accused
    assert not found.false_names
    assert known(found), found


def test_the_tables_name_subjects_of_the_gallery() -> None:
    assert {*LONG, *SYSTEMS} <= set(TRUTHS)
    assert not {*LONG} & {*SYSTEMS}


def test_system_c_has_its_constant_told_against_its_declared_loss() -> None:
    record = checked("counting")
    assert record.scale is not None
    assert record.scale.declared


def test_system_e_depends_on_global_names() -> None:
    notes = " ".join(checked("forward_only_single").notes)
    assert all(name in notes for name in global_names())


def test_system_d_lacks_the_factor_two_of_its_loss() -> None:
    record = checked("two_bits")
    assert verdict_of(record) == "differs"
    assert record.scale is not None
    assert record.scale.name == "1/2"
    assert record.scale.declared


def global_names() -> Iterable[str]:
    return [remark.rpartition(" ")[2] for remark in TRUTHS["forward_only_single"].remarks]
