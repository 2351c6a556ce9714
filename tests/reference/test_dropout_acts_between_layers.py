"""Dropout of the reference: drawn only where it acts, everything gone at p = 1, a warning where it can do nothing."""

from pathlib import Path

import numpy as np
import pytest

import refrnn

X = np.random.default_rng(0).standard_normal((7, 5, 3))


@pytest.mark.parametrize("options", [{"num_layers": 2}, {"num_layers": 1}], ids=str)
def test_without_dropout_nothing_is_drawn(options: dict[str, int]) -> None:
    generator = np.random.default_rng(1)
    refrnn.RNN(3, 4, **options).forward(X, generator=generator)
    assert generator.bit_generator.state == np.random.default_rng(1).bit_generator.state


def test_of_a_single_layer_nothing_is_drawn() -> None:
    generator = np.random.default_rng(1)
    with pytest.warns(UserWarning, match="dropout acts between layers"):
        rnn = refrnn.RNN(3, 4, dropout=0.5)
    assert rnn.forward(X, generator=generator).stack_trace.masks is None
    assert generator.bit_generator.state == np.random.default_rng(1).bit_generator.state


def test_the_warning_points_at_the_line_that_builds_the_network() -> None:
    with pytest.warns(UserWarning, match="dropout acts between layers") as warned:
        refrnn.RNN(3, 4, dropout=0.5)
    assert Path(warned[0].filename) == Path(__file__)


def test_a_dropout_of_1_drops_everything_whether_masks_are_drawn_or_given() -> None:
    rnn = refrnn.RNN(3, 4, 2, dropout=1.0)
    drawn = rnn.forward(X, generator=np.random.default_rng(1))
    given = rnn.forward(X, dropout_masks=np.ones((1, 7, 5, 4), bool))
    assert not drawn.layer_input(1).any()
    assert not given.layer_input(1).any()


def test_what_is_drawn_in_zero_to_one_is_kept_from_p_on() -> None:
    class Drawn(np.random.Generator):
        def random(self, size):
            return np.full(size, 0.25)

    trace = refrnn.RNN(3, 4, 2, dropout=0.25).forward(X, generator=Drawn(np.random.PCG64(0)))
    assert trace.stack_trace.masks.all()
