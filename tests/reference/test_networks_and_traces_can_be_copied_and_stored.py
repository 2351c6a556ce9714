"""Networks, traces and gradients survive pickling and copying: the same numbers, read-only, nothing shared."""

import copy
import pickle
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pytest

from refrnn import RNN, Gradients, Linear, RNNCell, SequenceModel, Trace

V = TypeVar("V")
X = np.random.default_rng(0).standard_normal((4, 3, 2))
RNN_OPTIONS: dict[str, Any] = {"num_layers": 2, "bidirectional": True, "dropout": 0.5}

ROUTES: dict[str, Callable[[Any], Any]] = {
    "copy.deepcopy": copy.deepcopy,
    **{
        f"pickle protocol {n}": lambda value, n=n: pickle.loads(pickle.dumps(value, n))  # noqa: S301 - our own
        for n in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
}
every_route = pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)


def rnn() -> RNN:
    return RNN(2, 5, generator=np.random.default_rng(1), **RNN_OPTIONS)


def parts() -> tuple[RNN, Trace, Gradients]:
    network = rnn()
    trace = network.forward(X, lengths=[4, 2, 3], generator=np.random.default_rng(2))
    return network, trace, network.backward(trace, np.ones((4, 3, 10)))


def model() -> SequenceModel:
    return SequenceModel(
        RNN(2, 5, generator=np.random.default_rng(1)),
        Linear(5, 1, generator=np.random.default_rng(2)),
        frozen=["rnn.bias_hh_l0"],
    )


MAKERS: dict[str, Callable[[], Any]] = {
    "RNN": rnn,
    "RNNCell": lambda: RNNCell(2, 5, bias=False, generator=np.random.default_rng(1)),
    "Linear": lambda: Linear(2, 5, generator=np.random.default_rng(1)),
    "SequenceModel": model,
}
every_network = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@every_route
@every_network
def test_a_copy_has_the_same_parameters_and_its_own(make: Callable[[], Any], route: Callable[[V], V]) -> None:
    network = make()
    copied = route(network)
    assert repr(copied.state_dict()) == repr(network.state_dict())
    assert list(copied.parameters) == list(network.parameters)
    for name, array in copied.parameters.items():
        assert not array.flags.writeable
        assert not np.shares_memory(array, network.parameters[name])


@every_route
@pytest.mark.parametrize("make", [MAKERS[name] for name in ("RNN", "RNNCell", "Linear")])
def test_parameters_of_a_copy_can_be_replaced_only_as_a_whole(
    make: Callable[[], Any], route: Callable[[V], V]
) -> None:
    with pytest.raises(TypeError, match="item assignment"):
        route(make()).parameters["weight"] = np.zeros(1)


@every_route
def test_a_copied_network_computes_the_same_and_can_be_trained_alone(route: Callable[[V], V]) -> None:
    network = model()
    copied = route(network)
    assert np.array_equal(copied.predict(X), network.predict(X))
    before = network.predict(X)
    copied.train([(X, np.ones((3, 1)))], epochs=2, learning_rate=0.1)
    assert np.array_equal(network.predict(X), before)
    assert not np.array_equal(copied.predict(X), before)
    assert copied.frozen == network.frozen


@every_route
def test_copied_traces_and_gradients_show_the_same_steps(route: Callable[[V], V]) -> None:
    _, trace, gradients = parts()
    for shown, copied in ((trace, route(trace)), (gradients.trace, route(gradients).trace)):
        assert np.array_equal(copied.output, shown.output)
        assert np.array_equal(copied.hidden(1, 1), shown.hidden(1, 1))
        assert np.array_equal(copied.layer_input(1), shown.layer_input(1))
        assert not copied.hidden(0).flags.writeable
        assert not np.shares_memory(copied.hidden(0), shown.hidden(0))
    found = route(gradients)
    assert np.array_equal(found.x, gradients.x)
    for name, array in gradients.parameters.items():
        assert np.array_equal(found.parameters[name], array)
        assert np.array_equal(found.step_contributions(name), gradients.step_contributions(name))


@every_route
def test_a_copied_trace_is_carried_back_by_its_own_network_and_by_the_copied_one(
    route: Callable[[V], V],
) -> None:
    network, trace, gradients = parts()
    copied, followed = route((network, trace))
    assert followed.stack_trace.stack.parameters is copied.parameters
    for carrier, carried in ((network, followed), (copied, trace), (copied, followed)):
        again = carrier.backward(carried, np.ones((4, 3, 10)))
        assert np.array_equal(again.parameters["weight_hh_l1"], gradients.parameters["weight_hh_l1"])


@every_route
def test_weights_inside_a_copied_trace_are_those_of_its_parameters_and_read_only(
    route: Callable[[V], V],
) -> None:
    stack = route(parts()[1]).stack_trace.stack
    for (layer, d), weights in stack.weights.items():
        name = f"weight_hh_l{layer}" + d * "_reverse"
        assert np.shares_memory(weights.hh, stack.parameters[name])
        assert not weights.hh.flags.writeable


def test_parameters_can_still_be_joined_with_other_mappings() -> None:
    held = Linear(2, 1).parameters
    assert list(held | {"more": X}) == ["weight", "bias", "more"]
    assert list({"more": X} | held) == ["more", "weight", "bias"]
