"""The reference and the real torch, on equal weights: every quantity, within what rounding explains."""

from typing import Any

import numpy as np
import pytest
import torch
from oracles import problems, with_torch
from oracles.closeness import assert_agree
from oracles.problems import Problem, gradient_key
from oracles.rounding import bounds

import refrnn
from refrnn._packing import BLOCK

LENGTHS = {
    "unsorted with ties": (3, 7, 1, 3, 5),
    "the longest first, the rest unsorted": (7, 3, 5, 1, 3),
    "all of them 1": (1,) * 5,
    "all of them T": (7,) * 5,
}
LAYOUTS = [
    ("time first", None),
    ("batch first", None),
    ("unbatched", None),
    ("time first", LENGTHS["unsorted with ties"]),
    ("batch first", LENGTHS["unsorted with ties"]),
]
COTANGENTS = {
    "both": {},
    "output alone": {"d_h_n": None},
    "h_n alone": {"d_output": None},
}


def lay_out(layout: str, lengths: tuple[int, ...] | None) -> str:
    return layout + (" with lengths" if lengths else "")


def problem_of(layout: str, lengths: tuple[int, ...] | None, **options: object) -> Problem:
    batch = 1 if layout == "unbatched" else 5
    return problems.make(layout=layout, lengths=lengths, batch=batch, **options)


@pytest.mark.parametrize("given", [True, False], ids=["h_0", "no h_0"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(("layout", "lengths"), LAYOUTS, ids=[lay_out(*case) for case in LAYOUTS])
@pytest.mark.parametrize("bias", [True, False], ids=["biases", "no biases"])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("directions", [1, 2], ids=["one direction", "two directions"])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_outputs_and_all_gradients_agree(
    layers: int,
    directions: int,
    nonlinearity: str,
    bias: bool,  # noqa: FBT001
    layout: str,
    lengths: tuple[int, ...] | None,
    dtype: type,
    given: bool,  # noqa: FBT001
) -> None:
    problem = problem_of(
        layout,
        lengths,
        layers=layers,
        directions=directions,
        nonlinearity=nonlinearity,
        bias=bias,
        dtype=dtype,
        initial=given,
    )
    # which of the cotangents is there alternates over the cases, so that each meets every option
    turn = layers + directions + bias + (nonlinearity == "tanh") + (dtype is np.float32) + given
    problem = problem.but(**list(COTANGENTS.values())[turn % 3])
    assert_agree(problems.observe(problem), with_torch.observe(problem), bounds(problem))


@pytest.mark.parametrize("cotangents", COTANGENTS)
@pytest.mark.parametrize("lengths", [None, *LENGTHS.values()], ids=["no lengths", *LENGTHS])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_every_choice_of_cotangents_agrees_for_every_kind_of_lengths(
    cotangents: str, lengths: tuple[int, ...] | None, nonlinearity: str
) -> None:
    problem = problems.make(layers=2, directions=2, lengths=lengths, nonlinearity=nonlinearity)
    problem = problem.but(**COTANGENTS[cotangents])
    assert_agree(problems.observe(problem), with_torch.observe(problem), bounds(problem))


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("batch", [1, 5])
def test_the_shortest_sequences_and_single_samples_agree(steps: int, batch: int) -> None:
    problem = problems.make(steps=steps, batch=batch, layers=2, directions=2)
    assert_agree(problems.observe(problem), with_torch.observe(problem), bounds(problem))


@pytest.mark.parametrize("bias", [True, False], ids=["biases", "no biases"])
def test_sequences_of_several_blocks_agree(bias: bool) -> None:  # noqa: FBT001
    problem = problems.make(steps=2 * BLOCK + 3, batch=2, layers=2, directions=2, bias=bias)
    assert_agree(problems.observe(problem), with_torch.observe(problem), bounds(problem))


@pytest.mark.parametrize(
    "lengths",
    [(2 * BLOCK + 3, BLOCK + 1), (BLOCK, 2 * BLOCK + 3), (BLOCK - 1, 5)],
    ids=["falling", "to the end of a block", "blocks without a step"],
)
def test_padded_sequences_of_several_blocks_agree(lengths: tuple[int, ...]) -> None:
    problem = problems.make(steps=2 * BLOCK + 3, batch=2, directions=2, lengths=lengths)
    assert_agree(problems.observe(problem), with_torch.observe(problem), bounds(problem))


def test_gradients_of_several_blocks_are_the_sums_of_those_of_every_step() -> None:
    rng, steps = np.random.default_rng(5), 2 * BLOCK + 3
    rnn = refrnn.RNN(2, 3, nonlinearity="relu")  # on whole numbers, without recurrence: nothing is rounded
    whole = {name: rng.integers(-3, 4, array.shape) for name, array in rnn.parameters.items()}
    rnn.load_state_dict(whole | {"weight_hh_l0": np.zeros((3, 3))})
    x, d_output = (rng.integers(-3, 4, (steps, width)).astype(np.float64) for width in (2, 3))
    gradients = rnn.backward(rnn.forward(x), d_output)
    for name, gradient in gradients.parameters.items():
        assert gradient.any()
        assert np.array_equal(gradient, gradients.step_contributions(name).sum(axis=0))


@pytest.mark.parametrize("sizes", [(7, 5, 1, 4), (7, 5, 3, 1), (7, 2, 6, 5), (3, 4, 9, 2)], ids=str)
def test_sizes_of_one_and_inputs_wider_than_the_state_agree(sizes: tuple[int, ...]) -> None:
    steps, batch, inputs, hidden = sizes
    problem = problems.make(steps=steps, batch=batch, inputs=inputs, hidden=hidden, layers=2, directions=2)
    assert_agree(problems.observe(problem), with_torch.observe(problem), bounds(problem))


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_the_state_dict_has_torch_s_names_shapes_order_and_range(
    directions: int,
    layers: int,
    bias: bool,  # noqa: FBT001
) -> None:
    theirs = torch.nn.RNN(3, 4, layers, bias=bias, bidirectional=directions == 2, dtype=torch.float64)
    generator = np.random.default_rng(1)
    ours = refrnn.RNN(3, 4, layers, bias=bias, bidirectional=directions == 2, generator=generator)
    assert [(name, tuple(value.shape)) for name, value in theirs.state_dict().items()] == [
        (name, value.shape) for name, value in ours.state_dict().items()
    ]
    values = np.concatenate([value.ravel() for value in ours.state_dict().values()])
    assert len(np.unique(values)) == len(values)
    assert -0.5 <= values.min() < -0.4 < 0.4 < values.max() <= 0.5  # ±1/√4, as torch draws them


def test_a_torch_state_dict_loads_as_it_is() -> None:
    theirs = torch.nn.RNN(3, 4, 2, bidirectional=True, dtype=torch.float64)
    ours = refrnn.RNN(3, 4, 2, bidirectional=True)
    ours.load_state_dict(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        assert np.array_equal(ours.parameters[name], value.numpy())


def test_torch_tensors_are_taken_as_data() -> None:
    problem = problems.make(layers=2)
    rnn = problems.network(problem)
    x = torch.tensor(problem.x, requires_grad=True)
    output, h_n = rnn(x, torch.tensor(problem.h_0), lengths=torch.full((5,), 7))  # type: ignore[arg-type]
    again, final = rnn(problem.x, problem.h_0)
    assert np.array_equal(output, again)
    assert np.array_equal(h_n, final)


# Dropout: torch's own masks, replayed after seeding


@pytest.mark.parametrize(
    ("layout", "lengths"), [*LAYOUTS[:3], LAYOUTS[3]], ids=[lay_out(*case) for case in LAYOUTS[:4]]
)
@pytest.mark.parametrize("p", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_dropout_agrees_when_torch_s_masks_are_replayed(
    layout: str, lengths: tuple[int, ...] | None, p: float, directions: int, dtype: type
) -> None:
    problem = problem_of(layout, lengths, layers=3, directions=directions, dropout=p, dtype=dtype)
    masks = with_torch.masks(problem, seed=11)
    kept = masks[:, problem.present].mean()
    assert (kept == 0) if p == 1 else (0 < kept < 1)
    problem = problem.but(masks=masks)
    assert_agree(problems.observe(problem), with_torch.observe(problem, seed=11), bounds(problem))


def test_other_masks_than_torch_s_would_be_seen() -> None:
    problem = problems.make(layers=3, dropout=0.5)
    problem = problem.but(masks=with_torch.masks(problem, seed=12))
    with pytest.raises(AssertionError, match="more than rounding"):
        assert_agree(problems.observe(problem), with_torch.observe(problem, seed=11), bounds(problem))


def test_dropout_without_masks_is_torch_s_evaluation_mode() -> None:
    problem = problems.make(layers=3, directions=2, dropout=0.5)
    assert_agree(problems.observe(problem), with_torch.observe(problem), bounds(problem))


def test_drawn_masks_keep_the_share_that_was_asked_for_and_scale_what_they_keep() -> None:
    p, layers = 0.25, 3
    rnn = refrnn.RNN(3, 4, layers, dropout=p, generator=np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((50, 20, 3))
    trace = rnn.forward(x, generator=np.random.default_rng(2))
    for layer in range(1, layers):
        below, read = trace.hidden(layer - 1), trace.layer_input(layer)
        kept = read != 0
        deviations = (kept.mean() - (1 - p)) / np.sqrt(p * (1 - p) / kept.size)
        assert abs(deviations) < 6  # of a binomial: once in 5e8 draws, and the seed is fixed
        ulps = np.abs(read[kept] - below[kept] / (1 - p)) / np.spacing(np.abs(read[kept]))
        assert ulps.max() <= 2  # the scale and the product are rounded once each
    again = rnn.forward(x, generator=np.random.default_rng(2))
    assert np.array_equal(trace.output, again.output)
    other = rnn.forward(x, generator=np.random.default_rng(3))
    assert not np.array_equal(trace.output, other.output)


# Step by step: torch's cells, with the graph kept


@pytest.mark.parametrize("cotangents", COTANGENTS)
@pytest.mark.parametrize("lengths", [None, LENGTHS["unsorted with ties"]], ids=["whole", "lengths"])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize(("layers", "directions"), [(1, 1), (2, 2), (3, 1)])
def test_every_step_agrees_with_torch_s_cells(
    cotangents: str, lengths: tuple[int, ...] | None, nonlinearity: str, layers: int, directions: int
) -> None:
    problem = problems.make(
        lengths=lengths, nonlinearity=nonlinearity, layers=layers, directions=directions, steps=7
    ).but(**COTANGENTS[cotangents])
    assert_agree(problems.observe_steps(problem), with_torch.observe_steps(problem), bounds(problem))


def test_every_step_agrees_under_dropout_and_in_float32() -> None:
    problem = problems.make(layers=3, directions=2, dropout=0.5, dtype=np.float32)
    problem = problem.but(masks=with_torch.masks(problem, seed=3))
    assert_agree(problems.observe_steps(problem), with_torch.observe_steps(problem), bounds(problem))


def test_a_direction_that_is_not_named_is_the_forward_one() -> None:
    problem = problems.make(layers=2, directions=2)
    rnn = problems.network(problem)
    trace = rnn.forward(problem.x, problem.h_0)
    gradients = rnn.backward(trace, problem.d_output, problem.d_h_n)
    for shown in (trace.hidden, trace.previous, gradients.d_h, gradients.d_a):
        assert np.array_equal(shown(1), shown(1, 0))
        assert not np.array_equal(shown(1), shown(1, 1))
    assert np.array_equal(gradients.d_h_from_output(1), gradients.d_h_from_output(1, 0))
    assert not np.array_equal(gradients.d_h_from_output(1), gradients.d_h_from_output(1, 1))
    assert np.array_equal(gradients.d_h_from_next(1), gradients.d_h_from_next(1, 0))
    assert not np.array_equal(gradients.d_h_from_next(1), gradients.d_h_from_next(1, 1))


@pytest.mark.parametrize("layout", ["time first", "batch first", "unbatched"])
@pytest.mark.parametrize("directions", [1, 2])
def test_what_reaches_a_state_is_the_sum_of_its_two_sources(layout: str, directions: int) -> None:
    problem = problem_of(layout, None, layers=2, directions=directions)
    _, gradients = problems.run(problem)
    for place in problem.places:
        parts = gradients.d_h_from_output(*place), gradients.d_h_from_next(*place)
        assert all(np.abs(part).max() > 0 for part in parts)
        assert np.array_equal(gradients.d_h(*place), parts[0] + parts[1])


@pytest.mark.parametrize("truncation", [None, 3])
@pytest.mark.parametrize("lengths", [None, LENGTHS["unsorted with ties"]], ids=["whole", "lengths"])
@pytest.mark.parametrize("directions", [1, 2])
def test_the_steps_shares_in_a_gradient_add_up_to_it(
    truncation: int | None, lengths: tuple[int, ...] | None, directions: int
) -> None:
    problem = problems.make(layers=2, directions=directions, lengths=lengths, truncation=truncation)
    _, gradients = problems.run(problem)
    expected = bounds(problem)
    summed = {n: gradients.step_contributions(n).sum(axis=0) for n in problem.weights}
    # the bound of a gradient covers any order of its T·B products, grouped by steps or not
    scale = {name: expected[gradient_key(name)] for name in summed}
    assert_agree(summed, gradients.parameters, scale)


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("layers", [1, 2])
def test_states_and_inputs_of_a_trace_belong_together(directions: int, layers: int) -> None:
    problem = problems.make(layers=layers, directions=directions)
    trace, _ = problems.run(problem)
    assert problem.h_0 is not None
    for layer, d in problem.places:
        h, before = trace.hidden(layer, d), trace.previous(layer, d)
        first = problem.h_0[layer * directions + d]
        start = before[-1] if d else before[0]
        assert np.array_equal(start, first)
        assert np.array_equal(before[:-1] if d else before[1:], h[1:] if d else h[:-1])
    for layer in range(layers - 1):
        sides = [trace.hidden(layer, d) for d in range(directions)]
        assert np.array_equal(trace.layer_input(layer + 1), np.concatenate(sides, axis=-1))
    assert np.array_equal(trace.layer_input(0), problem.x)


@pytest.mark.parametrize("lengths", [None, *LENGTHS.values(), (7, 5, 3, 3, 1)], ids=str)
def test_every_step_that_a_sample_has_is_computed_once_and_padding_never(
    lengths: tuple[int, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = problems.make(lengths=lengths, directions=2)
    counted = {  # where the arguments of a method tell how many rows it works on
        "forward_step": lambda *given: given[2][0],
        "slopes": lambda *given: given[0][0],
        "backward_step": lambda *given: given[1],
        "factors": lambda *given: given[0],
    }
    rows, calls = dict.fromkeys(counted, 0), dict.fromkeys(counted, 0)
    for name, read in counted.items():
        original = getattr(refrnn.ElmanCell, name)

        def counting(
            self: refrnn.ElmanCell, *given: Any, name: str = name, read: Any = read, call: Any = original
        ) -> Any:
            rows[name] += read(*given)[..., 0].size
            calls[name] += 1
            return call(self, *given)

        monkeypatch.setattr(refrnn.ElmanCell, name, counting)
    problems.run(problem)
    steps = problem.steps * problem.batch if lengths is None else sum(lengths)
    assert set(rows.values()) == {2 * steps}
    assert calls["slopes"] == calls["factors"] == 2


def test_what_a_layer_read_is_zero_in_the_padding() -> None:
    lengths = LENGTHS["unsorted with ties"]
    trace, _ = problems.run(problems.make(layers=2, lengths=lengths))
    for layer in range(2):
        read = trace.layer_input(layer)
        for b, n in enumerate(lengths):
            assert np.all(read[:n, b] != 0)
            assert np.all(read[n:, b] == 0)


def test_in_the_padding_a_sample_holds_its_state() -> None:
    lengths = LENGTHS["unsorted with ties"]
    problem = problems.make(layers=2, directions=2, lengths=lengths)
    trace, _ = problems.run(problem)
    assert problem.h_0 is not None
    for b, n in enumerate(lengths):
        for layer in range(2):
            forward, reverse = trace.hidden(layer, 0)[:, b], trace.hidden(layer, 1)[:, b]
            assert np.array_equal(forward[n:], np.broadcast_to(forward[n - 1], forward[n:].shape))
            initial = problem.h_0[2 * layer + 1, b]
            assert np.array_equal(reverse[n:], np.broadcast_to(initial, reverse[n:].shape))
