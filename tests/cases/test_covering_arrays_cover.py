"""Every choice of t options meets in a covering array, with far fewer rows than the full product."""

import math
from itertools import combinations, product

import pytest

from conformance import examine, load_subject, parse_id
from conformance.cases import SUITES
from conformance.cases.covered import covered
from conformance.cases.covering import covering
from conformance.cases.explore import outgrows
from conformance.cases.suites import ALL


@pytest.mark.parametrize(
    ("sizes", "strength"), [((2, 3, 4), 2), ((2, 6, 2, 3, 2, 4), 3), ((3, 1, 2), 1), ((2, 2), 2)]
)
def test_every_interaction_is_met(sizes, strength):
    rows = covering(sizes, strength)
    assert all(0 <= choice < size for row in rows for choice, size in zip(row, sizes, strict=True))
    for axes in combinations(range(len(sizes)), strength):
        met = {tuple(row[axis] for axis in axes) for row in rows}
        assert met == set(product(*(range(sizes[axis]) for axis in axes)))
    assert len(rows) <= math.prod(sizes)


def test_what_is_forbidden_never_meets_and_everything_else_does():
    forbidden = {((0, 1), (2, 3)), ((0, 0), (1, 2), (2, 0))}
    rows = covering((2, 3, 4), 2, forbidden=forbidden)
    assert rows
    for axes in combinations(range(3), 2):
        met = {tuple(row[axis] for axis in axes) for row in rows}
        wanted = set(product(*(range((2, 3, 4)[axis]) for axis in axes)))
        assert met == wanted - ({(1, 3)} if axes == (0, 2) else set())
    assert not any(row[0] == 1 and row[2] == 3 for row in rows)
    assert (0, 2, 0) not in rows


def test_long_large_batches_come_with_one_layer_alone():
    cases = list(covered(2, ALL, {}))
    long = [case for case in cases if case.steps == 500 and case.batch == 130]
    assert {(case.layers, case.directions) for case in long} == {(1, 1)}
    assert {(case.layers, case.bidirectional, case.steps) for case in cases} >= set(
        product((1, 2, 3), (False, True), (1, 500))
    )


def test_a_covering_array_is_small_and_always_the_same():
    sizes = (2, 6, 2, 6, 4, 2, 2, 3, 3, 2)
    assert len(covering(sizes, 2)) < 50 < math.prod(sizes)
    assert covering(sizes, 2) == covering(sizes, 2)


@pytest.mark.parametrize("strength", [0, 4])
def test_a_strength_that_makes_no_sense_is_refused(strength):
    with pytest.raises(ValueError, match="between 1 and the 3 axes"):
        covering((2, 2, 2), strength)


@pytest.mark.parametrize(
    ("case_id", "large"),
    [
        ("rnn-relu-T229-B1-I3-H4-f32-gain2-s35", True),
        ("rnn-relu-L3-T113-B1-I19-H25-dhn-f32-positive-s339", True),
        ("rnn-relu-T229-B1-I3-H4-f64-gain2-s35", False),
        ("rnn-tanh-T229-B1-I3-H4-f32-gain2-s35", False),
        ("rnn-relu-T500-B1-I3-H4-f32-gain0.5-s0", False),
        ("rnn-relu-T500-B1-I3-H4-f32-s0", False),
    ],
)
def test_no_random_case_is_one_that_overflows(case_id, large):
    assert outgrows(parse_id(case_id)) is large
    if large:
        assert examine(parse_id(case_id), load_subject("torch")).verdict == "undecidable"


@pytest.mark.parametrize(
    ("case_id", "large"),
    [
        ("rnn-relu-T512-B1-I3-H4-f64-gain2-s0", True),
        ("rnn-relu-T511-B1-I3-H4-f64-gain2-s0", False),
        ("rnn-tanh-T253-B1-I3-H4-f32-gain2-s0", True),
        ("rnn-tanh-T252-B1-I3-H4-f32-gain2-s0", False),
        ("gru-T5000-B1-I3-H4-f32-gain1-s0", False),
    ],
)
def test_growth_may_take_half_of_the_exponents(case_id, large):
    assert outgrows(parse_id(case_id)) is large


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_a_suite_knows_how_many_cases_it_has(suite):
    assert suite.size == len(suite.cases())


def test_suites_are_nested():
    smoke, standard, full = (set(SUITES[name].cases()) for name in ("smoke", "standard", "full"))
    assert smoke < standard < full
    assert len(standard) >= 600
    assert len(full) >= 5000
