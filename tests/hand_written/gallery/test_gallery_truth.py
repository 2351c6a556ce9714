"""What the gallery is said to be, it is: every subject against torch's autograd, run by a driver that guesses nothing.

A faulty subject is right when all its mistakes are mended, and wrong while any of them is left.
"""

import builtins

import numpy as np
import pytest
import torch
from gallery.definitions import STAND_INS, definitions, source_of
from gallery.question import Question, Shown, right
from gallery.running import apart, differences, shown
from gallery.truth import VERDICTS, Truth, truths

from conformance.faults import CATALOGUE
from conformance.faults.cell_mutants import CELL_FAULTS

RIGHT = 1e-7
"""Right code is within this of autograd, relative to the largest element."""
BUFFERS = 1e-6
"""Right code with buffers in float32, which round to 6e-8."""
WRONG = 1e-4
"""Wrong code departs by more than this at weights of scale 0.5: no mistake here hides."""

ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu}

TRUTHS = truths()


def names_with(*verdicts: str) -> list[str]:
    """Return the names of networks of torch.nn.RNN's kind, or of none, with some verdicts."""
    return [name for name, truth in TRUTHS.items() if truth.verdict in verdicts and truth.cell == "rnn"]


GATED = [name for name, truth in TRUTHS.items() if truth.cell != "rnn"]


def forward_apart(truth: Truth, answer_on: Question, seen: Shown) -> float:
    """Return how far y and h lie from autograd's."""
    expected = right(answer_on, seen.loss, ACTIVATIONS[truth.activation])
    pairs = [(seen.y, expected.y), (seen.h, expected.h)]
    return max(
        (
            apart(found, whole if np.size(found) == whole.size else whole[-1])
            for found, whole in pairs
            if found is not None
        ),
        default=0.0,
    )


def backward_apart(truth: Truth, answer_on: Question, seen: Shown) -> float:
    """Return how far gradients lie from those of autograd times the subject's constant."""
    expected = right(answer_on, seen.loss, ACTIVATIONS[truth.activation]).gradients
    return max(apart(found, truth.constant() * expected[name]) for name, found in seen.gradients.items())


def inconsistency(seen: Shown) -> float:
    """Return how far gradients lie from differences of the subject's own loss."""
    return max(apart(found, differences(seen.own, seen.at[name])) for name, found in seen.gradients.items())


def test_every_fault_is_in_the_catalogue_and_every_verdict_a_known_one() -> None:
    for name, truth in TRUTHS.items():
        known = CATALOGUE if truth.cell == "rnn" else CELL_FAULTS[truth.cell.split()[0]]
        assert truth.verdict in VERDICTS, name
        assert {fault.id for fault in truth.faults} - {""} <= set(known), name


@pytest.mark.parametrize("name", names_with("conforms", "no backward"))
def test_right_subjects_are_right(name: str) -> None:
    truth = TRUTHS[name]
    answer_on, seen = shown(truth)
    assert forward_apart(truth, answer_on, seen) <= (BUFFERS if "dtype lowered" in truth.contract else RIGHT)
    assert bool(seen.gradients) is (truth.verdict == "conforms")
    assert truth.constant() == 1
    if seen.gradients:
        assert backward_apart(truth, answer_on, seen) <= (
            BUFFERS if "dtype lowered" in truth.contract else RIGHT
        )


@pytest.mark.parametrize("name", names_with("conforms up to a constant"))
def test_subjects_right_up_to_a_constant_have_just_that_constant(name: str) -> None:
    truth = TRUTHS[name]
    answer_on, seen = shown(truth)
    assert forward_apart(truth, answer_on, seen) <= RIGHT
    assert truth.constant() != 1
    assert backward_apart(truth, answer_on, seen) <= RIGHT


@pytest.mark.parametrize("name", names_with("differs", "forward differs", "raises"))
def test_faulty_subjects_are_right_once_every_fault_is_mended(name: str) -> None:
    truth = TRUTHS[name]
    answer_on, seen = shown(truth)
    assert forward_apart(truth, answer_on, seen) <= RIGHT
    if seen.gradients:
        assert backward_apart(truth, answer_on, seen) <= RIGHT


@pytest.mark.parametrize("name", names_with("differs", "forward differs"))
def test_faulty_subjects_are_wrong_while_any_fault_is_left(name: str) -> None:
    truth = TRUTHS[name]
    assert truth.faults
    for fault in truth.faults:
        answer_on, seen = shown(truth, [fault])
        wrong = [forward_apart(truth, answer_on, seen)]
        if seen.gradients:
            wrong.append(backward_apart(truth, answer_on, seen))
        assert max(wrong) > WRONG, fault.id


@pytest.mark.parametrize("name", names_with("differs"))
def test_subjects_with_wrong_gradients_alone_have_a_right_forward(name: str) -> None:
    truth = TRUTHS[name]
    answer_on, seen = shown(truth, truth.faults)
    assert forward_apart(truth, answer_on, seen) <= RIGHT


@pytest.mark.parametrize("name", names_with("forward differs"))
def test_subjects_with_a_wrong_forward_show_it(name: str) -> None:
    truth = TRUTHS[name]
    answer_on, seen = shown(truth, truth.faults)
    assert forward_apart(truth, answer_on, seen) > WRONG


@pytest.mark.parametrize("name", names_with("raises"))
def test_subjects_that_raise_do(name: str) -> None:
    truth = TRUTHS[name]
    with pytest.raises(getattr(builtins, truth.raises)):
        shown(truth, truth.faults)


@pytest.mark.parametrize("name", names_with("not Elman: consistent", "not Elman: inconsistent"))
def test_other_cells_are_consistent_with_their_own_forward_once_mended(name: str) -> None:
    truth = TRUTHS[name]
    assert inconsistency(shown(truth)[1]) <= RIGHT
    for fault in truth.faults:
        assert inconsistency(shown(truth, [fault])[1]) > WRONG
    assert bool(truth.faults) is (truth.verdict == "not Elman: inconsistent")


def off(seen: Shown) -> float:
    """Return how far an LSTM's or GRU's gradients lie from autograd's, or from differences of its own loss."""
    if not seen.right:
        return inconsistency(seen)
    assert seen.gradients.keys() == seen.right.keys()
    return max(apart(found, seen.right[name]) for name, found in seen.gradients.items())


@pytest.mark.parametrize("name", GATED)
def test_lstms_and_grus_are_right_once_mended_and_wrong_while_any_fault_is_left(name: str) -> None:
    truth = TRUTHS[name]
    assert off(shown(truth)[1]) <= RIGHT
    for fault in truth.faults:
        assert off(shown(truth, [fault])[1]) > WRONG, fault.line
    assert truth.verdict == ("differs" if truth.faults else "conforms")


def test_there_are_thirty_lstms_and_grus_twenty_of_them_wrong() -> None:
    wrong = [name for name in GATED if TRUTHS[name].faults]
    assert len(GATED) >= 30
    assert len(wrong) >= 20
    assert {len(TRUTHS[name].faults) for name in wrong} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("name", names_with("not called"))
def test_subjects_that_nothing_can_call_define_nothing(name: str) -> None:
    names = definitions(source_of(TRUTHS[name].file))
    assert not [name for name, value in names.items() if callable(value) and name not in STAND_INS]
