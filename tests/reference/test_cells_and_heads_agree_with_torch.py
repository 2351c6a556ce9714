"""`RNNCell` and `Linear` give torch's values and gradients, within what rounding allows."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from oracles import differences, problems, rounding
from oracles.closeness import assert_close
from oracles.problems import Problem
from oracles.rounding import Arithmetic, Bounded, addend, exact, products

from refrnn import RNN, Linear, RNNCell

BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])
ALL = pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
CELLS = pytest.mark.parametrize("options", [{}, {"bias": False}, {"nonlinearity": "relu"}], ids=str)


def one_step(dtype: type, **options: object) -> Problem:
    """Return a problem of one step, whose loss is a random sum of the new state."""
    return problems.make(steps=1, dtype=dtype, **options).but(d_output=None)


def short(name: str) -> str:
    return name.removesuffix("_l0")


def cell_of(problem: Problem) -> RNNCell:
    cell = RNNCell(
        problem.inputs,
        problem.hidden,
        problem.bias,
        problem.nonlinearity,  # type: ignore[arg-type]
        dtype=problem.dtype,
    )
    cell.load_state_dict({short(name): array for name, array in problem.weights.items()})
    return cell


def observe(problem: Problem) -> dict[str, np.ndarray]:
    cell = cell_of(problem)
    trace = cell.forward(problem.x[0], problem.h_0[0])
    gradients = cell.backward(trace, problem.d_h_n[0])
    return {"h": trace.h, "d_x": gradients.x, "d_h": gradients.h, **gradients.parameters}


def observe_torch(problem: Problem) -> dict[str, np.ndarray]:
    dtype = torch.float32 if problem.dtype is np.float32 else torch.float64
    cell = torch.nn.RNNCell(problem.inputs, problem.hidden, problem.bias, problem.nonlinearity, dtype=dtype)
    cell.load_state_dict({short(name): torch.tensor(array) for name, array in problem.weights.items()})
    x = torch.tensor(problem.x[0], requires_grad=True)
    h = torch.tensor(problem.h_0[0], requires_grad=True)
    new = cell(x, h)
    new.backward(torch.tensor(problem.d_h_n[0]))
    found = {"h": new.detach(), "d_x": x.grad, "d_h": h.grad}
    found |= {name: parameter.grad for name, parameter in cell.named_parameters()}
    return {name: value.numpy() for name, value in found.items()}


def cell_bounds(problem: Problem) -> dict[str, Bounded]:
    """Return every quantity in long double with its bound: those of a network of one step."""
    found = rounding.bounds(problem)
    named = {"h": found["h_n"][0], "d_x": found["gradient of x"][0], "d_h": found["gradient of h_0"][0]}
    return named | {short(name): found[problems.gradient_key(name)] for name in problem.weights}


@BOTH
@CELLS
def test_a_cell_and_its_gradients_are_those_of_torch(dtype: type, options: dict[str, object]) -> None:
    problem = one_step(dtype, **options)
    found, expected, bounds = observe(problem), observe_torch(problem), cell_bounds(problem)
    assert list(found) == list(expected)
    for name, array in found.items():
        assert_close(name, array, expected[name], 2 * bounds[name].error, size=bounds[name].value)


@ALL
@CELLS
def test_a_cell_and_its_gradients_are_those_of_loops_in_long_double(
    dtype: type, options: dict[str, object]
) -> None:
    problem = one_step(dtype, **options)
    bounds = cell_bounds(problem)
    programs = 2 if dtype is np.longdouble else 1  # in long double the loops round as well
    for name, array in observe(problem).items():
        value = bounds[name].value.astype(array.dtype)
        rounded = np.abs(value.astype(np.longdouble) - bounds[name].value)
        assert_close(name, array, value, programs * bounds[name].error + rounded, size=value)


@pytest.mark.parametrize("name", ["x", "h", "weight_ih", "weight_hh", "bias_ih", "bias_hh"])
def test_gradients_of_a_cell_are_its_slopes(name: str) -> None:
    problem = one_step(np.longdouble)
    cell, given = cell_of(problem), {"x": problem.x[0], "h": problem.h_0[0]}
    start = (given | dict(cell.parameters))[name]
    gradients = cell.backward(cell.forward(**given), problem.d_h_n[0])
    found = (gradients.parameters | {"x": gradients.x, "h": gradients.h})[name]

    def loss(value: np.ndarray) -> np.floating:
        moved = cell_of(problem)
        if name not in given:
            moved.load_state_dict({**cell.parameters, name: value})
        return np.sum(problem.d_h_n[0] * moved(**(given | {name: value} if name in given else given)))

    slopes, bound = differences.gradient(loss, start)
    assert_close(name, found, slopes, bound, size=slopes)


def test_a_cell_without_h_starts_from_zeros() -> None:
    problem = one_step(np.float64)
    cell = cell_of(problem)
    assert np.array_equal(cell(problem.x[0]), cell(problem.x[0], np.zeros((problem.batch, problem.hidden))))


def test_an_unbatched_sample_is_a_batch_of_one() -> None:
    problem = one_step(np.float64, batch=1)
    cell = cell_of(problem)
    one = cell.forward(problem.x[0, 0], problem.h_0[0, 0])
    batch = cell.forward(problem.x[0], problem.h_0[0])
    assert np.array_equal(one.h, batch.h[0])
    found = cell.backward(one, problem.d_h_n[0, 0])
    expected = cell.backward(batch, problem.d_h_n[0])
    assert np.array_equal(found.x, expected.x[0])
    assert np.array_equal(found.h, expected.h[0])
    for name, array in found.parameters.items():
        assert np.array_equal(array, expected.parameters[name])


def test_one_sample_and_lists_are_taken_in_single_precision() -> None:
    cell = cell_of(one_step(np.float32))
    x, h, d_h = [0.5, -1.5, 2.0], [0.25, 0.5, -1.0, 2.0], [1.0, -2.0, 0.5, 0.25]
    arrays = [np.array(values, np.float32) for values in (x, h, d_h)]
    batch = cell.forward([x], [h])
    expected = cell.backward(batch, [d_h]).parameters
    for one, upstream in ((cell.forward(x, h), d_h), (cell.forward(*arrays[:2]), arrays[2])):
        assert one.h.dtype == np.float32
        assert np.array_equal(one.h, batch.h[0])
        for name, gradient in cell.backward(one, upstream).parameters.items():
            assert gradient.dtype == np.float32
            assert np.array_equal(gradient, expected[name])


def test_a_loop_of_cells_backpropagates_like_a_network() -> None:
    problem = problems.make(seed=3)
    cell, h = cell_of(problem), problem.h_0[0]
    traces = []
    for x in problem.x:
        traces.append(cell.forward(x, h))
        h = traces[-1].h
    d_h, total = problem.d_h_n[0], dict.fromkeys(cell.parameters, np.float64(0))
    for t in reversed(range(problem.steps)):
        step = cell.backward(traces[t], d_h + problem.d_output[t])
        d_h = step.h
        total = {name: total[name] + array for name, array in step.parameters.items()}
    bounds, expected = rounding.bounds(problem), problems.observe(problem)
    found = {"h_n": h[np.newaxis], "gradient of h_0": d_h[np.newaxis]}
    found |= {problems.gradient_key(f"{name}_l0"): array for name, array in total.items()}
    for name, array in found.items():
        assert_close(name, array, expected[name], 2 * bounds[name].error, size=bounds[name].value)


@dataclass(frozen=True)
class Affine:
    """A head with random data; leading axes as given."""

    head: Linear
    x: np.ndarray
    d_y: np.ndarray


def affine(dtype: type, leading: tuple[int, ...], *, bias: bool = True) -> Affine:
    rng = np.random.default_rng([7, len(leading), bias])
    head = Linear(4, 3, bias, dtype=dtype, generator=rng)
    x, d_y = (rng.standard_normal((*leading, width)).astype(dtype) for width in (4, 3))
    return Affine(head, x, d_y)


def affine_bounds(case: Affine) -> dict[str, Bounded]:
    """Return every quantity of a head in long double with its bound."""
    do = Arithmetic.of(case.head.dtype)
    weight = exact(case.head.parameters["weight"])
    rows, d_rows = exact(case.x.reshape(-1, 4)), exact(case.d_y.reshape(-1, 3))
    count = len(rows.value)
    y = [products("ni,oi->no", rows, weight, 4)]
    if case.head.bias:
        y.append(addend(exact(np.ones((count, 1)) * case.head.parameters["bias"])))
    found = {
        "y": do.total(*y),
        "x": do.total(products("no,oi->ni", d_rows, weight, 3)),
        "weight": do.total(products("no,ni->oi", d_rows, rows, count)),
        "bias": do.total(products("no,n->o", d_rows, exact(np.ones(count)), count)),
    }
    shapes = {"y": case.d_y.shape, "x": case.x.shape}
    return {
        name: Bounded(
            b.value.reshape(shapes.get(name, b.value.shape)), b.error.reshape(shapes.get(name, b.error.shape))
        )
        for name, b in found.items()
    }


def observe_affine(case: Affine) -> dict[str, np.ndarray]:
    trace = case.head.forward(case.x)
    gradients = case.head.backward(trace, case.d_y)
    return {"y": trace.y, "x": gradients.x, **gradients.parameters}


@BOTH
@pytest.mark.parametrize("leading", [(), (5,), (7, 5), (2, 7, 5)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_a_head_and_its_gradients_are_those_of_torch(
    dtype: type, leading: tuple[int, ...], *, bias: bool
) -> None:
    case = affine(dtype, leading, bias=bias)
    head = torch.nn.Linear(4, 3, bias, dtype=torch.float32 if dtype is np.float32 else torch.float64)
    head.load_state_dict({name: torch.tensor(array) for name, array in case.head.state_dict().items()})
    x = torch.tensor(case.x, requires_grad=True)
    y = head(x)
    y.backward(torch.tensor(case.d_y))
    expected = {"y": y.detach(), "x": x.grad} | {name: p.grad for name, p in head.named_parameters()}
    found, bounds = observe_affine(case), affine_bounds(case)
    assert list(found) == list(expected)
    for name, array in found.items():
        value = expected[name].numpy()
        assert_close(name, array, value, 2 * bounds[name].error, size=bounds[name].value)


@pytest.mark.parametrize("name", ["x", "weight", "bias"])
def test_gradients_of_a_head_are_its_slopes(name: str) -> None:
    case = affine(np.longdouble, (7, 5))
    found = observe_affine(case)[name]
    start = case.x if name == "x" else case.head.parameters[name]

    def loss(value: np.ndarray) -> np.floating:
        head = Linear(4, 3, dtype=np.longdouble)
        head.load_state_dict({**case.head.parameters, **({} if name == "x" else {name: value})})
        return np.sum(case.d_y * head(value if name == "x" else case.x))

    slopes, bound = differences.gradient(loss, start)
    assert_close(name, found, slopes, bound, size=slopes)


def test_a_trace_keeps_the_parameters_it_was_computed_with() -> None:
    case = affine(np.float64, (5,))
    trace = case.head.forward(case.x)
    before = case.head.backward(trace, case.d_y)
    case.head.load_state_dict({name: 2 * array for name, array in case.head.parameters.items()})
    assert np.array_equal(case.head.backward(trace, case.d_y).x, before.x)

    problem = one_step(np.float64)
    cell = cell_of(problem)
    step = cell.forward(problem.x[0], problem.h_0[0])
    first = cell.backward(step, problem.d_h_n[0])
    cell.load_state_dict({name: 2 * array for name, array in cell.parameters.items()})
    assert np.array_equal(cell.backward(step, problem.d_h_n[0]).h, first.h)


def test_first_parameters_are_drawn_from_the_range_that_torch_uses() -> None:
    for module, fan in ((RNNCell(3, 400), 400), (Linear(400, 3), 400)):
        for name, array in module.parameters.items():
            assert np.max(np.abs(array)) <= fan**-0.5, name
            assert np.ptp(array) > 0, name
    torch_names = list(torch.nn.RNNCell(3, 4).state_dict())
    assert list(RNNCell(3, 4).parameters) == torch_names
    assert [p.shape for p in RNNCell(3, 4).parameters.values()] == [
        tuple(p.shape) for p in torch.nn.RNNCell(3, 4).state_dict().values()
    ]


def test_the_same_generator_draws_the_same_parameters() -> None:
    for build in (lambda g: RNNCell(3, 4, generator=g), lambda g: Linear(3, 4, generator=g)):
        one, other = (build(np.random.default_rng(5)).parameters for _ in range(2))
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_results_are_the_callers_own_and_traces_are_read_only() -> None:
    problem = one_step(np.float64)
    cell, case = cell_of(problem), affine(np.float64, (5,))
    h = problem.h_0[0].copy()
    trace = cell.forward(problem.x[0], h)
    kept = trace.h.copy()
    h[...] = 9  # the trace copied it
    assert np.array_equal(cell.backward(trace, kept).parameters["weight_hh"], observe_hh(problem, kept))
    cell(problem.x[0])[...] = 0
    case.head(case.x)[...] = 0
    for array in (trace.h, case.head.forward(case.x).y, *cell.parameters.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def observe_hh(problem: Problem, d_h: np.ndarray) -> np.ndarray:
    cell = cell_of(problem)
    return cell.backward(cell.forward(problem.x[0], problem.h_0[0]), d_h).parameters["weight_hh"]


def test_representations_show_how_to_build_the_same() -> None:
    for built in (RNNCell(3, 4, False, "relu", dtype=np.float32), Linear(4, 2, False)):
        assert repr(eval(repr(built), {"RNNCell": RNNCell, "Linear": Linear})) == repr(built)  # noqa: S307
    assert RNN(3, 4).parameters["weight_hh_l0"].shape == RNNCell(3, 4).parameters["weight_hh"].shape
