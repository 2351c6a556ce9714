"""What a right backward pass may hold is found in any layout, with its sign, and in sums over uses."""

import numpy as np
import pytest

from conformance.hand_written.mending.forward.adjoints import Adjoint
from conformance.hand_written.mending.forward.sites import Site
from conformance.hand_written.mending.known import Known, as_array, is_zero

RNG = np.random.default_rng(4)
VALUE, OTHER = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))


def use(value, adjoint, place, time=1):
    site = Site(key=("f", 0), start=(place, 0), end=(place, 5), text="h")
    return Adjoint(site=site, number=place, time=time, value=value, adjoint=adjoint)


def test_a_value_is_known_in_any_layout_times_the_constant():
    adjoint = RNG.normal(size=(2, 3))
    known = Known([use(VALUE, adjoint, 1)], factor=2.0)
    assert known.one(2 * adjoint) is not None
    assert known.one(2 * adjoint.T.copy()) is not None
    assert known.one(2 * adjoint.reshape(1, 6)) is not None
    assert known.one(adjoint) is None


@pytest.mark.parametrize("change", [lambda a: -a, lambda a: a * (1 + 1e-5), lambda a: a[:1], np.abs])
def test_what_is_a_little_off_is_unknown(change):
    adjoint = RNG.normal(size=(2, 3))
    assert Known([use(VALUE, adjoint, 1)], factor=1.0).one(change(adjoint)) is None


def test_sums_over_uses_of_one_value_are_known_and_of_two_values_are_not():
    one, two, three = RNG.normal(size=(3, 2, 3))
    known = Known([use(VALUE, one, 1), use(VALUE, two, 2), use(OTHER, three, 3)], factor=1.0)
    assert known.one(one + two) is not None
    assert known.one(one + three) is None


def test_sums_over_steps_of_a_parameter_are_known_from_either_end_alone():
    steps = RNG.normal(size=(4, 2, 3))
    known = Known([use(VALUE, step, 1, time) for time, step in enumerate(steps, start=1)], factor=1.0)
    assert known.one(steps[:3].sum(0)) is not None
    assert known.one(steps[1:].sum(0)) is not None
    assert known.one(steps[1:3].sum(0)) is None
    assert known.entries[known.one(steps.sum(0))].over_steps


def test_the_adjoints_of_a_use_are_known_together_as_an_array_over_the_steps_holds_them():
    steps = RNG.normal(size=(4, 2, 3))
    values = RNG.normal(size=(4, 2, 3))
    uses = [use(v, step, 1, time) for time, (v, step) in enumerate(zip(values, steps, strict=True), start=1)]
    known = Known(uses, factor=2.0)
    assert known.entries[known.one(2 * steps.swapaxes(0, 1))].over_steps
    assert known.one(2 * steps[:3]) is None


def test_what_each_step_of_the_loss_adds_may_be_made_known_as_well():
    whole, part = RNG.normal(size=(2, 2, 3))
    known = Known([use(VALUE, whole, 1)], factor=2.0)
    assert known.one(2 * part) is None
    known.take([use(VALUE, part, 1)])
    assert known.one(2 * part) is not None


def test_different_values_side_by_side_match_and_twice_the_same_do_not():
    one, two = RNG.normal(size=(2, 2, 3))
    known = Known([use(VALUE, one, 1), use(OTHER, two, 2)], factor=1.0)
    assert known.match(np.hstack([one, two]))
    assert not known.match(np.hstack([one, one]))
    assert not known.match(np.hstack([one, one + two]))


def test_zeros_and_single_numbers_are_nobodys():
    known = Known([use(VALUE, np.zeros((2, 3)), 1), use(np.ones(1), np.ones(1), 2)], factor=1.0)
    assert known.one(np.zeros((2, 3))) is None
    assert as_array(np.ones(1)) is None
    assert as_array([np.ones(2), np.ones(2)]).shape == (2, 2)
    assert is_zero(np.zeros(3))
    assert not is_zero(np.array([0.0, 1e-9]))
