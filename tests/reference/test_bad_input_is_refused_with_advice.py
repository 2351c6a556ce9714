"""Bad data are refused, with what was expected, what was given, and what to do.

Among them what torch accepts although it is wrong. One of its silent acceptances can't be seen by anyone:
h_0 laid out (B, L·D, H) where B equals L·D.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from oracles.refusals import Refusal, complaints, named

import refrnn

T, B, I, H = 7, 5, 3, 4  # noqa: E741 - the letters of the formulas
RNG = np.random.default_rng(0)
X, H_0 = RNG.standard_normal((T, B, I)), RNG.standard_normal((1, B, H))


def rnn(*args: Any, **kwargs: Any) -> refrnn.RNN:
    """Build a network, of sizes I and H by default."""
    return refrnn.RNN(*(args or (I, H)), generator=np.random.default_rng(1), **kwargs)


def dropping(**arguments: Any) -> Callable[[], object]:
    return lambda: rnn(I, H, 2, dropout=arguments.pop("p", 0.5))(X, **arguments)


INPUT = [
    Refusal("x with 1 axis", lambda: rnn()(X[0, 0]), ValueError, "(T, B, I) | 1 dimension | missing axis"),
    Refusal("x with 4 axes", lambda: rnn()(X[np.newaxis]), ValueError, "(T, I) | 4 dim | extra one"),
    Refusal("x a number", lambda: rnn()(1.0), ValueError, "(T, B, I) | 0 dimensions | missing axis"),
    Refusal(
        "x with 1 axis, batch first",
        lambda: rnn(batch_first=True)(X[0, 0]),
        ValueError,
        "(B, T, I) | 1 dimension | missing axis",
    ),
    Refusal("wrong feature size", lambda: rnn()(X[..., :2]), ValueError, "(T, B, 3) | (7, 5, 2) | reshape"),
    Refusal(
        "wrong feature size, batch first",
        lambda: rnn(batch_first=True)(X[..., :2]),
        ValueError,
        "(B, T, 3) | (7, 5, 2) | reshape",
    ),
    Refusal(
        "wrong feature size of one sample", lambda: rnn()(X[0, :, :1]), ValueError, "(T, 3) | (5, 1) | res"
    ),
    Refusal(
        "a feature size of 1 is not broadcast", lambda: rnn()(X[..., :1]), ValueError, "3) | 1) | broadc"
    ),
    Refusal("no steps", lambda: rnn()(X[:0]), ValueError, "(T, B, 3) | (0, 5, 3) | may be 0"),
    Refusal("no steps of one sample", lambda: rnn()(X[:0, 0]), ValueError, "(T, 3) | (0, 3) | may be 0"),
    Refusal("no samples", lambda: rnn()(X[:, :0]), ValueError, "(T, B, 3) | (7, 0, 3) | may be 0"),
    Refusal(
        "x in float32",
        lambda: rnn()(X.astype(np.float32)),
        TypeError,
        "x must be float64 | float32 | .astype('float64')",
    ),
    Refusal(
        "x in float64 for a float32 network",
        lambda: rnn(dtype=np.float32)(X),
        TypeError,
        "x must be float32 | float64 | dtype='float64'",
    ),
    Refusal(
        "x in whole numbers",
        lambda: rnn()(np.ones((T, B, I), int)),
        TypeError,
        "x must be float64 | int64 | .astype('float64')",
    ),
    Refusal("x complex", lambda: rnn()(X * 1j), TypeError, "x must be float64 | complex128 | onvert"),
    Refusal("x of flags", lambda: rnn()(X > 0), TypeError, "x must be float64 | bool | .astype('float64')"),
    Refusal(
        "x of objects",
        lambda: rnn()(X.astype(object)),
        TypeError,
        "x must be float64 | object | real numbers",
    ),
    Refusal("x of words", lambda: rnn()([["a", "b", "c"]]), TypeError, "x must be | <U1 | real numbers"),
    Refusal(
        "x of digits as text", lambda: rnn()([["1", "2", "3"]]), TypeError, "float64 | <U1 | real numbers"
    ),
    Refusal("x of nothing", lambda: rnn()([[None] * I]), TypeError, "x must be | object | real numbers"),
    Refusal("x a list of flags", lambda: rnn()([[True] * I]), TypeError, "float64 | bool | astype"),
    Refusal(
        "x a torch tensor in float32", lambda: rnn()(torch.ones(T, B, I)), TypeError, "float64 | 32 | astype"
    ),
    Refusal(
        "x in bfloat16", lambda: rnn()(torch.ones(T, B, I).bfloat16()), TypeError, "float64 | Tensor | Pass"
    ),
    Refusal(
        "x a list of float64 arrays for a float32 network",
        lambda: rnn(dtype=np.float32)(list(X)),
        TypeError,
        "x must be float32 | got float64, so that digits would be lost | if that is meant",
    ),
    Refusal(
        "whole numbers that float64 skips",
        lambda: rnn()([[2**53 + 1, 0, 0]]),
        TypeError,
        "x must be float64 | got int64, so that digits would be lost | if that is meant",
    ),
    Refusal(
        "numbers beyond any dtype",
        lambda: rnn()([[10**400, 0.0, 0]]),
        TypeError,
        "x must be float64 | object | real numbers",
    ),
]

INITIAL = [
    Refusal(
        "wrong batch",
        lambda: rnn()(X, H_0[:, :4]),
        ValueError,
        "h_0 must have the shape (1, 5, 4) | (1, 4, 4) | reshape",
    ),
    Refusal(
        "a batch of 1 is not broadcast",
        lambda: rnn()(X, H_0[:, :1]),
        ValueError,
        "(1, 5, 4) | (1, 1, 4) | broadcast",
    ),
    Refusal("no axis for layers", lambda: rnn()(X, H_0[0]), ValueError, "(1, 5, 4) | (5, 4) | reshape"),
    Refusal(
        "batch first",
        lambda: rnn(batch_first=True)(X.swapaxes(0, 1), H_0.swapaxes(0, 1)),
        ValueError,
        "(1, 5, 4) | (5, 1, 4) | transpose",
    ),
    Refusal(
        "too many layers", lambda: rnn()(X, np.ones((2, B, H))), ValueError, "(1, 5, 4) | (2, 5, 4) | reshape"
    ),
    Refusal("too few layers", lambda: rnn(I, H, 2)(X, H_0), ValueError, "(2, 5, 4) | (1, 5, 4) | reshape"),
    Refusal(
        "one direction of two",
        lambda: rnn(bidirectional=True)(X, H_0),
        ValueError,
        "(2, 5, 4) | (1, 5, 4) | res",
    ),
    Refusal(
        "wrong hidden size",
        lambda: rnn()(X, np.ones((1, B, 3))),
        ValueError,
        "(1, 5, 4) | (1, 5, 3) | reshape",
    ),
    Refusal(
        "batched, with one sample",
        lambda: rnn()(X[:, 0], H_0[:, :1]),
        ValueError,
        "(1, 4) | (1, 1, 4) | reshape",
    ),
    Refusal(
        "of one sample, with a batch", lambda: rnn()(X, H_0[:, 0]), ValueError, "(1, 5, 4) | (1, 4) | reshape"
    ),
    Refusal(
        "in float32",
        lambda: rnn()(X, H_0.astype(np.float32)),
        TypeError,
        "h_0 must be float64 | float32 | astype",
    ),
]

LENGTHS = [
    Refusal(
        "a length of 0",
        lambda: rnn()(X, lengths=[7, 0, 1, 2, 3]),
        ValueError,
        "between 1 and T = 7 | 0 for sample 1 | Drop empty",
    ),
    Refusal(
        "a negative length",
        lambda: rnn()(X, lengths=[7, 6, -1, 2, 3]),
        ValueError,
        "between 1 and T = 7 | -1 for sample 2 | Drop empty",
    ),
    Refusal(
        "a length above T",
        lambda: rnn()(X, lengths=[7, 6, 5, 4, 8]),
        ValueError,
        "between 1 and T = 7 | 8 for sample 4 | pad x",
    ),
    Refusal(
        "ragged lengths",
        lambda: rnn()(X, lengths=[[7, 6], [5]]),
        TypeError,
        "lengths must be whole numbers | list whose parts | Pad them",
    ),
    Refusal(
        "fractional lengths",
        lambda: rnn()(X, lengths=[7, 6, 5, 4.5, 3]),
        TypeError,
        "lengths must be whole numbers | 4.5 | integers",
    ),
    Refusal(
        "lengths in float",
        lambda: rnn()(X, lengths=np.full(5, 7.0)),
        TypeError,
        "whole numbers | float64 | integers",
    ),
    Refusal(
        "a NaN as length",
        lambda: rnn()(X, lengths=[7, 6, 5, np.nan, 3]),
        TypeError,
        "whole numbers | nan | integers",
    ),
    Refusal(
        "flags as lengths", lambda: rnn()(X, lengths=[True] * 5), TypeError, "whole numbers | bool | integers"
    ),
    Refusal(
        "a missing length",
        lambda: rnn()(X, lengths=[7, 6, 5, None, 3]),
        TypeError,
        "whole numbers | None | integers",
    ),
    Refusal("no lengths", lambda: rnn()(X, lengths=[]), ValueError, "shape (5,) | (0,) | every sample"),
    Refusal("lengths as text", lambda: rnn()(X, lengths=["7"] * 5), TypeError, "whole | '7' | integers"),
    Refusal(
        "too few lengths",
        lambda: rnn()(X, lengths=[7, 6, 5, 4]),
        ValueError,
        "shape (5,) | (4,) | every sample",
    ),
    Refusal(
        "too many lengths", lambda: rnn()(X, lengths=[7] * 6), ValueError, "shape (5,) | (6,) | every sample"
    ),
    Refusal(
        "lengths in two axes",
        lambda: rnn()(X, lengths=[[7] * 5]),
        ValueError,
        "shape (5,) | (1, 5) | every sample",
    ),
    Refusal("one length for all", lambda: rnn()(X, lengths=7), ValueError, "shape (5,) | () | every sample"),
    Refusal(
        "one for each step, time first",
        lambda: rnn()(X, lengths=[5] * 7),
        ValueError,
        "shape (5,) | (7,) | every",
    ),
    Refusal(
        "lengths of one sample",
        lambda: rnn()(X[:, 0], lengths=[7]),
        ValueError,
        "padding of a batch | one unbatched sample | Cut x",
    ),
    Refusal(
        "a torch tensor of floats",
        lambda: rnn()(X, lengths=torch.full([5], 7.0)),
        TypeError,
        "whole numbers | float32 | integers",
    ),
]

MASKS = [
    Refusal(
        "masks for one layer too many",
        dropping(dropout_masks=np.ones((2, T, B, H), bool)),
        ValueError,
        "(1, 7, 5, 4) | (2, 7, 5, 4) | Compare torch's mask",
    ),
    Refusal(
        "masks without an axis for layers",
        dropping(dropout_masks=np.ones((T, B, H), bool)),
        ValueError,
        "(1, 7, 5, 4) | (7, 5, 4) | True where",
    ),
    Refusal(
        "masks that are the same at every step",
        dropping(dropout_masks=np.ones((1, 1, B, H), bool)),
        ValueError,
        "(1, 7, 5, 4) | (1, 1, 5, 4) | True where",
    ),
    Refusal(
        "masks batch first",
        dropping(dropout_masks=np.ones((1, B, T, H), bool)),
        ValueError,
        "(1, 7, 5, 4) | (1, 5, 7, 4) | True where",
    ),
    Refusal(
        "masks of numbers",
        dropping(dropout_masks=np.ones((1, T, B, H))),
        ValueError,
        "must be booleans | float64 | with 0",
    ),
    Refusal(
        "masks and a generator",
        dropping(dropout_masks=np.ones((1, T, B, H), bool), generator=np.random.default_rng(0)),
        ValueError,
        "replace the generator | generator=Generator | pass no generator",
    ),
    Refusal(
        "masks without dropout",
        dropping(p=0.0, dropout_masks=np.ones((1, T, B, H), bool)),
        ValueError,
        "network with dropout | dropout=0.0 | Set dropout",
    ),
    Refusal(
        "ragged masks",
        dropping(dropout_masks=[[True], [True, False]]),
        TypeError,
        "dropout_masks must be booleans | list whose parts differ in length | Pad them",
    ),
    Refusal(
        "a seed as the generator",
        dropping(generator=3),
        TypeError,
        "generator must be a Generator | int | numpy.random.default_rng(seed)",
    ),
]

REFUSALS = named(x=INPUT, h_0=INITIAL, lengths=LENGTHS, masks=MASKS)


@pytest.mark.parametrize("name", REFUSALS)
def test_is_refused_with_what_was_expected_what_was_given_and_what_to_do(name: str) -> None:
    assert complaints(REFUSALS[name]) == []


def planted(error: Exception | None) -> Refusal:
    def call() -> None:
        if error is not None:
            raise error

    return Refusal("planted", call, ValueError, "must be 1 | got 2 | Pass 1")


def test_the_judgement_of_refusals_can_fail() -> None:
    assert complaints(planted(ValueError("x must be 1; got 2. Pass 1."))) == []
    assert complaints(planted(None)) == ["nothing was refused"]
    assert "TypeError instead" in complaints(planted(TypeError("x must be 1; got 2. Pass 1.")))[0]
    for message in (
        "x must be 1; got 2. Sorry.",
        "x must be 1. Pass 1.",
        "x is bad; got 2. Pass 1.",
        "x must be 1; got 2. Pass 1",
    ):
        assert len(complaints(planted(ValueError(message)))) == 1
    with pytest.raises(AssertionError, match="x: planted"):
        named(x=[planted(None), planted(None)])
