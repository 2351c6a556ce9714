"""What a trace weighs, what may be written to, and what later changes can't reach."""

from typing import Any

import numpy as np
import pytest
from oracles import problems
from oracles.problems import Problem

import refrnn


def hidden_states(problem: Problem) -> int:
    """Bytes of all hidden states of a problem."""
    p = problem
    return p.layers * p.directions * p.steps * p.batch * p.hidden * np.dtype(p.dtype).itemsize


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize(
    "options",
    [
        {"steps": 10, "batch": 1},
        {"steps": 50, "batch": 32, "inputs": 64, "hidden": 128},
        {"steps": 20, "batch": 4, "layers": 3, "directions": 2},
        {"steps": 20, "batch": 4, "layers": 3, "lengths": (3, 20, 1, 7)},
        {"steps": 20, "batch": 4, "layers": 3, "directions": 2, "dropout": 0.5},
    ],
    ids=["short", "wide", "deep", "lengths", "dropout"],
)
def test_a_trace_weighs_at_most_one_and_a_half_times_its_hidden_states(
    options: dict[str, Any], dtype: type
) -> None:
    problem = problems.make(dtype=dtype, **options)
    rnn = problems.network(problem)
    generator = np.random.default_rng(0) if problem.dropout else None
    trace = rnn.forward(problem.x, problem.h_0, lengths=problem.lengths, generator=generator)
    assert hidden_states(problem) <= trace.nbytes <= 1.5 * hidden_states(problem)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("lengths", [None, (5, 20, 17, 20)], ids=["whole", "lengths"])
def test_the_weight_that_a_trace_reports_is_what_it_holds(
    lengths: tuple[int, ...] | None, dropout: float
) -> None:
    problem = problems.make(steps=20, batch=4, layers=2, directions=2, lengths=lengths, dropout=dropout)
    generator = np.random.default_rng(0)
    trace = problems.network(problem).forward(problem.x, problem.h_0, lengths=lengths, generator=generator)
    foreign = [
        problem.x,
        *buffers(trace.stack_trace.stack),
    ]  # the parameters, as they are and as scans read them
    owned = sum(array.nbytes for array in buffers(trace) if not shares(array, foreign))
    assert trace.nbytes == owned


def shares(array: np.ndarray, others: list[np.ndarray]) -> bool:
    return any(np.shares_memory(array, other) for other in others)


def buffers(value: Any) -> list[np.ndarray]:
    """Find every distinct array that a value holds, through dataclasses, mappings and sequences."""
    found: dict[int, np.ndarray] = {}
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, np.ndarray):
            while isinstance(item.base, np.ndarray):
                item = item.base
            found[id(item)] = item
        elif hasattr(item, "__dataclass_fields__"):
            todo += [getattr(item, name) for name in item.__dataclass_fields__]
        elif hasattr(item, "items"):
            todo += [part for _, part in item.items()]
        elif isinstance(item, (list, tuple)):
            todo += list(item)
    return list(found.values())


def test_buffers_finds_what_is_held_once() -> None:
    array = np.zeros(10)
    assert sum(a.nbytes for a in buffers({"a": [array, array[2:]], "b": (np.ones(5),)})) == 120


def every_array_of(trace: refrnn.Trace, problem: Problem) -> list[np.ndarray]:
    arrays = [trace.output, trace.h_n]
    for place in problem.places:
        arrays += [trace.hidden(*place), trace.previous(*place), trace.layer_input(place[0])]
    return arrays


@pytest.mark.parametrize("layout", ["time first", "batch first", "unbatched"])
def test_everything_a_trace_shows_is_read_only(layout: str) -> None:
    batch = 1 if layout == "unbatched" else 5
    problem = problems.make(layers=2, directions=2, layout=layout, batch=batch)
    trace, _ = problems.run(problem)
    for array in every_array_of(trace, problem):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_trace_and_its_gradients_can_not_be_reassigned() -> None:
    trace, gradients = problems.run(problems.make())
    with pytest.raises(AttributeError):
        trace.stack_trace = None  # type: ignore[misc, assignment]
    with pytest.raises(AttributeError):
        gradients.trace = None  # type: ignore[misc, assignment]


def test_parameters_are_read_only_and_can_only_be_replaced_as_a_whole() -> None:
    rnn = refrnn.RNN(3, 4, generator=np.random.default_rng(0))
    for array in rnn.parameters.values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(TypeError):
        rnn.parameters["weight_ih_l0"] = np.zeros((4, 3))  # type: ignore[index]
    with pytest.raises(AttributeError):
        rnn.parameters = {}  # type: ignore[misc]


def test_a_state_dict_is_a_copy_in_both_directions() -> None:
    rnn = refrnn.RNN(3, 4, generator=np.random.default_rng(0))
    before = {name: array.copy() for name, array in rnn.parameters.items()}
    state = rnn.state_dict()
    for array in state.values():
        array[...] += 1
    assert all(np.array_equal(rnn.parameters[name], array) for name, array in before.items())
    rnn.load_state_dict(state)
    for array in state.values():
        array[...] += 1
    assert all(np.array_equal(rnn.parameters[name], array + 1) for name, array in before.items())


def test_a_refused_state_leaves_all_parameters_as_they_were() -> None:
    rnn = refrnn.RNN(3, 4, generator=np.random.default_rng(0))
    before = rnn.state_dict()
    bad = {name: array + 1 for name, array in before.items()} | {"bias_hh_l0": np.zeros(3)}
    with pytest.raises(ValueError, match="bias_hh_l0"):
        rnn.load_state_dict(bad)
    assert all(np.array_equal(rnn.parameters[name], array) for name, array in before.items())


def gradients_of(gradients: refrnn.Gradients, problem: Problem) -> dict[str, np.ndarray]:
    found = {"x": gradients.x, "h_0": gradients.h_0, **gradients.parameters}
    for place in problem.places:
        found[f"d_h {place}"] = gradients.d_h(*place)
        found[f"from output {place}"] = gradients.d_h_from_output(*place)
        found[f"from next {place}"] = gradients.d_h_from_next(*place)
        found[f"d_a {place}"] = gradients.d_a(*place)
    for name in problem.weights:
        found[f"share in {name}"] = gradients.step_contributions(name)
    return {name: array.copy() for name, array in found.items()}


def equal(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> bool:
    return set(found) == set(expected) and all(np.array_equal(found[n], expected[n]) for n in found)


def test_loading_other_parameters_later_does_not_reach_an_earlier_trace() -> None:
    problem = problems.make(layers=2, directions=2)
    rnn = problems.network(problem)
    trace = rnn.forward(problem.x, problem.h_0)
    before = gradients_of(rnn.backward(trace, problem.d_output, problem.d_h_n), problem)
    rnn.load_state_dict({name: array + 1 for name, array in problem.weights.items()})
    after = gradients_of(rnn.backward(trace, problem.d_output, problem.d_h_n), problem)
    assert equal(after, before)
    new = rnn.forward(problem.x, problem.h_0)
    assert not equal(gradients_of(rnn.backward(new, problem.d_output), problem), before)


@pytest.mark.parametrize("layout", ["time first", "batch first", "unbatched"])
@pytest.mark.parametrize("layers", [1, 2])
def test_changing_the_cotangents_later_does_not_reach_the_gradients(layout: str, layers: int) -> None:
    problem = problems.make(layers=layers, layout=layout, batch=1 if layout == "unbatched" else 5)
    rnn = problems.network(problem)
    x, h_0 = problems.to_layout(problem.x, layout), problems.to_state(problem.h_0, layout)
    d_output, d_h_n = problems.to_layout(problem.d_output, layout), problems.to_state(problem.d_h_n, layout)
    assert d_output is not None
    assert d_h_n is not None
    d_output, d_h_n = d_output.copy(), d_h_n.copy()
    gradients = rnn.backward(rnn.forward(x, h_0), d_output, d_h_n)
    before = gradients_of(gradients, problem)
    d_output[...] = 7
    d_h_n[...] = 7
    assert equal(gradients_of(gradients, problem), before)


def test_changing_h_0_lengths_or_masks_later_does_not_reach_the_trace() -> None:
    problem = problems.make(layers=2, dropout=0.5, lengths=(3, 7, 1, 3, 5))
    rnn, lengths = problems.network(problem), np.array(problem.lengths)
    masks = np.random.default_rng(0).random((1, 7, 5, 4)) >= 0.5
    assert problem.h_0 is not None
    h_0 = problem.h_0.copy()
    trace = rnn.forward(problem.x, h_0, lengths=lengths, dropout_masks=masks)
    before = gradients_of(rnn.backward(trace, problem.d_output, problem.d_h_n), problem)
    output = trace.output.copy()
    h_0[...] = 7
    lengths[...] = 1
    masks[...] = False
    assert np.array_equal(trace.output, output)
    assert equal(gradients_of(rnn.backward(trace, problem.d_output, problem.d_h_n), problem), before)


def test_backward_twice_over_one_trace_gives_the_same_bit_by_bit() -> None:
    problem = problems.make(layers=2, directions=2, dropout=0.5)
    rnn = problems.network(problem)
    trace = rnn.forward(problem.x, problem.h_0, generator=np.random.default_rng(0))
    first, second = (
        gradients_of(rnn.backward(trace, problem.d_output, problem.d_h_n), problem) for _ in range(2)
    )
    assert equal(first, second)
    assert not equal(first, second | {"x": second["x"] + 1})


def every_array_of_gradients(gradients: refrnn.Gradients, problem: Problem) -> list[np.ndarray]:
    arrays = [gradients.x, gradients.h_0, *gradients.parameters.values()]
    arrays += [gradients.step_contributions(name) for name in problem.weights]
    told = (gradients.d_h, gradients.d_h_from_output, gradients.d_h_from_next, gradients.d_a)
    return arrays + [tell(*place) for place in problem.places for tell in told]


@pytest.mark.parametrize("layout", ["time first", "batch first", "unbatched"])
@pytest.mark.parametrize(("layers", "directions"), [(1, 1), (2, 2)])
def test_everything_gradients_show_is_read_only(layout: str, layers: int, directions: int) -> None:
    batch = 1 if layout == "unbatched" else 5
    problem = problems.make(layers=layers, directions=directions, layout=layout, batch=batch)
    _, gradients = problems.run(problem)
    for array in every_array_of_gradients(gradients, problem):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_what_a_model_is_told_of_its_rnn_is_read_only_too() -> None:
    model = refrnn.SequenceModel(refrnn.RNN(3, 4), refrnn.Linear(4, 1))
    found = model.gradients(np.ones((7, 5, 3)), np.zeros((5, 1)))
    for array in (found.x, found.h_0, found.parameters["rnn.weight_hh_l0"]):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_changing_the_table_of_gradients_does_not_change_the_gradients() -> None:
    _, gradients = problems.run(problems.make())
    gradients.parameters.clear()
    assert list(gradients.parameters) == ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]


def test_the_output_of_one_direction_is_no_copy_of_its_states() -> None:
    problem = problems.make(layers=2)
    trace = problems.network(problem).forward(problem.x, problem.h_0)
    assert np.shares_memory(trace.output, trace.hidden(1))


def test_the_two_bias_gradients_are_separate_arrays() -> None:
    _, gradients = problems.run(problems.make())
    ih, hh = (gradients.parameters[f"bias_{kind}_l0"] for kind in ("ih", "hh"))
    assert not np.shares_memory(ih, hh)
