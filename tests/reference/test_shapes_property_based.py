"""Laws that hold for every size and option, tried on whatever hypothesis draws."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import problems
from oracles.closeness import assert_agree, assert_close
from oracles.problems import Problem, from_layout, gradient_key
from oracles.rounding import KinkError, bounds

import refrnn


@st.composite
def drawn_problems(
    draw: st.DrawFn, *, batched: bool = False, lengths: bool = True, dropout: bool = True
) -> Problem:
    """Draw any problem; tanh throughout where a law needs bounds that a kink of relu would spoil."""
    layouts = ["time first", "batch first"] + ["unbatched"] * (not batched)
    layout = draw(st.sampled_from(layouts))
    batch = 1 if layout == "unbatched" else draw(st.integers(1, 4))
    steps, layers = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    some = lengths and layout != "unbatched" and draw(st.booleans())
    each = st.tuples(*[st.integers(1, steps)] * batch)
    dropped = dropout and layers > 1 and draw(st.booleans())
    problem = problems.make(
        seed=draw(st.integers(0, 2**16)),
        steps=steps,
        batch=batch,
        inputs=draw(st.integers(1, 5)),
        hidden=draw(st.integers(1, 5)),
        layers=layers,
        directions=draw(st.integers(1, 2)),
        nonlinearity=draw(st.sampled_from(["tanh", "relu"])),
        bias=draw(st.booleans()),
        initial=draw(st.booleans()),
        layout=layout,
        lengths=draw(each) if some else None,
        dropout=draw(st.sampled_from([0.25, 0.5, 1.0])) if dropped else 0.0,
        truncation=draw(st.none() | st.integers(1, 7)),
    )
    if not dropped:
        return problem
    shape = (layers - 1, steps, batch, problem.directions * problem.hidden)
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    return problem.but(masks=rng.random(shape) >= problem.dropout)


def limits_of(problem: Problem) -> Any:
    """Bounds on the rounding of a problem, or None where it lies on a kink of relu."""
    try:
        return bounds(problem)
    except KinkError:
        return None


@given(drawn_problems())
def test_every_array_has_the_shape_and_the_dtype_that_it_should(problem: Problem) -> None:
    p = problem
    trace, gradients = problems.run(p)
    single = p.layout == "unbatched"
    batch = () if single else (p.batch,)
    width, states = p.directions * p.hidden, p.layers * p.directions
    lead = (p.batch, p.steps) if p.layout == "batch first" else (p.steps, *batch)
    assert trace.output.shape == (*lead, width)
    assert gradients.x.shape == (*lead, p.inputs)
    assert trace.h_n.shape == gradients.h_0.shape == (states, *batch, p.hidden)
    assert {n: a.shape for n, a in gradients.parameters.items()} == {n: a.shape for n, a in p.weights.items()}
    assert list(gradients.parameters) == list(p.weights)
    per_step = (p.steps, p.batch, p.hidden)
    for place in p.places:
        read = trace.layer_input(place[0])
        assert read.shape == (p.steps, p.batch, p.width(place[0]))
        arrays = (
            trace.hidden(*place),
            trace.previous(*place),
            gradients.d_h(*place),
            gradients.d_h_from_output(*place),
            gradients.d_h_from_next(*place),
            gradients.d_a(*place),
        )
        assert {array.shape for array in arrays} == {per_step}
        assert {array.dtype for array in arrays} == {np.dtype(np.float64)}
    for name, weight in p.weights.items():
        assert gradients.step_contributions(name).shape == (p.steps, *weight.shape)


@given(drawn_problems())
def test_calling_gives_output_and_h_n_of_the_trace(problem: Problem) -> None:
    rnn, p = problems.network(problem), problem
    x, h_0 = problems.to_layout(p.x, p.layout), problems.to_state(p.h_0, p.layout)
    output, h_n = rnn(x, h_0, lengths=p.lengths, dropout_masks=p.masks)
    trace, _ = problems.run(problem)
    assert np.array_equal(output, trace.output)
    assert np.array_equal(h_n, trace.h_n)
    output[...] = 0  # they are the caller's own
    h_n[...] = 0


def row(problem: Problem, b: int) -> Problem:
    """One sample of a problem, cut to its length, as a problem of its own."""
    length = problem.steps if problem.lengths is None else problem.lengths[b]

    def state(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else array[:, b : b + 1]

    def sequence(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else array[:length, b : b + 1]

    return problem.but(
        batch=1,
        steps=length,
        lengths=None,
        x=sequence(problem.x),
        d_output=sequence(problem.d_output),
        h_0=state(problem.h_0),
        d_h_n=state(problem.d_h_n),
        masks=None if problem.masks is None else problem.masks[:, :length, b : b + 1],
    )


@given(drawn_problems(batched=True))
def test_every_row_of_a_batch_equals_the_single_run(problem: Problem) -> None:
    limits = limits_of(problem)
    if limits is None:
        return
    whole = problems.observe(problem)
    summed: dict[str, Any] = dict.fromkeys(map(gradient_key, problem.weights), 0)
    for b in range(problem.batch):
        single = row(problem, b)
        alone = problems.observe(single)
        for name in ("output", gradient_key("x")):
            name_limits = limits[name][: single.steps, b : b + 1]
            found = whole[name][: single.steps, b : b + 1]
            close(name, found, alone[name], 2 * name_limits.error)
            assert np.all(whole[name][single.steps :, b] == 0)
        for name in ("h_n", gradient_key("h_0")):
            close(name, whole[name][:, b : b + 1], alone[name], 2 * limits[name][:, b : b + 1].error)
        summed = {name: total + alone[name] for name, total in summed.items()}
    for name, total in summed.items():
        close(name, whole[name], total, 2 * limits[name].error)


def close(name: str, found: np.ndarray, expected: np.ndarray, bound: np.ndarray) -> None:
    # drawn problems may be degenerate, so that bounds aren't asked to tell much: sizes count as unknown
    assert_close(name, found, expected, bound, size=np.zeros(1))


def agree_to_rounding(problem: Problem, other: Problem) -> None:
    """Assert that two forms of one problem agree; another order in memory may round differently."""
    limits = limits_of(problem)
    found, expected = problems.observe(problem), problems.observe(other)
    assert set(found) == set(expected)
    for name, array in found.items():
        if limits is not None:
            close(name, array, expected[name], 2 * limits[name].error)
        assert array.shape == expected[name].shape


@given(drawn_problems(batched=True))
def test_batch_first_is_the_same_computation_transposed(problem: Problem) -> None:
    agree_to_rounding(problem.but(layout="batch first"), problem.but(layout="time first"))


@given(drawn_problems(batched=True, lengths=False))
def test_one_unbatched_sample_is_a_batch_of_one(problem: Problem) -> None:
    single = row(problem, 0).but(layout="time first")
    agree_to_rounding(single.but(layout="unbatched"), single)


@given(drawn_problems())
def test_zero_cotangents_give_gradients_of_exactly_zero(problem: Problem) -> None:
    assert problem.d_output is not None
    assert problem.d_h_n is not None
    nothing = problem.but(d_output=problem.d_output * 0, d_h_n=problem.d_h_n * 0)
    for name, array in problems.observe(nothing).items():
        if name.startswith("gradient"):
            assert np.all(array == 0), name


@given(drawn_problems())
def test_lengths_of_t_for_all_change_nothing(problem: Problem) -> None:
    if problem.layout == "unbatched":
        return
    problem = problem.but(x=np.nan_to_num(problem.x), d_output=np.nan_to_num(problem.d_output))
    whole = problem.but(lengths=None)
    agree_to_rounding(problem.but(lengths=(problem.steps,) * problem.batch), whole)


@given(drawn_problems(), st.sampled_from([-2.0, 0.5, 1024.0]))
def test_backward_scales_with_its_cotangents(problem: Problem, factor: float) -> None:
    """Powers of two round nothing, so that both sides are equal bit by bit."""
    assert problem.d_output is not None
    assert problem.d_h_n is not None
    scaled = problem.but(d_output=factor * problem.d_output, d_h_n=factor * problem.d_h_n)
    once, again = problems.observe(problem), problems.observe(scaled)
    for name, array in once.items():
        expected = factor * array if name.startswith("gradient") else array
        assert np.array_equal(again[name], expected), name


@given(drawn_problems())
def test_gradients_of_two_cotangents_add_up(problem: Problem) -> None:
    limits = limits_of(problem)
    if limits is None:
        return
    output_alone, h_n_alone = problem.but(d_h_n=None), problem.but(d_output=None)
    parts = [problems.observe(part) for part in (output_alone, h_n_alone)]
    part_limits = [bounds(part) for part in (output_alone, h_n_alone)]
    for name, array in problems.observe(problem).items():
        if name.startswith("gradient"):
            total = parts[0][name] + parts[1][name]
            bound = limits[name].error + part_limits[0][name].error + part_limits[1][name].error
            bound = bound + np.finfo(np.float64).eps / 2 * np.abs(total)  # the sum above is rounded too
            close(name, array, total, bound)


@given(drawn_problems())
def test_nothing_that_is_passed_in_is_changed(problem: Problem) -> None:
    fields = {
        name: array
        for name in ("x", "h_0", "d_output", "d_h_n", "masks")
        if (array := getattr(problem, name)) is not None
    } | problem.weights
    before = {name: array.copy() for name, array in fields.items()}
    for array in fields.values():
        array.flags.writeable = False
    lengths = None if problem.lengths is None else list(problem.lengths)
    problems.run(problem)
    for name, array in fields.items():
        assert np.array_equal(array, before[name], equal_nan=True), name
    assert lengths is None or tuple(lengths) == problem.lengths


@given(drawn_problems())
def test_nothing_that_comes_out_shares_memory_with_what_went_in(problem: Problem) -> None:
    p, rnn = problem, problems.network(problem)
    x, h_0 = problems.to_layout(p.x, p.layout), problems.to_state(p.h_0, p.layout)
    d_output, d_h_n = problems.to_layout(p.d_output, p.layout), problems.to_state(p.d_h_n, p.layout)
    given_in = [a for a in (x, h_0, d_output, d_h_n, p.masks, *p.weights.values()) if a is not None]
    given_in += list(rnn.parameters.values())
    called = rnn(x, h_0, lengths=p.lengths, dropout_masks=p.masks)
    trace = rnn.forward(x, h_0, lengths=p.lengths, dropout_masks=p.masks)
    gradients = rnn.backward(trace, d_output, d_h_n, truncation=p.truncation)
    coming_out = [*called, trace.output, trace.h_n, gradients.x, gradients.h_0]
    coming_out += [*gradients.parameters.values(), *rnn.state_dict().values()]
    for place in p.places:
        coming_out += [
            trace.hidden(*place),
            trace.previous(*place),
            gradients.d_h(*place),
            gradients.d_h_from_output(*place),
            gradients.d_h_from_next(*place),
            gradients.d_a(*place),
        ]
    for array in coming_out:
        assert not any(np.shares_memory(array, other) for other in given_in)


@given(drawn_problems(batched=True))
def test_memory_order_of_the_input_changes_nothing_but_rounding(problem: Problem) -> None:
    d_output = np.asfortranarray(problem.d_output)
    agree_to_rounding(problem.but(x=np.asfortranarray(problem.x), d_output=d_output), problem)


@given(drawn_problems(lengths=False, dropout=False))
def test_lists_are_taken_like_arrays(problem: Problem) -> None:
    rnn = problems.network(problem)
    x = problems.to_layout(problem.x, problem.layout)
    assert x is not None
    output, h_n = rnn(x.tolist())
    again, final = rnn(x)
    assert np.array_equal(output, again)
    assert np.array_equal(h_n, final)


@pytest.mark.parametrize("given", ["d_output", "d_h_n"])
def test_single_precision_stays_single_whichever_cotangent_is_given(given: str) -> None:
    rnn = refrnn.RNN(3, 4, 2, bidirectional=True, dtype=np.float32)
    trace = rnn.forward(np.ones((7, 5, 3), np.float32).tolist(), np.ones((4, 5, 4)).tolist())
    shape = {"d_output": (7, 5, 8), "d_h_n": (4, 5, 4)}[given]
    gradients = rnn.backward(trace, **{given: np.ones(shape).tolist()})
    shown = (gradients.d_h(1), gradients.d_h_from_output(1), gradients.d_h_from_next(1), gradients.d_a(1))
    assert {array.dtype for array in (*shown, gradients.x, gradients.h_0)} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("batch_first", "shape", "kind"),
    [
        (False, (7, 5, 3), "time first"),
        (True, (5, 7, 3), "batch first"),
        (False, (7, 3), "unbatched"),
        (True, (7, 3), "unbatched"),
    ],
)
def test_a_trace_tells_the_layout_of_its_call(batch_first: bool, shape: tuple[int, ...], kind: str) -> None:  # noqa: FBT001
    trace = refrnn.RNN(3, 4, batch_first=batch_first).forward(np.ones(shape))
    assert trace.layout == refrnn.Layout(kind)


def test_the_laws_can_fail() -> None:
    problem = problems.make(batch=3, layers=2)
    limits, whole = bounds(problem), problems.observe(problem)
    other = problems.observe(row(problem, 1))
    with pytest.raises(AssertionError, match="more than rounding"):
        close("h_n", whole["h_n"][:, :1], other["h_n"], 2 * limits["h_n"][:, :1].error)
    swapped, output = {"output": whole["output"][:, ::-1]}, {"output": whole["output"]}
    with pytest.raises(AssertionError, match="more than rounding"):
        assert_agree(swapped, output, limits)
    rnn = refrnn.RNN(3, 4)
    trace = rnn.forward(problem.x)
    assert np.shares_memory(trace.layer_input(0), problem.x)  # a view, as the docstring of forward says
    assert not np.array_equal(from_layout(whole["output"], "batch first"), whole["output"])
