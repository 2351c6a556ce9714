"""The catalogue: ids that stay, texts that are there, and one network for every fault."""

import re

import pytest
from msgspec.structs import fields

from conformance import UsageError
from conformance.faults import CATALOGUE, RIGHT, Choices, Fault, Mutant, choices_of, load_fault
from conformance.faults.catalogue_backward import BACKWARD
from conformance.faults.catalogue_carry import CARRY
from conformance.faults.catalogue_forward import FORWARD
from conformance.faults.catalogue_gradients import GRADIENTS
from conformance.faults.catalogue_head import HEAD
from conformance.faults.catalogue_scale import SCALE
from conformance.faults.catalogue_stack import STACK
from conformance.faults.seams import NUMBERS, SEAMS, alternatives
from conformance.subjects.observation import Subject

IDS = """
    sigmoid-for-tanh
    tanh-of-half
    tanh-relu-swapped
    activation-missing
    state-not-carried
    recurrent-term-missing
    recurrence-transposed
    h-0-ignored
    b-ih-unused
    b-hh-unused
    biases-unused
    b-ih-twice
    b-hh-twice
    bias-outside-activation
    x-one-step-late
    x-one-step-early
    x-nudged
    batch-first-reshaped
    time-first-reshaped
    states-shifted
    states-share-one-array
    outputs-of-previous-state
    outputs-of-previous-state-forward-only
    float32-buffers
    state-leaks-between-calls
    h-0-overwritten
    softmax-gradient-for-squared-error
    squared-error-gradient-for-softmax
    softmax-slope-twice
    sigmoid-slope-twice
    tanh-slope-without-tanh
    sigmoid-slope-of-linear-outputs
    tanh-slope-of-linear-outputs
    head-not-transposed
    hidden-gradients-negated
    hidden-gradients-on-their-own-scale
    head-updated-before-use
    head-updated-inside-loop
    head-updated-inside-loop-after-use
    head-reads-previous-state
    head-reads-last-state
    head-only-first-step-survives
    head-only-first-step-survives-in-weight
    head-only-first-step-survives-in-bias
    head-only-last-step-survives
    head-only-last-step-survives-in-weight
    head-only-last-step-survives-in-bias
    head-divided-by-steps
    head-divided-by-steps-in-weight
    head-divided-by-steps-in-bias
    head-stepped-every-step
    head-stepped-every-step-in-weight
    head-stepped-every-step-in-bias
    head-bias-gradient-dropped
    head-bias-gradient-doubled
    head-bias-gradient-per-example
    head-bias-gradient-summed-over-units
    tanh-prime-of-activated
    tanh-prime-recomputed-from-h-t
    first-unit-slope-for-all
    first-row-slope-for-all
    slope-missing
    sigmoid-prime-for-tanh
    tanh-prime-for-relu
    tanh-prime-of-pre-activation
    tanh-prime-unsquared
    tanh-prime-squared-difference
    relu-prime-for-tanh
    relu-prime-one-at-zero
    slope-of-last-state
    slope-of-previous-state
    slope-of-previous-state-wrapping
    slope-of-next-state
    slope-of-step-of-entry
    last-state-for-every-step
    output-gradient-at-every-step
    output-gradient-one-step-early
    output-gradient-one-step-early-none-at-last
    output-gradient-one-step-late
    output-gradient-one-step-late-wrapping
    output-gradient-last-twice
    output-gradients-reversed
    output-gradients-summed-at-last
    output-gradient-last-only
    output-gradient-accumulated
    h-n-gradient-ignored
    h-n-gradient-at-every-step
    h-n-gradient-replaces-output
    cotangent-overwritten
    carry-not-transposed
    carry-missing
    carry-without-slope
    carry-is-dh
    carry-is-delta
    carry-slope-twice
    carry-through-input-weights
    carry-sliced-as-if-x-came-first
    carry-sliced-as-if-h-came-first
    carry-doubled
    carry-negated
    carry-replaces-output-gradient
    carry-overwrites-every-output-gradient
    carry-adds-up
    dh-never-reset
    carry-joins-after-slope
    output-gradient-joins-after-slope
    loop-runs-forwards
    last-step-skipped
    first-step-skipped
    truncation-in-segments
    truncation-in-windows
    truncation-to-last-steps
    carry-clipped-at-1
    carry-norm-clipped-at-1
    weights-updated-inside-loop
    weights-updated-inside-loop-after-use
    weights-updated-before-use
    dx-before-loop
    dx-without-slope
    dx-not-transposed
    dh-0-missing
    dh-0-one-step-short
    x-of-previous-step
    x-of-previous-step-wrapping
    x-of-last-step
    x-of-next-step
    x-mean-at-every-step
    repeated-rows-lost-in-batch
    repeated-rows-lost-over-time
    h-t-for-h-previous
    h-previous-wraps
    h-previous-zero-at-first
    h-previous-is-last
    h-two-steps-back
    h-mean-at-every-step
    dw-hh-transposed
    dw-hh-inner-product
    dw-ih-without-slope
    dw-hh-without-slope
    db-without-slope
    only-first-step-survives
    only-first-step-survives-in-w-ih
    only-first-step-survives-in-w-hh
    only-first-step-survives-in-bias
    only-last-step-survives
    only-last-step-survives-in-w-ih
    only-last-step-survives-in-w-hh
    only-last-step-survives-in-bias
    divided-by-steps
    divided-by-steps-in-w-ih
    divided-by-steps-in-w-hh
    divided-by-steps-in-bias
    divided-by-batch
    first-row-only
    batch-not-summed
    b-ih-gradient-dropped
    b-hh-gradient-dropped
    bias-gradients-dropped
    bias-gradients-doubled
    bias-gradients-divided-by-batch
    bias-gradients-per-example
    bias-gradients-summed-over-units
    scale-two
    scale-half
    sign-flipped
    scale-mean-over-steps
    scale-mean-over-batch
    scale-mean-over-outputs
    scale-sum-over-steps
    scale-sum-over-batch
    scale-sum-over-outputs
    scale-mean-squared-error
    scale-half-sum-for-mean
    w-ih-gradient-on-its-own-scale
    w-ih-gradient-dropped
    w-hh-gradient-on-its-own-scale
    w-hh-gradient-dropped
    bias-gradients-on-their-own-scale
    head-gradient-on-its-own-scale
    head-gradient-dropped
    head-bias-gradient-on-its-own-scale
    clip-value-5
    clip-value-1
    clip-norm-5
    clip-norm-1
    scaled-by-another-norm
    divided-by-another-norm
    gradients-add-up-over-calls
    layer-reads-x
    layers-share-w-hh
    layers-share-one-cell
    h-0-of-first-layer-for-all
    reverse-not-reversed
    reverse-output-not-turned-back
    reverse-with-forward-weights
    directions-swapped
    h-n-from-last-output
    h-n-directions-first
    h-n-top-layer-first
    d-below-forward-only
    d-below-mean
    d-below-missing
    output-gradient-at-every-layer
    lengths-ignored
""".split()  # noqa: SIM905 - a list to read
"""Ids that reports and pages refer to: one may be added, none renamed or removed."""

EVERY = pytest.mark.parametrize("fault", CATALOGUE.values(), ids=list(CATALOGUE))


def test_ids_are_the_ones_that_were_given_out() -> None:
    assert list(CATALOGUE) == IDS


def test_no_id_is_given_twice() -> None:
    entries = [*FORWARD, *HEAD, *BACKWARD, *CARRY, *GRADIENTS, *SCALE, *STACK]
    assert len(entries) == len({fault.id for fault in entries}) == len(CATALOGUE)


@EVERY
def test_an_entry_says_everything(fault: Fault) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", fault.id)
    for text in (fault.name, fault.effect):
        assert text == text.strip()
        assert text.endswith(".")
        assert len(text.split()) >= 3
    assert fault.name[0].isupper()
    assert fault.name.count(". ") == 0
    for code in (fault.mend, fault.idiom):
        assert code == code.strip()
        assert len(code) > 5
    assert fault.mend != fault.idiom


@EVERY
def test_an_entry_departs_from_what_is_right_and_nowhere_else(fault: Fault) -> None:
    assert fault.seam in SEAMS
    assert choices_of([fault]).departures() == dict(fault.choices)
    assert fault.choices[fault.seam] == fault.choice


def test_no_two_entries_are_the_same_network() -> None:
    chosen = [frozenset(fault.choices.items()) for fault in CATALOGUE.values()]
    assert len(set(chosen)) == len(chosen)
    names = [fault.name for fault in CATALOGUE.values()]
    assert len(set(names)) == len(names)


def test_every_wrong_choice_belongs_to_an_entry() -> None:
    told = {pair for f in CATALOGUE.values() for pair in (*f.choices.items(), *f.perhaps)}
    wrong = {(seam, choice) for seam in SEAMS for choice in alternatives(seam)[1:]}
    assert wrong - told == set()


def test_the_right_choices_depart_nowhere() -> None:
    assert RIGHT.departures() == {}
    assert choices_of([]) == RIGHT
    assert {field.name for field in fields(Choices)} == {*SEAMS, *NUMBERS}


def test_faults_at_different_seams_combine() -> None:
    both = choices_of([load_fault("carry-not-transposed"), load_fault("tanh-prime-of-activated")])
    assert both.departures() == {"derivative": "activated", "carry": "untransposed"}


def test_two_faults_at_one_seam_are_refused() -> None:
    with pytest.raises(UsageError, match="'carry-missing' chooses 'none' at the seam 'carry'"):
        choices_of([load_fault("carry-not-transposed"), load_fault("carry-missing")])


def test_unknown_names_are_refused_with_what_there_is() -> None:
    with pytest.raises(UsageError, match="carry-not-transposed"):
        load_fault("carry-transposed")
    with pytest.raises(UsageError, match="'own', 'transposed', 'inner'"):
        Choices(outer="sideways")
    with pytest.raises(UsageError, match="reach must be at least 1"):
        Choices(reach=0)


def test_entries_choices_and_mutants_are_frozen() -> None:
    fault = load_fault("carry-missing")
    for value, field in ((fault, "id"), (RIGHT, "carry"), (Mutant(fault), "fault")):
        with pytest.raises(AttributeError):
            setattr(value, field, None)


def test_a_mutant_is_a_subject_that_says_what_it_is() -> None:
    mutant = Mutant(load_fault("carry-missing"))
    assert isinstance(mutant, Subject)
    assert mutant.name == "mutant:carry-missing"
    assert mutant.description == "Nothing is carried back from step to step."
