"""Gradients read off an update in place keep their digits, however small they are beside the weights."""

import numpy as np
import pytest

from conformance.hand_written.checking.updates import LARGE, finer

WEIGHTS = {"w": np.array([1000.0, -0.3]), "b": np.array([5.0])}
TRUE = {"w": np.array([1e-3, 0.2]), "b": np.array([1e-9])}


def read_off(rate: float) -> dict[str, np.ndarray]:
    """Read gradients off a plain update, as hand-written code leaves them."""
    return {name: (w - (w - rate * TRUE[name])) / rate for name, w in WEIGHTS.items()}


def test_a_large_update_tells_small_gradients_to_their_own_rounding() -> None:
    coarse, fine = read_off(1.0), read_off(LARGE)
    assert any(np.abs(coarse[name] - TRUE[name]).max() > 1e-14 for name in TRUE)
    for name, gradient in finer(coarse, fine, WEIGHTS).items():
        np.testing.assert_allclose(gradient, TRUE[name], rtol=1e-12)


@pytest.mark.parametrize(
    "wrong", [np.array([1e-3, 0.2000001]), np.array([np.inf, 0.2]), np.array([[1e-3, 0.2]])]
)
def test_what_depends_on_the_rate_is_left_as_it_was_read(wrong: np.ndarray) -> None:
    coarse = read_off(1.0)
    kept = finer(coarse, {"w": wrong}, WEIGHTS)
    assert kept["w"] is coarse["w"]
    assert kept["b"] is coarse["b"]
