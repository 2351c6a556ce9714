"""A wrong forward pass is found from states, outputs or a final state; the fewest catalogue entries make it up."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from conformance.cases import Problem, materialise, parse_id
from conformance.diagnose.axes import Axes, axes_of
from conformance.diagnose.cover import RANK, at_least, covers
from conformance.diagnose.evidence import Evidence
from conformance.diagnose.forwards import MOST, SEAMS, fits, forwards, own_scan, scanned
from conformance.diagnose.material import Material
from conformance.faults import CATALOGUE, RIGHT, Choices, choices_of, simulate
from conformance.faults.seams import alternatives
from conformance.observation import Observation

GIVEN = materialise(parse_id("rnn-tanh-T6-B3-bf-I4-H5-O2-f64-gain1.2-s0"))
BARE = materialise(parse_id("rnn-relu-nobias-T5-B2-I4-H5-O3-noh0-dlast-f64-s0"))

SHOWN = ("hidden", "output", "y", "h_n")


def showing(problem: Problem, choices: Choices, *names: str) -> Material:
    full = simulate(problem, choices)
    shown = {name: getattr(full, name) for name in names}
    return Material.of(Evidence(problem=problem, observation=Observation(**shown)))


WRONG = [
    Choices(**{seam: choice}) for seam in SEAMS for choice in alternatives(seam)[1:] if choice != "reshaped"
]
UNSEEN = {("start", "first layer's"), ("inputs", "nudged")}
"""One layer starts from the first layer's h_0 in any case, and 1e-12 on x is too little."""


@pytest.mark.parametrize("wrong", WRONG, ids=lambda choices: str(choices.departures()))
def test_every_wrong_forward_pass_is_found_from_its_states(wrong: Choices) -> None:
    expected = RIGHT if UNSEEN & set(wrong.departures().items()) else wrong
    found = forwards(showing(GIVEN, wrong, "hidden"))
    told = {tuple(choices.departures().items()) for choices in found}
    assert tuple(expected.departures().items()) in told
    assert len(found) == len(told)
    for choices in found:  # nothing that gives other states
        assert (
            np.abs(simulate(GIVEN, choices).hidden[0, 0] - simulate(GIVEN, wrong).hidden[0, 0]).max() < 1e-7
        )


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("problem", [GIVEN, BARE], ids=["given", "bare"])
def test_one_part_of_the_forward_pass_is_enough(problem: Problem, name: str) -> None:
    wrong = Choices(activation="halved")
    assert wrong in forwards(showing(problem, wrong, name))
    right = showing(problem, RIGHT, name)
    assert forwards(right)[0] == RIGHT
    assert fits(right, RIGHT)
    assert not fits(right, wrong)


def test_where_nothing_was_shown_the_forward_pass_is_right() -> None:
    assert forwards(showing(GIVEN, Choices(activation="halved"))) == [RIGHT]


def test_three_mistakes_are_found_and_four_are_not() -> None:
    wrong = {"activation": "sigmoid", "recurrence": "none", "biases": "no b_hh", "inputs": "after"}
    assert MOST == 3
    for seams in combinations(wrong, 3):
        choices = Choices(**{seam: wrong[seam] for seam in seams})
        if "recurrence" in seams:
            assert choices in forwards(showing(GIVEN, choices, "hidden"))
    assert forwards(showing(GIVEN, Choices(**wrong), "hidden")) == []


def test_the_passes_with_the_fewest_faults_come_first() -> None:
    found = forwards(showing(GIVEN, Choices(kept="last"), "h_n"))
    sizes = [min(map(len, covers(choices))) for choices in found]
    assert sizes == sorted(sizes)


def test_states_of_another_shape_or_off_in_half_of_their_digits_are_of_no_pass() -> None:
    material = showing(GIVEN, RIGHT, "hidden")
    assert material.states is not None
    largest = np.abs(material.states).max()
    for error, near in ((2.0**-27, True), (2.0**-25, False)):
        off = material.states.copy()
        off[3, 1, 2] += error * largest
        assert fits(replace(material, states=off), RIGHT) is near
        assert fits(replace(material, states=off, single=True), RIGHT)
    assert not fits(replace(material, states=material.states[:-1]), RIGHT)
    assert not fits(replace(material, h_n=np.zeros((3, 5))), RIGHT)


def test_choices_that_nothing_can_show_are_not_tried() -> None:
    told = {seam for choices in forwards(showing(BARE, Choices(), "hidden")) for seam in choices.departures()}
    assert told == set()
    assert forwards(showing(BARE, Choices(biases="none"), "hidden")) == [RIGHT]


def test_a_scan_over_a_network_s_own_states_takes_them_as_they_are() -> None:
    material, rng = showing(GIVEN, RIGHT), np.random.default_rng(0)
    states = rng.standard_normal((6, 3, 5))
    scan, right = own_scan(material, states), scanned(material, RIGHT)
    assert scan.states is states
    assert np.array_equal(scan.final, states[-1])
    assert np.array_equal(scan.h_0, right.h_0)
    w = material.weights
    before = [right.h_0, *states[:-1]]
    for t in range(6):
        a = right.x[t] @ w.ih.T + w.b_ih + w.b_hh + before[t] @ w.hh.T
        np.testing.assert_allclose(scan.a[t], a, rtol=1e-12)
    assert np.array_equal(own_scan(material, right.states).states, right.states)
    np.testing.assert_allclose(own_scan(material, right.states).a, right.a, rtol=1e-12, atol=1e-12)


# The fewest entries that make given choices.


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_entry_alone_covers_its_own_choices(name: str) -> None:
    fault = CATALOGUE[name]
    choices = choices_of([fault])
    if fault.seam == "scale":
        assert covers(choices) == [()]
        return
    found = covers(choices)
    assert (name,) in found
    assert {len(faults) for faults in found} == {1}
    for (other,) in found:
        assert dict(choices.departures()) == dict(CATALOGUE[other].choices)
    pairs = frozenset(choices.departures().items())
    assert at_least(pairs) == 1
    beside = (
        choices_of(
            [fault],
        )
        if not fault.perhaps
        else replace(choices, **dict(fault.perhaps))
    )
    assert (name,) in covers(beside)


def test_two_entries_cover_what_they_make_together_in_the_catalogue_s_order() -> None:
    names = ("carry-not-transposed", "tanh-prime-of-activated", "b-hh-gradient-dropped")
    for chosen in combinations(sorted(names, key=RANK.__getitem__), 2):
        choices = choices_of([CATALOGUE[name] for name in chosen])
        assert covers(choices) == [chosen]
        assert at_least(frozenset(choices.departures().items())) == 2
    assert covers(RIGHT) == [()]
    assert at_least(frozenset()) == 0


def test_what_no_entry_chooses_is_covered_by_none_and_bounded_all_the_same() -> None:
    assert covers(Choices(inputs="nudged", kept="before", reduce_hh="mean"))
    nowhere = frozenset({("carry", "nothing of the kind"), ("carried", "dh")})
    assert at_least(nowhere) == 2
    assert at_least(nowhere, frozenset({"carry"})) == 1


def test_the_bound_never_exceeds_the_fewest_entries_and_bears_further_choices() -> None:
    rng = np.random.default_rng(0)
    entries = [fault for fault in CATALOGUE.values() if fault.seam != "scale"]
    for _ in range(40):
        chosen = {}
        for fault in rng.choice(np.array(entries, object), 3, replace=False):
            if not set(chosen) & set(fault.choices):
                chosen |= fault.choices
        choices = Choices(**chosen)
        pairs = frozenset(choices.departures().items())
        fewest = len(covers(choices)[0])
        assert at_least(pairs) <= fewest
        for size in range(len(pairs)):
            for part in list(combinations(pairs, size))[:20]:
                assert at_least(frozenset(part)) <= at_least(pairs)


def test_what_is_chosen_where_nothing_is_seen_does_not_matter() -> None:
    several = next(f for f in CATALOGUE.values() if {"reduce_ih", "reduce_b"} <= set(f.choices))
    blind = frozenset({"reduce_b", "formed_b"})
    choices = choices_of([several])
    without = replace(choices, reduce_b="sum")
    assert (several.id,) in covers(without, blind)
    assert (several.id,) in covers(choices, blind)
    assert (several.id,) not in covers(without)
    assert covers(Choices(reduce_b="mean"), blind) == [()]


# Where a loop can go wrong.


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
        *("arrives", "joined", "steps", "truncation", "update", "clip"),
    ]
    for seam in ("slope_at", "head_loss", "entry", "d_h_n", "carried", "arrives", "joined", "steps"):
        assert names_of(axes)[seam] == [{seam: choice} for choice in alternatives(seam)[1:]]
    assert wrong_at(axes, "carry") == set(alternatives("carry")[1:]) - {"input weights"}
    assert wrong_at(axes, "head_carry") == set()
    assert names_of(axes)["update"] == []
    assert names_of(axes)["clip"] == [{"clip": "carry 1"}, {"clip": "carry norm 1"}]
    assert wrong_at(axes, "derivative") == set(alternatives("derivative")[1:]) - {"tanh", "one at zero"}


def test_what_makes_no_difference_in_a_problem_is_no_alternative_there() -> None:
    bare = axes_of(BARE, None)
    assert wrong_at(bare, "d_h_n") == set()
    assert wrong_at(bare, "head_loss") == {"softmax", "squared error"}
    assert wrong_at(axes_of(replace(BARE, head=None), None), "head_loss") == set()
    assert wrong_at(bare, "derivative") == (
        set(alternatives("derivative")[1:]) - {"relu", "pre-activation", "unsquared"}
    )
    one = axes_of(materialise(parse_id("rnn-tanh-T6-single-I5-H5-O5-f64-s0")), 0.25)
    assert "first row" not in wrong_at(one, "derivative")
    assert "input weights" in wrong_at(one, "carry")
    assert names_of(one)["head_carry"] == [
        {"head_carry": "untransposed", "rate": 0.25},
        {"head_carry": "updated", "rate": 0.25},
    ]
    assert names_of(one)["update"] == [
        {"update": "inside", "rate": 0.25},
        *({"update": "inside", "rate": 0.25, "h_read": how} for how in alternatives("h_read")[1:]),
    ]


@pytest.mark.parametrize(
    ("activation", "pointless"),
    [
        ("own", {"tanh", "one at zero"}),
        ("halved", {"tanh", "one at zero"}),
        ("other", {"pre-activation", "unsquared", "relu"}),
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
