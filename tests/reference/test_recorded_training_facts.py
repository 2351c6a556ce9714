"""What hand-written networks were recorded to do comes out again, and the example that shows it is true."""

import importlib.util
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from refrnn import RNN, Linear, SequenceModel, squared_error

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
SOURCE = EXAMPLES / "hand_written.py"

OUTPUTS = ("2.24143915", "3.18450265", "4.04305928", "4.57419398")
"""Printed by the many-to-many network in its last epoch of 100, before that epoch's update."""

SUM = partial(squared_error, reduction="sum")
PAIRS = [(1, 2), (0, 5), (3, 4), (2, 1)]
THREE = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]


def hand_written() -> ModuleType:
    """Return the example's module anew: some of its weights are globals that training rebinds."""
    spec = importlib.util.spec_from_file_location("hand_written_anew", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mended(*changes: tuple[str, str]) -> dict[str, Any]:
    """Return the names of the example's module with some of its text replaced."""
    source = SOURCE.read_text(encoding="utf-8")
    for mistake, mending in changes:
        assert mistake in source
        source = source.replace(mistake, mending)
    names: dict[str, Any] = {"__name__": "mended"}
    exec(compile(source, str(SOURCE), "exec"), names)  # noqa: S102 - the text is this project's own
    return names


def one_bias_model(weights: list[np.ndarray], **options: Any) -> SequenceModel:
    """Build a model from W_xh, W_hh, W_hy and two column biases."""
    w_xh, w_hh, w_hy, b_h, b_y = weights
    rnn, head = RNN(w_xh.shape[1], len(w_xh)), Linear(len(w_xh), len(w_hy))
    model = SequenceModel(rnn, head, frozen=["rnn.bias_hh_l0"], **options)
    values = (w_xh, w_hh, b_h[:, 0], np.zeros(len(w_xh)), w_hy, b_y[:, 0])
    model.load_state_dict(dict(zip(model.parameters, values, strict=True)))
    return model


def in_hand_written_order(model: SequenceModel, gradients: dict[str, np.ndarray]) -> list[np.ndarray]:
    w_xh, w_hh, b_h, _, w_hy, b_y = (gradients[name] for name in model.parameters)
    return [w_xh, w_hh, w_hy, b_h[:, np.newaxis], b_y[:, np.newaxis]]


def columns(sequence: list[list[float]]) -> list[np.ndarray]:
    return [np.array(x)[:, np.newaxis] for x in sequence]


def counting_model(loss: Any) -> SequenceModel:
    rng = np.random.RandomState(42)
    drawn = [rng.randn(*shape) * 0.01 for shape in ((5, 1), (5, 5), (1, 5))]
    return one_bias_model([*drawn, np.zeros((5, 1)), np.zeros((1, 1))], output="every", loss=loss)


COUNTING = (np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([[2.0], [3.0], [4.0], [5.0]]))


def test_the_many_to_many_network_prints_its_four_recorded_outputs() -> None:
    model = counting_model(partial(squared_error, reduction="half_sum"))
    for epoch in range(1, 101):
        result = model.gradients(*COUNTING)
        if epoch == 100:
            assert tuple(f"{y:.8f}" for y in result.prediction[:, 0]) == OUTPUTS
        model.descend(result, 0.01)


def test_its_gradients_are_half_the_sums_so_they_miss_its_declared_mean_by_a_constant() -> None:
    half_sum = counting_model(partial(squared_error, reduction="half_sum")).gradients(*COUNTING)
    mean = counting_model(squared_error).gradients(*COUNTING)
    for name, array in half_sum.parameters.items():  # T · O / 2 = 2: a power of two, so without rounding
        assert np.array_equal(array, 2 * mean.parameters[name])
        assert np.any(array)


def sum_learner(names: dict[str, Any], seed: int = 3, scale: float = 1.0) -> Any:
    learner = names["SumLearner"](1, 10, 1, learning_rate=0.01, rng=np.random.default_rng(seed))
    for name in ("Wxh", "Whh", "Why"):
        setattr(learner, name, scale * getattr(learner, name))
    return learner


def sum_model(learner: Any) -> SequenceModel:
    return one_bias_model([getattr(learner, n) for n in ("Wxh", "Whh", "Why", "bh", "by")], loss=SUM)


def sum_gradients(names: dict[str, Any]) -> tuple[list[np.ndarray], list[np.ndarray], float]:
    """Return the hand-written and the right gradients for one pair, and how far rounding may part them."""
    learner = sum_learner(names, scale=30)
    model = sum_model(learner)
    inputs = columns([[3.0], [4.0]])
    found = learner.backward(2 * (learner.forward(inputs) - 7), learn=False)
    right = in_hand_written_order(model, dict(model.gradients([[3.0], [4.0]], [7.0]).parameters))
    return [found[n] for n in ("Wxh", "Whh", "Why", "bh", "by")], right, rounding(learner.Whh, right, 2, 1)


def rounding(w_hh: np.ndarray, gradients: list[np.ndarray], steps: int, inputs: int) -> float:
    """Return how far two correct programs may differ, for any element.

    Each makes at most I + H + 8 roundings a step, forward and back; an error grows by at most ‖W_hh‖ on each
    of the T steps each way, and is relative to terms no larger than the largest gradient.
    """
    growth = max(1.0, np.linalg.norm(w_hh, 1), np.linalg.norm(w_hh, np.inf)) ** (2 * steps)
    count = 2 * 2 * steps * (inputs + len(w_hh) + 8)
    return count * np.finfo(np.float64).eps * growth * max(np.max(np.abs(g)) for g in gradients)


def furthest(found: list[np.ndarray], right: list[np.ndarray]) -> list[float]:
    return [float(np.max(np.abs(f - r))) for f, r in zip(found, right, strict=True)]


def test_the_learner_of_sums_is_right_but_for_its_two_marked_mistakes() -> None:
    found, right, bound = sum_gradients(vars(hand_written()))
    w_xh, w_hh, w_hy, b_h, b_y = furthest(found, right)
    assert max(w_hy, b_y) <= bound < min(w_xh, w_hh, b_h)
    entering = ("self.Why.T @ d_y + dh_next", "(self.Why.T @ d_y if t == last else 0) + dh_next")
    derivative = ("np.tanh(self.hs[t]) ** 2", "self.hs[t] ** 2")
    for changes, all_right in (([entering], False), ([derivative], False), ([entering, derivative], True)):
        found, right, bound = sum_gradients(mended(*changes))
        assert bool(max(furthest(found, right)) <= bound) is all_right


def mended_functions(*, state: bool, previous: bool, slope: bool, factor: bool) -> dict[str, Any]:
    """Return the functions over globals with some of their four mistakes mended."""
    h = "state" if state else "h"
    names = mended(
        ("for x in reversed(inputs):", "for x, state, before in reversed(history(inputs)):"),
        ("(1 - np.tanh(h) ** 2)", f"(1 - {h} ** 2)" if slope else f"(1 - np.tanh({h}) ** 2)"),
        ("d_raw @ h.T", "d_raw @ before.T" if previous else "d_raw @ h.T"),
        ("d_y = y - target", "d_y = 2 * (y - target)" if factor else "d_y = y - target"),
    )

    def history(inputs: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        states = [np.zeros((3, 1)), *(names["forward"](inputs[: t + 1])[1] for t in range(len(inputs)))]
        return list(zip(inputs, states[1:], states[:-1], strict=True))

    names["history"] = history
    return names


def target_gradients(names: dict[str, Any]) -> tuple[list[np.ndarray], list[np.ndarray], float]:
    """Return the hand-written and the right gradients, and how far rounding may part them."""
    weights = [names[name] for name in ("W_xh", "W_hh", "W_hy", "b_h", "b_y")]
    model = one_bias_model(weights, loss=SUM)
    inputs = columns(THREE)
    y, h = names["forward"](inputs)
    found = list(names["backward"](inputs, np.array([[1.0]]), y, h))
    right = in_hand_written_order(model, dict(model.gradients(THREE, [1.0]).parameters))
    return found, right, rounding(names["W_hh"], right, 3, 2)


def test_the_functions_over_globals_are_right_but_for_their_four_marked_mistakes() -> None:
    every = ("state", "previous", "slope", "factor")
    for left in (None, *every):
        found, right, bound = target_gradients(mended_functions(**{name: name != left for name in every}))
        assert bool(max(furthest(found, right)) <= bound) is (left is None), left


def test_both_hand_written_networks_predict_what_refrnn_predicts() -> None:
    module = hand_written()
    learner = sum_learner(vars(module), scale=30)
    model = sum_model(learner)
    for a, b in PAIRS:
        found, expected = learner.predict(columns([[a], [b]])), model.predict([[a], [b]])
        assert abs(found.item() - expected.item()) <= rounding(learner.Whh, [expected], 2, 1)
    names = vars(module)
    weights = [names[name] for name in ("W_xh", "W_hh", "W_hy", "b_h", "b_y")]
    y, _ = module.forward(columns(THREE))
    expected = one_bias_model(weights).predict(THREE)
    assert abs(y.item() - expected.item()) <= rounding(module.W_hh, [expected, np.ones(1)], 3, 2)


def test_with_its_mistakes_the_loss_of_the_sums_wanders_and_without_them_it_falls() -> None:
    learner = sum_learner(vars(hand_written()))
    model = sum_model(learner)
    samples = [(columns([[float(a)], [float(b)]]), np.array([[a + b]])) for a, b in PAIRS]
    wandering = np.array(learner.train(samples, epochs=1000))
    data = [([[float(a)], [float(b)]], [float(a + b)]) for a, b in PAIRS]
    falling = model.train(data, epochs=1000, learning_rate=0.01)
    # Recorded at intervals: 87 → 3 → 8 → 5 → 10 → 0.2 → 0, from first weights that aren't known.
    assert f"{wandering[0]:.0f}" == f"{falling[0]:.0f}" == "87"
    fallen = int(np.argmax(wandering < 4))
    assert fallen < 200
    assert np.max(wandering[fallen:]) > 2 * wandering[fallen]
    assert np.max(falling[fallen:]) == falling[fallen] < wandering[fallen]
    assert falling[-1] < np.finfo(np.float64).eps * falling[0]


@pytest.fixture(scope="module")
def printed() -> str:
    script = str(EXAMPLES / "training_beside_mistakes.py")
    return subprocess.run([sys.executable, script], check=True, capture_output=True, text=True).stdout


def row(text: str, title: str) -> list[float]:
    return [float(word) for word in text.split(title, 1)[1].splitlines()[0].split()]


def test_the_example_starts_both_sides_alike_and_shows_which_one_lags(printed: str) -> None:
    sums, target, share, _ = printed.split("\n\n")
    for table in (sums, target):
        epochs, theirs, ours = (row(table, title) for title in ("  epoch", "  mistaken", "  refrnn"))
        assert len(epochs) == len(theirs) == len(ours) >= 9
        assert theirs[0] == ours[0]
        assert all(left > right for left, right in zip(theirs[1:], ours[1:], strict=True))
        assert ours == sorted(ours, reverse=True)
    wandering = row(sums, "  mistaken")
    assert wandering != sorted(wandering, reverse=True)
    assert "W_hy 50%" in share
    assert "b_y 50%" in share


def test_the_example_prints_the_recorded_outputs(printed: str) -> None:
    assert printed.splitlines()[-1].split() == list(OUTPUTS)
