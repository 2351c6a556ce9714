"""Rules by which updates are made of gradients: each is told where it holds for every element alone."""

import numpy as np
import pytest

from conformance.hand_written.calling.backwards.rules import FEWEST, rule_between
from refrnn import Array

RNG = np.random.default_rng(3)
WEIGHTS = {"U": RNG.normal(size=(4, 3)), "W": RNG.normal(size=(4, 4)), "b": RNG.normal(size=4)}
GRADIENTS = {name: RNG.normal(size=w.shape) for name, w in WEIGHTS.items()}
MEMORY = [0.1 * GRADIENTS["W"].T ** 2 + 0.02, np.zeros((4, 4))]


def cut_off(g: Array, w: Array) -> Array:  # noqa: ARG001 - every rule is asked for by gradient and weight
    return 0.1 * np.clip(g, -0.7, 0.7)


def normed(g: Array, w: Array) -> Array:  # noqa: ARG001
    return 0.1 * g * min(1.0, 1.5 / float(np.linalg.norm(g)))


RULES = {
    "by their sign": lambda g, _: 0.1 * np.sign(g),
    "by cutting off large elements": cut_off,
    "by cutting down the norm of each": normed,
    "divided by a root of their squares, as Adagrad, RMSprop and Adam do": lambda g, _: (
        0.1 * g / (np.abs(g) + 0.3)
    ),
    "with weight decay": lambda g, w: 0.1 * (g + 0.02 * w),
}


def moved_by(rule, gradients=GRADIENTS) -> dict[str, Array]:
    return {name: rule(g, WEIGHTS[name]) for name, g in gradients.items()}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_holds_is_told(name):
    assert rule_between(GRADIENTS, moved_by(RULES[name]), WEIGHTS, MEMORY) == name


def test_a_root_of_squares_with_its_constant_inside_is_told():
    moved = moved_by(lambda g, _: 0.1 * g / np.sqrt(g**2 + 0.3))
    assert rule_between(GRADIENTS, moved, WEIGHTS, MEMORY).startswith("divided by a root of their squares")


@pytest.mark.parametrize("name", RULES)
def test_a_rule_of_other_gradients_is_not_told(name):
    others = {key: g.copy() for key, g in GRADIENTS.items()}
    others["W"] = others["W"].T
    assert not rule_between(GRADIENTS, moved_by(RULES[name], others), WEIGHTS, MEMORY)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_fails_for_one_element_is_not_told(name):
    moved = moved_by(RULES[name])
    moved["W"][1, 2] *= 1.01
    assert not rule_between(GRADIENTS, moved, WEIGHTS, MEMORY)


def test_a_weight_that_grows_is_not_told_as_weight_decay():
    assert not rule_between(GRADIENTS, moved_by(lambda g, w: 0.1 * (g - 0.02 * w)), WEIGHTS, MEMORY)


def test_biases_may_be_left_out_of_weight_decay():
    moved = moved_by(RULES["with weight decay"]) | {"b": 0.1 * GRADIENTS["b"]}
    assert rule_between(GRADIENTS, moved, WEIGHTS, MEMORY) == "with weight decay"


@pytest.mark.parametrize(
    "spoiled",
    [lambda d: d * np.nan, lambda d: d * np.inf, lambda d: d * (1 + 1j), np.zeros_like],
    ids=["nan", "infinite", "complex", "nothing moved"],
)
def test_no_rule_is_told_of_what_is_no_update(spoiled):
    moved = {name: spoiled(d) for name, d in moved_by(RULES["by their sign"]).items()}
    assert not rule_between(GRADIENTS, moved, WEIGHTS, MEMORY)


def test_a_parameter_that_has_not_moved_obeys_no_rule():
    moved = moved_by(RULES["by their sign"])
    del moved["W"]
    assert not rule_between(GRADIENTS, moved, WEIGHTS, MEMORY)


def test_too_few_elements_make_no_rule():
    few = {"b": GRADIENTS["U"].ravel()[: FEWEST - 1]}
    assert not rule_between(few, {"b": 0.1 * np.sign(few["b"])}, few, [])
    enough = {"b": GRADIENTS["U"].ravel()[:FEWEST]}
    assert rule_between(enough, {"b": 0.1 * np.sign(enough["b"])}, enough, []) == "by their sign"


@pytest.mark.parametrize(
    "kept", [[], [np.abs(GRADIENTS["W"])], [np.zeros((4, 4))]], ids=["none", "sizes", "zeros"]
)
def test_a_root_of_squares_that_are_forgotten_is_no_rule(kept):
    """Adagrad whose memory is bound to a local name divides every gradient by its own size."""
    moved = moved_by(lambda g, _: 0.1 * g / np.sqrt(g**2 + 1e-8))
    assert not rule_between(GRADIENTS, moved, WEIGHTS, kept)
