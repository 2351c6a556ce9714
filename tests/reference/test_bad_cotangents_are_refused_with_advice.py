"""Bad arguments of the backward pass are refused, with what was expected, what was given, and what to do."""

from typing import Any

import numpy as np
import pytest
from oracles.refusals import Refusal, complaints, named

import refrnn

T, B, I, H = 7, 5, 3, 4  # noqa: E741 - the letters of the formulas
RNG = np.random.default_rng(0)
X, H_0 = RNG.standard_normal((T, B, I)), RNG.standard_normal((1, B, H))
D_OUTPUT = RNG.standard_normal((T, B, H))


def rnn(*args: Any, **kwargs: Any) -> refrnn.RNN:
    """Build a network, of sizes I and H by default."""
    return refrnn.RNN(*(args or (I, H)), generator=np.random.default_rng(1), **kwargs)


def backward(network: refrnn.RNN | None = None, **arguments: Any) -> object:
    network = rnn() if network is None else network
    return network.backward(network.forward(X), **arguments)


BACKWARD = [
    Refusal(
        "no cotangent at all",
        backward,
        ValueError,
        "needs d_output, d_h_n or both | neither | Pass the gradient",
    ),
    Refusal(
        "d_output of one step less",
        lambda: backward(d_output=D_OUTPUT[1:]),
        ValueError,
        "d_output must have the shape (7, 5, 4) | (6, 5, 4) | reshape",
    ),
    Refusal(
        "d_output of the last step",
        lambda: backward(d_output=D_OUTPUT[-1]),
        ValueError,
        "(7, 5, 4) | (5, 4) | reshape",
    ),
    Refusal("a number as d_output", lambda: backward(d_output=1.0), ValueError, "(7, 5, 4) | () | broadcast"),
    Refusal(
        "d_output of one direction",
        lambda: backward(rnn(bidirectional=True), d_output=D_OUTPUT),
        ValueError,
        "(7, 5, 8) | (7, 5, 4) | reshape",
    ),
    Refusal(
        "d_output batch first",
        lambda: backward(d_output=D_OUTPUT.swapaxes(0, 1)),
        ValueError,
        "(7, 5, 4) | (5, 7, 4) | transpose",
    ),
    Refusal(
        "d_output in float32",
        lambda: backward(d_output=D_OUTPUT.astype(np.float32)),
        TypeError,
        "d_output must be float64 | float32 | astype",
    ),
    Refusal(
        "d_h_n without an axis for layers",
        lambda: backward(d_h_n=H_0[0]),
        ValueError,
        "d_h_n must have the shape (1, 5, 4) | (5, 4) | reshape",
    ),
    Refusal(
        "d_h_n of another batch",
        lambda: backward(d_h_n=H_0[:, :1]),
        ValueError,
        "(1, 5, 4) | (1, 1, 4) | broadcast",
    ),
    Refusal(
        "d_h_n in float32",
        lambda: backward(d_h_n=H_0.astype(np.float32)),
        TypeError,
        "d_h_n must be float64 | float32 | astype",
    ),
    Refusal(
        "truncation after 0 steps",
        lambda: backward(d_h_n=H_0, truncation=0),
        ValueError,
        "truncation must be at least 1 | 0 | .",
    ),
    Refusal(
        "negative truncation",
        lambda: backward(d_h_n=H_0, truncation=-3),
        ValueError,
        "truncation must be | -3 | .",
    ),
    Refusal(
        "fractional truncation",
        lambda: backward(d_h_n=H_0, truncation=2.5),
        TypeError,
        "truncation must be | 2.5 | whole number",
    ),
    Refusal(
        "truncation as a flag",
        lambda: backward(d_h_n=H_0, truncation=True),
        TypeError,
        "truncation must be | True | whole",
    ),
    Refusal(
        "the shares of no parameter",
        lambda: backward(d_h_n=H_0).step_contributions("weight_hh_l1"),
        ValueError,
        "name must be one of weight_ih_l0, weight_hh_l0 | 'weight_hh_l1' | parameter of this network",
    ),
    Refusal(
        "the shares of a bias that isn't there",
        lambda: backward(rnn(bias=False), d_h_n=H_0).step_contributions("bias_hh_l0"),
        ValueError,
        "name must be one of | 'bias_hh_l0' | parameter of this network",
    ),
]

REFUSALS = named(backward=BACKWARD)


@pytest.mark.parametrize("name", REFUSALS)
def test_is_refused_with_what_was_expected_what_was_given_and_what_to_do(name: str) -> None:
    assert complaints(REFUSALS[name]) == []


def test_a_network_meets_only_traces_of_its_own_kind() -> None:
    trace = rnn(bidirectional=True).forward(X)
    other = rnn(I, 2 * H)
    with pytest.raises(
        ValueError, match=r"^trace must be .*\(8, 3\).*; got .*_l0_reverse.*\. Pass what .*\.$"
    ):
        other.backward(trace, d_output=np.ones((T, B, 2 * H)))


def test_a_cotangent_with_rows_for_layers_that_the_trace_lacks_is_refused() -> None:
    trace, deeper = rnn(I, H).forward(X), rnn(I, H, 2)
    with pytest.raises(ValueError, match="must"):
        deeper.backward(trace, d_h_n=np.ones((2, B, H)))


@pytest.mark.parametrize("place", [(1, 0), (0, 1), (-1, 0)], ids=str)
def test_steps_of_a_layer_or_direction_that_is_not_there_are_refused_with_advice(
    place: tuple[int, int],
) -> None:
    trace = rnn().forward(X)
    gradients = rnn().backward(trace, D_OUTPUT)
    asked = [trace.hidden, trace.previous, gradients.d_h, gradients.d_a]
    for ask in (*asked, gradients.d_h_from_next, gradients.d_h_from_output):
        with pytest.raises(
            ValueError, match=rf"layer must be 0 to 0 .* got layer {place[0]} .*\. Count .*\.$"
        ):
            ask(*place)
    with pytest.raises(ValueError, match=r"layer must be 0 to 0 .* got layer 1 .*\."):
        trace.layer_input(1)


@pytest.mark.parametrize(
    "build",
    [
        lambda **options: refrnn.RNN(I, H, **options),
        lambda **options: refrnn.RNNCell(I, H, **options),
        lambda **options: refrnn.Linear(I, H, **options),
    ],
    ids=["RNN", "RNNCell", "Linear"],
)
def test_every_backward_pass_refuses_traces_of_another_kind(build: Any) -> None:
    x = X if isinstance(build(), refrnn.RNN) else X[0]
    for options in ({"bias": False}, {"dtype": np.float32}, {"dtype": np.longdouble}):
        other = build(**options)
        trace = other.forward(x.astype(other.dtype))
        with pytest.raises(ValueError, match=r"^trace must be that of .*; got one with .*\. Pass what .*\.$"):
            build().backward(trace, np.ones((*x.shape[:-1], H)))
    with pytest.raises(TypeError, match=r"^trace must be a \w*Trace; got NoneType\. Pass what forward"):
        build().backward(None, np.ones((*x.shape[:-1], H)))


def test_one_unit_does_not_meet_a_trace_of_several_by_broadcasting() -> None:
    trace = refrnn.RNNCell(I, H).forward(X[0])
    with pytest.raises(ValueError, match=r"weight_hh float64 \(1, 1\).* got one with .*\(4, 4\)"):
        refrnn.RNNCell(I, 1).backward(trace, np.ones((B, 1)))


def test_a_refused_trace_is_told_by_what_differs_alone() -> None:
    wider, longer = refrnn.RNN(I + 1, H).forward(np.ones((T, B, I + 1))), refrnn.RNN(I, H, 2).forward(X)
    with pytest.raises(
        ValueError, match=r"with weight_ih_l0 float64 \(4, 3\); got one with [^,]* \(4, 4\)\. Pass"
    ):
        rnn().backward(wider, D_OUTPUT)
    with pytest.raises(
        ValueError, match=r"with nothing more; got one with weight_ih_l1 .*bias_hh_l1 float64 \(4,\)\. Pass"
    ):
        rnn().backward(longer, D_OUTPUT)


def test_the_trace_of_earlier_parameters_is_good_whatever_they_are_now() -> None:
    network = rnn()
    trace = network.forward(X)
    before = network.backward(trace, D_OUTPUT)
    network.load_state_dict({name: 2 * array for name, array in network.parameters.items()})
    after = network.backward(trace, D_OUTPUT)
    for name, array in before.parameters.items():
        assert np.array_equal(array, after.parameters[name])
