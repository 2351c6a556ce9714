"""What a refusal of input advises works, and input that is right is taken in every form."""

from typing import Any

import numpy as np
import pytest
import torch

import refrnn

T, B, I, H = 7, 5, 3, 4  # noqa: E741 - the letters of the formulas
RNG = np.random.default_rng(0)
X, H_0 = RNG.standard_normal((T, B, I)), RNG.standard_normal((1, B, H))


def rnn(*args: Any, **kwargs: Any) -> refrnn.RNN:
    """Build a network, of sizes I and H by default."""
    return refrnn.RNN(*(args or (I, H)), generator=np.random.default_rng(1), **kwargs)


# What is advised has to work


@pytest.mark.parametrize("dtype", [int, bool, np.float16, complex], ids=lambda dtype: np.dtype(dtype).name)
def test_no_message_advises_a_dtype_that_the_network_can_not_have(dtype: type) -> None:
    data = np.ones((T, B, I), dtype)
    weights = np.ones((4, 4), dtype) * (1j if dtype is complex else 1)
    for network_dtype in (np.float32, np.float64):
        network = rnn(dtype=network_dtype)
        state_dict = network.state_dict() | {"weight_hh_l0": weights}
        messages = []
        for call in (lambda n=network: n(data), lambda n=network, s=state_dict: n.load_state_dict(s)):
            try:
                call()
            except TypeError as error:
                messages.append(str(error))
        assert messages
        for message in messages:
            assert f"dtype='{np.dtype(dtype)}'" not in message


@pytest.mark.parametrize(
    "ragged", [[[1.0, 2.0, 3.0], [1.0]], [[[1.0, 2.0, 3.0]], [[1.0]]]], ids=["2-D", "3-D"]
)
def test_ragged_lists_are_refused_with_advice(ragged: list[object]) -> None:
    advice = r".*; got list whose parts differ in length\. Pad .*\.$"
    with pytest.raises(TypeError, match=r"^x must" + advice):
        rnn()(ragged)
    with pytest.raises(TypeError, match=r"^h_0 must" + advice):
        rnn()(X, ragged)
    with pytest.raises(TypeError, match=r"^lengths must" + advice):
        rnn()(X, lengths=[[1, 2], [3]])
    with pytest.raises(TypeError, match=r"^y must" + advice):
        refrnn.squared_error(ragged, X)
    with pytest.raises(TypeError, match=r"^class_ids must" + advice):
        refrnn.cross_entropy(X, ragged)


def test_precision_is_called_lost_only_where_it_is() -> None:
    for given, network, lossy in (
        (np.float16, np.float32, False),
        (np.float32, np.float64, False),
        (">f8", np.float64, False),
        (np.float64, np.float32, True),
        (">f8", np.float32, True),
    ):
        with pytest.raises(TypeError, match=r"^x must be .*\.$") as refused:
            rnn(dtype=network)(X.astype(given))
        assert ("digits would be lost" in str(refused.value)) == lossy
        rnn(dtype=network)(X.astype(given).astype(network))  # as advised


def test_a_message_names_what_has_the_dtype_that_is_asked_for() -> None:
    narrow = np.ones(2, np.float32)
    with pytest.raises(TypeError, match=r"the dtype of y; .* lost.* give y dtype='float64'") as of_y:
        refrnn.squared_error(narrow, np.ones(2))
    with pytest.raises(TypeError, match="the dtype of the parameter; got float32") as of_parameter:
        refrnn.sgd({"w": np.ones(2)}, {"w": narrow}, 0.1)
    with pytest.raises(ValueError, match=r"target must have the shape .* belongs to y") as of_shape:
        refrnn.squared_error(narrow, narrow[:1])
    assert not any("network" in str(refused.value) for refused in (of_y, of_parameter, of_shape))


# What is right is not refused


@pytest.mark.parametrize("kind", [list, tuple, np.int32, np.uint8, torch.tensor])
def test_lengths_may_come_in_any_form_of_whole_numbers(kind: Any) -> None:
    lengths = [7, 3, 3, 1, 5]
    given = np.array(lengths, kind) if kind in (np.int32, np.uint8) else kind(lengths)
    assert np.array_equal(rnn()(X, lengths=given)[0], rnn()(X, lengths=lengths)[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_plain_python_numbers_take_on_the_network_s_dtype(dtype: type) -> None:
    network, x = rnn(dtype=dtype), [[0.1, 2, -3], (4, 5.5, 2**20)]
    output, _ = network(x)
    assert output.dtype == dtype
    assert np.array_equal(output, network(np.array(x, dtype))[0])


def test_a_list_of_arrays_of_the_network_s_dtype_is_taken() -> None:
    network = rnn(dtype=np.float32)
    x = X.astype(np.float32)
    assert np.array_equal(network(list(x))[0], network(x)[0])


def test_nan_in_x_is_data_and_not_an_error() -> None:
    x = X.copy()
    x[0, 0, 0] = np.nan
    assert np.isnan(rnn()(x)[0][:, 0]).all()
