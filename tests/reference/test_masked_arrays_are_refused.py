"""Masked arrays are refused wherever refrnn takes arrays or numbers: NumPy would compute with what the mask hides."""

from collections.abc import Callable

import numpy as np
import pytest

from refrnn import RNN, Linear, RNNCell, SequenceModel, cross_entropy, sgd, softmax, squared_error

T, B, I, H = 6, 3, 2, 4  # noqa: E741
X = np.random.default_rng(0).standard_normal((T, B, I))


def masked(value: object) -> np.ma.MaskedArray:
    """Return an array of which one element is hidden."""
    array = np.ma.array(value, copy=True)
    array[(0,) * array.ndim] = np.ma.masked
    return array


def rnn(**options: object) -> RNN:
    return RNN(I, H, **options)


def cell() -> RNNCell:
    return RNNCell(I, H)


def head() -> Linear:
    return Linear(H, 1)


def backward(**given: object) -> object:
    network = rnn()
    return network.backward(network.forward(X), **given)


def segmented(d_output: object) -> object:
    network = rnn()
    return network.backward_in_segments(network.forward_in_segments(X), d_output)


def state(network: RNN) -> dict[str, object]:
    held = network.state_dict()
    return {**held, "weight_hh_l0": masked(held["weight_hh_l0"])}


DY, DH = np.ones((T, B, H)), np.ones((1, B, H))
ONE = {"w": np.ones((2, 2))}
LOOSE = [[[1.0, 2.0], [1.0, 2.0], [np.ma.masked, 2.0]]]

PLACES: dict[str, Callable[[], object]] = {
    "x": lambda: rnn()(masked(X)),
    "x, nothing hidden": lambda: rnn()(np.ma.array(X)),
    "x, in a list": lambda: rnn()([masked(row) for row in X]),
    "x, one number of a list": lambda: rnn()(LOOSE),
    "x of segments": lambda: rnn().forward_in_segments(masked(X)),
    "h_0": lambda: rnn()(X, masked(DH)),
    "lengths": lambda: rnn()(X, lengths=masked([T] * B)),
    "dropout_masks": lambda: rnn(num_layers=2, dropout=0.5)(
        X, dropout_masks=masked(np.ones((1, T, B, H), bool))
    ),
    "d_output": lambda: backward(d_output=masked(DY)),
    "d_h_n": lambda: backward(d_h_n=masked(DH)),
    "d_output of segments": lambda: segmented(masked(DY)),
    "d_output of a function": lambda: segmented(lambda _, output: masked(np.ones_like(output))),
    "a state": lambda: rnn().load_state_dict(state(rnn())),
    "x of a cell": lambda: cell()(masked(X[0])),
    "h of a cell": lambda: cell()(X[0], masked(DH[0])),
    "d_h of a cell": lambda: cell().backward(cell().forward(X[0]), masked(DH[0])),
    "x of a head": lambda: head()(masked(DY)),
    "d_y of a head": lambda: head().backward(head().forward(DY), masked(np.ones((T, B, 1)))),
    "y of a loss": lambda: squared_error(masked(X), X),
    "targets of a loss": lambda: squared_error(X, masked(X)),
    "logits": lambda: softmax(masked(X)),
    "logits of a loss": lambda: cross_entropy(masked(X[0]), [0, 1, 0]),
    "class ids": lambda: cross_entropy(X[0], masked([0, 1, 0])),
    "targets with lengths": lambda: SequenceModel(rnn(), head(), output="every").gradients(
        X, masked(np.ones((T, B, 1))), lengths=[6, 5, 4]
    ),
    "parameters to train": lambda: sgd({"w": masked(ONE["w"])}, ONE, 0.1),
    "gradients to train by": lambda: sgd(ONE, {"w": masked(ONE["w"])}, 0.1),
    "a learning rate": lambda: sgd(ONE, ONE, np.ma.array(0.1)),
    "a size": lambda: RNN(np.ma.array(3), 4),
}


@pytest.mark.parametrize("place", PLACES)
def test_it_is_refused_with_what_to_pass(place: str) -> None:
    with pytest.raises(TypeError, match=r"masked") as caught:
        PLACES[place]()
    words = str(caught.value)
    assert ".filled(value)" in words or "Pass a whole number" in words


def test_what_isnt_masked_is_taken() -> None:
    assert rnn()(X)[0].shape == (T, B, H)
    assert squared_error(X, [[list(row) for row in step] for step in X])[0] == 0
