"""Networks that can't be are refused, and parameters that don't belong, with what to do about it.

Among them what torch accepts although it is wrong. One of its silent acceptances can't be seen by anyone:
a square weight that was transposed.
"""

from typing import Any

import numpy as np
import pytest
import torch
from oracles.refusals import Refusal, complaints, named

import refrnn
from refrnn import _checks

I, H = 3, 4  # noqa: E741 - the letters of the formulas


def rnn(*args: Any, **kwargs: Any) -> refrnn.RNN:
    """Build a network, of sizes I and H by default."""
    return refrnn.RNN(*(args or (I, H)), generator=np.random.default_rng(1), **kwargs)


def state(**changes: object) -> dict[str, object]:
    return {**rnn().state_dict(), **changes}


CONSTRUCTOR = [
    Refusal("input_size 0", lambda: rnn(0, H), ValueError, "input_size must be at least 1 | 0 | needs"),
    Refusal("negative hidden_size", lambda: rnn(I, -2), ValueError, "hidden_size must be | -2 | needs"),
    Refusal("no layers", lambda: rnn(I, H, 0), ValueError, "num_layers must be at least 1 | 0 | needs"),
    Refusal("fractional size", lambda: rnn(I, 4.0), TypeError, "hidden_size must be | 4.0 | whole number"),
    Refusal("size as text", lambda: rnn("3", H), TypeError, "input_size must be | '3' | whole number"),
    Refusal("size True", lambda: rnn(I, H, True), TypeError, "num_layers must be | True | whole number"),
    Refusal("size None", lambda: rnn(I, None), TypeError, "hidden_size must be | None | whole number"),
    Refusal(
        "unknown nonlinearity",
        lambda: rnn(I, H, nonlinearity="sigmoid"),
        ValueError,
        "nonlinearity must be 'tanh' or 'relu' | 'sigmoid' | one of these",
    ),
    Refusal(
        "nonlinearity in capitals",
        lambda: rnn(I, H, nonlinearity="ReLU"),
        ValueError,
        "'tanh' or 'relu' | 'ReLU' | one of these",
    ),
    Refusal(
        "a flag in the nonlinearity's place",
        lambda: rnn(I, H, 1, True),
        ValueError,
        "nonlinearity must be | True | one of these",
    ),
    Refusal(
        "a nonlinearity in a flag's place",
        lambda: rnn(I, H, 1, "tanh", "relu"),
        TypeError,
        "bias must be True or False | 'relu' | torch's order",
    ),
    Refusal(
        "a dropout in a flag's place",
        lambda: rnn(I, H, 2, "tanh", True, 0.5),
        TypeError,
        "batch_first must be True or False | 0.5 | torch's order",
    ),
    Refusal(
        "a number as a flag",
        lambda: rnn(I, H, bidirectional=1),
        TypeError,
        "bidirectional must be True or False | 1 | torch's order",
    ),
    Refusal(
        "dropout above 1",
        lambda: rnn(I, H, 2, dropout=1.5),
        ValueError,
        "dropout must be a probability in [0, 1] | 1.5 | from 0 to 1",
    ),
    Refusal("negative dropout", lambda: rnn(I, H, 2, dropout=-0.1), ValueError, "[0, 1] | -0.1 | from 0"),
    Refusal("dropout NaN", lambda: rnn(I, H, 2, dropout=float("nan")), ValueError, "[0, 1] | nan | from 0"),
    Refusal(
        "dropout as a flag",
        lambda: rnn(I, H, 2, dropout=True),
        TypeError,
        "dropout must be one real number | True | float",
    ),
    Refusal("dropout as text", lambda: rnn(I, H, 2, dropout="0.5"), TypeError, "real number | '0.5' | float"),
    Refusal("dropout None", lambda: rnn(I, H, 2, dropout=None), TypeError, "real number | None | float"),
    Refusal(
        "a list as dropout", lambda: rnn(I, H, 2, dropout=[0.5]), TypeError, "real number | [0.5] | float"
    ),
    Refusal(
        "a ragged list as dropout",
        lambda: rnn(I, H, 2, dropout=[[1], [1, 2]]),
        TypeError,
        "real number | [[1], [1, 2]] | float",
    ),
    Refusal(
        "a seed as the generator",
        lambda: refrnn.RNN(I, H, generator=0),
        TypeError,
        "generator must be a Generator | int | numpy.random.default_rng(seed)",
    ),
    Refusal(
        "half precision",
        lambda: rnn(dtype=np.float16),
        TypeError,
        "dtype must be float32, float64 or long double | float16 | convert",
    ),
    Refusal("whole numbers", lambda: rnn(dtype=int), TypeError, "dtype must be | int | convert"),
    Refusal("complex", lambda: rnn(dtype="complex128"), TypeError, "dtype must be | complex128 | convert"),
    Refusal(
        "no dtype at all", lambda: rnn(dtype="double-ish"), TypeError, "dtype must | double-ish | convert"
    ),
    Refusal(
        "a torch dtype", lambda: rnn(dtype=torch.float64), TypeError, "dtype must | torch.float64 | convert"
    ),
]

STATES = [
    Refusal(
        "a parameter missing",
        lambda: rnn().load_state_dict({n: a for n, a in state().items() if n != "bias_hh_l0"}),
        ValueError,
        "exactly the parameters weight_ih_l0 | missing: bias_hh_l0 | Build the network",
    ),
    Refusal(
        "a parameter too many",
        lambda: rnn().load_state_dict(state(weight_ih_l1=np.ones((4, 4)))),
        ValueError,
        "exactly the parameters | unknown: weight_ih_l1 | Build the network",
    ),
    Refusal(
        "a reverse direction too many",
        lambda: rnn().load_state_dict(rnn(bidirectional=True).state_dict()),
        ValueError,
        "exactly | unknown: weight_ih_l0_reverse | same layers, directions",
    ),
    Refusal(
        "biases too many",
        lambda: rnn(bias=False).load_state_dict(state()),
        ValueError,
        "exactly | unknown: bias_ih_l0, bias_hh_l0 | bias",
    ),
    Refusal(
        "names with a prefix",
        lambda: rnn().load_state_dict({f"rnn.{n}": a for n, a in state().items()}),
        ValueError,
        "exactly | unknown: rnn.weight_ih_l0 | Build",
    ),
    Refusal(
        "an empty state",
        lambda: rnn().load_state_dict({}),
        ValueError,
        "exactly | missing: weight_ih_l0, weight_hh_l0 | Build",
    ),
    Refusal(
        "a weight transposed",
        lambda: rnn().load_state_dict(state(weight_ih_l0=np.ones((3, 4)))),
        ValueError,
        "weight_ih_l0 must have the shape (4, 3) | (3, 4) | transposed",
    ),
    Refusal(
        "a bias of shape (1,)",
        lambda: rnn().load_state_dict(state(bias_ih_l0=np.ones(1))),
        ValueError,
        "bias_ih_l0 must have the shape (4,) | (1,) | broadcast",
    ),
    Refusal(
        "a bias of shape (B, H)",
        lambda: rnn().load_state_dict(state(bias_hh_l0=np.ones((5, 4)))),
        ValueError,
        "bias_hh_l0 must have the shape (4,) | (5, 4) | broadcast",
    ),
    Refusal(
        "a bias of shape (H, 1)",
        lambda: rnn().load_state_dict(state(bias_hh_l0=np.ones((4, 1)))),
        ValueError,
        "(4,) | (4, 1) | broadcast",
    ),
    Refusal(
        "a number as bias",
        lambda: rnn().load_state_dict(state(bias_hh_l0=0.5)),
        ValueError,
        "(4,) | () | broadcast",
    ),
    Refusal(
        "weights of another size",
        lambda: rnn().load_state_dict(refrnn.RNN(I, 6).state_dict()),
        ValueError,
        "weight_ih_l0 must have the shape (4, 3) | (6, 3) | belongs to this network",
    ),
    Refusal(
        "gates of an LSTM",
        lambda: rnn().load_state_dict(torch.nn.LSTM(I, H).state_dict()),
        ValueError,
        "(4, 3) | (16, 3) | belongs to this network",
    ),
    Refusal(
        "float64 into float32",
        lambda: rnn(dtype=np.float32).load_state_dict(state()),
        TypeError,
        "weight_ih_l0 must be float32 | got float64, so that digits would be lost | dtype='float64'",
    ),
    Refusal(
        "one float64 among float32",
        lambda: rnn(dtype=np.float32).load_state_dict(
            {n: np.asarray(a, np.float64 if n == "bias_hh_l0" else np.float32) for n, a in state().items()}
        ),
        TypeError,
        "bias_hh_l0 must be float32 | got float64 | .astype('float32')",
    ),
    Refusal(
        "a torch state in float64 into float32",
        lambda: rnn(dtype=np.float32).load_state_dict(torch.nn.RNN(I, H, dtype=torch.float64).state_dict()),
        TypeError,
        "weight_ih_l0 must be float32 | got float64 | dtype=",
    ),
    Refusal(
        "complex weights",
        lambda: rnn().load_state_dict(state(weight_hh_l0=np.ones((4, 4)) * 1j)),
        TypeError,
        "weight_hh_l0 | complex128 | onvert",
    ),
    Refusal(
        "words as weights",
        lambda: rnn().load_state_dict(state(bias_ih_l0=["a"] * 4)),
        TypeError,
        "bias_ih_l0 must be float64 | <U1 | real numbers",
    ),
    Refusal(
        "digits as text as weights",
        lambda: rnn().load_state_dict(state(bias_ih_l0=["1"] * 4)),
        TypeError,
        "bias_ih_l0 must be float64 | <U1 | real numbers",
    ),
    Refusal(
        "ragged weights",
        lambda: rnn().load_state_dict(state(weight_ih_l0=[[1.0, 2.0, 3.0], [1.0]])),
        TypeError,
        "weight_ih_l0 must be an array of float64 | list whose parts differ in length | Pad them",
    ),
    Refusal(
        "a list of nothing as weights",
        lambda: rnn().load_state_dict(state(bias_ih_l0=[None] * 4)),
        TypeError,
        "bias_ih_l0 must be float64 | object | real numbers",
    ),
    Refusal(
        "no state",
        lambda: rnn().load_state_dict(None),
        TypeError,
        "The state must be a Mapping | NoneType | Pass what state_dict returns",
    ),
    Refusal(
        "nothing as weights",
        lambda: rnn().load_state_dict(state(bias_ih_l0=None)),
        ValueError,
        "bias_ih_l0 must have the shape (4,) | () | broadcast",
    ),
]

REFUSALS = named(constructor=CONSTRUCTOR, parameters=STATES)


@pytest.mark.parametrize("name", REFUSALS)
def test_is_refused_with_what_was_expected_what_was_given_and_what_to_do(name: str) -> None:
    assert complaints(REFUSALS[name]) == []


@pytest.mark.parametrize(
    ("dtype", "bias"),
    [
        (np.float64, np.full(4, 2**53 + 1)),
        (np.float64, np.full(4, -(2**53) - 1)),
        (np.float64, [2**53 + 1] * 4),
        (np.float32, np.full(4, 2**24 + 1)),
        (np.float32, list(np.full(4, 0.1))),
        (np.float32, [0.5, 0.5, 0.5, np.float64(0.1)]),
    ],
    ids=[
        "large whole numbers",
        "large negative ones",
        "a list of them",
        "large for float32",
        "a list of float64 numbers",
        "one of them among literals",
    ],
)
def test_digits_are_not_lost_through_whole_numbers_or_lists_either(dtype: type, bias: Any) -> None:
    network = rnn(dtype=dtype)
    with pytest.raises(TypeError, match=r"bias_ih_l0 .* digits would be lost"):
        network.load_state_dict(network.state_dict() | {"bias_ih_l0": bias})


# What is right is not refused


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_whole_numbers_and_literals_may_enter_any_network(dtype: type) -> None:
    network = rnn(dtype=dtype)
    largest = 2 ** min(np.finfo(dtype).nmant + 1, 62)
    for bias in (np.array([largest, -largest, 0, 1]), [largest, -1, 0, 1], [0.1, 0.2, 3, 4]):
        network.load_state_dict(network.state_dict() | {"bias_ih_l0": bias})
        assert np.array_equal(network.parameters["bias_ih_l0"], np.array(bias).astype(dtype))


def test_float32_weights_may_enter_a_wider_network_since_no_digit_is_lost() -> None:
    narrow = rnn(dtype=np.float32)
    for dtype in (np.float64, np.longdouble):
        wide = rnn(dtype=dtype)
        wide.load_state_dict(narrow.state_dict())
        for name, array in wide.parameters.items():
            assert array.dtype == dtype
            assert np.array_equal(array, narrow.parameters[name])


def test_options_come_back_as_plain_python_values() -> None:
    network = refrnn.RNN(
        np.int64(I),
        np.int64(H),
        np.int64(2),
        bias=np.True_,
        batch_first=False,
        dropout=np.float64(0.5),
        bidirectional=np.False_,
    )
    assert type(network.input_size) is int
    assert type(network.hidden_size) is int
    assert type(network.num_layers) is int
    assert type(network.dropout) is float
    assert network.bias is True
    assert network.batch_first is False
    assert network.bidirectional is False


def test_the_representation_is_the_call_that_builds_the_network() -> None:
    network = rnn(I, H, 2, "relu", False, True, 0.5, True, dtype=np.float32)
    copy = eval(repr(network), {"RNN": refrnn.RNN})  # noqa: S307 - our own words
    assert repr(copy) == repr(network)
    assert {n: a.shape for n, a in copy.parameters.items()} == {
        n: a.shape for n, a in network.parameters.items()
    }


def test_a_size_that_nobody_can_mean_is_refused_and_a_large_one_is_not() -> None:
    assert _checks.size("num_layers", 10**9) == 10**9
    with pytest.raises(
        ValueError, match=r"^num_layers must be at most 1,000,000,000; got 1000000001\. Nothing of"
    ):
        refrnn.RNN(3, 4, 10**9 + 1)
