"""Segments, chunks, memory, copies, models and refusals: LSTM and GRU are as complete as the Elman network."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from oracles import gated
from oracles.gated import Experiment, assert_agree, drawn, observe, observe_torch

import refrnn

ROUTES: dict[str, Any] = {
    "copy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),  # noqa: S301 - our own
}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("LSTM", {}),
    ("LSTM", {"proj": 2}),
    ("GRU", {}),
    ("GRU", {"reset": "before"}),
]
EVERY = pytest.mark.parametrize(("kind", "options"), CASES, ids=str)


def same(found: Any, expected: Any, names: str) -> None:
    for name in names.split():
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name


@EVERY
@pytest.mark.parametrize("layout", ["time first", "unbatched"])
def test_segments_give_the_bits_of_the_plain_pass(kind: str, options: dict[str, Any], layout: str) -> None:
    e = drawn(kind, steps=700, batch=1 if layout == "unbatched" else 2, layers=2, layout=layout, **options)
    plain, expected = gated.run(e)
    net, d_final = gated.network(e), gated.handed(e, e.d_final)
    x, d_output = (gated.to_layout(a, layout) for a in (e.x, e.d_output))
    trace = net.forward_in_segments(x, gated.handed(e, e.initial), steps=256)
    found = net.backward_in_segments(trace, d_output, d_final, input_gradient=True)
    for letter in e.letters:
        same(trace, plain, f"{letter}_n")
        same(found, expected, f"{letter}_0")
    same(found, expected, "x")
    for name, gradient in expected.parameters.items():
        assert np.array_equal(found.parameters[name], gradient), name
    assert trace.nbytes == 4 * sum(state.nbytes for state in e.initial.values())
    if kind == "GRU":
        for shown in (trace, found):
            with pytest.raises(ValueError, match=r"carries h from step to step; got 'c'"):
                _ = shown.c_n if shown is trace else shown.c_0


@EVERY
@pytest.mark.parametrize("cut", [1, 4])
def test_two_chunks_with_the_state_carried_equal_the_whole(
    kind: str, options: dict[str, Any], cut: int
) -> None:
    e = drawn(kind, layers=2, **options)
    early = e.but(x=e.x[:cut], d_output=e.d_output[:cut], steps=cut)
    late = e.but(x=e.x[cut:], d_output=e.d_output[cut:], steps=e.steps - cut)
    trace, _ = gated.run(early)
    second = observe(late.but(initial={letter: getattr(trace, f"{letter}_n") for letter in e.letters}))
    first = observe(early.but(d_final={letter: second[f"dL/d{letter}_0"] for letter in e.letters}))
    joined = {
        "output": np.concatenate([first["output"], second["output"]]),
        "dL/dx": np.concatenate([first["dL/dx"], second["dL/dx"]]),
    } | {f"dL/d{n}": first[f"dL/d{n}"] + second[f"dL/d{n}"] for n in e.weights}
    for letter in e.letters:
        joined |= {f"{letter}_n": second[f"{letter}_n"], f"dL/d{letter}_0": first[f"dL/d{letter}_0"]}
    assert_agree(joined, observe(e) if e.reset == "before" else observe_torch(e), e)


@EVERY
@pytest.mark.parametrize("lengths", [(3, 6, 1, 3), (6, 5, 2, 1)], ids=str)
def test_a_sample_of_a_padded_batch_is_computed_as_if_alone(
    kind: str, options: dict[str, Any], lengths: tuple[int, ...]
) -> None:
    e = drawn(kind, layers=2, directions=2, lengths=lengths, truncation=2, **options)
    trace, gradients = gated.run(e)
    for b, n in enumerate(lengths):
        one = slice(b, b + 1)
        alone = e.but(
            lengths=None,
            batch=1,
            steps=n,
            x=e.x[:n, one],
            d_output=e.d_output[:n, one],
            initial={letter: s[:, one] for letter, s in e.initial.items()},
            d_final={letter: s[:, one] for letter, s in e.d_final.items()},
        )
        own, back = gated.run(alone)
        found = {"output": trace.output[:n, one], "x": gradients.x[:n, one]}
        expected = {"output": own.output, "x": back.x}
        for place in e.places:
            for name in (
                *e.letters,
                *trace.stack_trace.stack.cell.quantities(own.stack_trace.scans[place].kept),
            ):
                found[f"{name} {place}"] = trace.quantity(name, *place)[:n, one]
                expected[f"{name} {place}"] = own.quantity(name, *place)
            for name in ("d_a", "d_recurrent", "d_h", *(["d_c"] if "c" in e.letters else [])):
                found[f"{name} {place}"] = getattr(gradients, name)(*place)[:n, one]
                expected[f"{name} {place}"] = getattr(back, name)(*place)
        for letter in e.letters:
            found[f"{letter}_0"] = getattr(gradients, f"{letter}_0")[:, one]
            expected[f"{letter}_0"] = getattr(back, f"{letter}_0")
        assert_agree(found, expected, alone)
    gone = np.arange(e.steps)[:, np.newaxis] >= np.array(lengths)
    kept = trace.stack_trace.scans[0, 0].kept
    for array in (*kept, gradients.d_a(0), gradients.d_recurrent(1, 1), gradients.x, trace.output):
        assert not array[gone].any()


@EVERY
def test_the_weight_that_a_trace_reports_is_what_it_holds_and_all_is_read_only(
    kind: str, options: dict[str, Any]
) -> None:
    e = drawn(kind, layers=2, directions=2, **options)
    trace, gradients = gated.run(e)
    kept = e.steps * e.batch * e.hidden * {"LSTM": 5, "GRU": 4}[kind]
    states = (e.steps + 1) * e.batch * (e.width + (e.hidden if kind == "LSTM" else 0))
    assert trace.nbytes == 4 * 8 * (kept + states)
    shown = [trace.output, trace.h_n, trace.hidden(1), trace.previous(1), gradients.d_h(0), gradients.d_a(0)]
    shown += [trace.quantity(name, 0) for name in ("ifgoc" if kind == "LSTM" else "rzn")]
    if kind == "LSTM":
        shown += [
            trace.c_n,
            gradients.c_0,
            gradients.d_c(0),
            gradients.d_c_from_next(0),
            trace.previous(0, 0, "c"),
        ]
    for array in shown:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_states_before_and_after_every_step_belong_together() -> None:
    e = drawn("LSTM", directions=2)
    trace, gradients = gated.run(e)
    for d in (0, 1):
        for letter in "hc":
            h, before = trace.quantity(letter, 0, d), trace.previous(0, d, letter)
            assert np.array_equal(before[-1 if d else 0], e.initial[letter][d])
            assert np.array_equal(before[:-1] if d else before[1:], h[1:] if d else h[:-1])
        parts = gradients.d_h_from_output(0, d), gradients.d_h_from_next(0, d)
        assert np.array_equal(gradients.d_h(0, d), parts[0] + parts[1])
        assert np.array_equal(gradients.d_c_from_next(0, d)[0 if d else -1], e.d_final["c"][d])


@EVERY
@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_networks_traces_and_gradients_survive_copying(
    kind: str, options: dict[str, Any], route: Any
) -> None:
    e = drawn(kind, layers=2, directions=2, lengths=(3, 6, 1, 3), **options)
    net = gated.network(e)
    trace = net.forward(e.x, gated.handed(e, e.initial), lengths=e.lengths)
    expected = net.backward(trace, e.d_output, gated.handed(e, e.d_final))
    copied, followed, gradients = route((net, trace, expected))
    again = copied.backward(followed, e.d_output, gated.handed(e, e.d_final))
    for name, gradient in expected.parameters.items():
        assert np.array_equal(again.parameters[name], gradient)
        assert np.array_equal(gradients.parameters[name], gradient)
        assert not copied.parameters[name].flags.writeable
    assert repr(copied) == repr(net)
    cell = getattr(refrnn, f"{kind}Cell")(3, 4, generator=np.random.default_rng(0))
    x = np.ones((2, 3))
    assert np.array_equal(np.array(route(cell)(x)), np.array(cell(x)))
    assert np.array_equal(route(cell.forward(x)).h, cell.forward(x).h)


def test_an_earlier_trace_keeps_its_weights_and_backward_can_be_repeated() -> None:
    e = drawn("LSTM", layers=2, proj=2)
    net = gated.network(e)
    trace = net.forward(e.x, gated.handed(e, e.initial))
    before = net.backward(trace, e.d_output, gated.handed(e, e.d_final))
    net.load_state_dict({name: w + 1 for name, w in e.weights.items()})
    after = net.backward(trace, e.d_output, gated.handed(e, e.d_final))
    for name, gradient in before.parameters.items():
        assert np.array_equal(after.parameters[name], gradient)
    same(after, before, "x h_0 c_0")


# Special values


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_saturated_gates_are_exact_and_silent(kind: str, dtype: type) -> None:
    e = drawn(kind, dtype=dtype, steps=3)
    weights = {name: np.zeros_like(w) for name, w in e.weights.items()}
    bias = np.zeros((gated.BLOCKS[kind], e.hidden), dtype)
    bias[:2] = [[-1e30], [1e30]]  # i closed and f open; r closed and z open
    e = e.but(weights=weights | {"bias_ih_l0": bias.ravel()})
    with np.errstate(all="raise"):
        trace, gradients = gated.run(e)
    kept = "c" if kind == "LSTM" else "h"
    for t in range(3):
        assert np.array_equal(trace.quantity(kept, 0)[t], e.initial[kept][0])
    assert not gradients.parameters["bias_ih_l0"][: 2 * e.hidden].any()
    assert_agree(observe(e), observe_torch(e), e)


def test_sigma_keeps_its_digits_where_it_is_small() -> None:
    rnn = refrnn.LSTM(1, 1, dtype="float64")
    rnn.load_state_dict({name: np.zeros_like(w) for name, w in rnn.parameters.items()})
    a = -np.array([0.5, 5.0, 50.0, 500.0, 700.0])
    rnn.load_state_dict({**rnn.parameters, "weight_ih_l0": np.array([[1.0], [0.0], [0.0], [0.0]])})
    found = rnn.forward(a[:, np.newaxis]).quantity("i", 0).ravel()
    exact = np.longdouble(1) / (1 + np.exp(-a.astype(np.longdouble)))
    assert np.all(
        np.abs(found - exact) <= 4 * np.finfo(np.float64).eps / 2 * exact
    )  # exp, sum and quotient: 3 u


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_nan_stays_in_its_sample_and_reaches_every_parameter_gradient_as_in_torch(kind: str) -> None:
    e = drawn(kind, layers=2)
    x = e.x.copy()
    x[2, 1, 0] = np.nan
    found, expected = observe(e.but(x=x)), observe_torch(e.but(x=x))
    for name, array in found.items():
        assert np.array_equal(np.isnan(array), np.isnan(expected[name])), name
    assert np.isfinite(found["output"][:, [0, 2, 3]]).all()


def test_an_infinite_c_0_saturates_as_in_torch() -> None:
    e = drawn("LSTM")
    c_0 = e.initial["c"].copy()
    c_0[0, 1, 2] = np.inf
    e = e.but(initial=e.initial | {"c": c_0}, d_final={"h": e.d_final["h"], "c": None})
    with np.errstate(invalid="ignore"):
        found = observe(e)
    expected = observe_torch(e)
    assert np.isfinite(found["output"]).all()
    for name in ("output", "h_n", "c_n"):
        finite = np.isfinite(expected[name])
        assert np.array_equal(np.isfinite(found[name]), finite), name
        assert np.allclose(
            found[name][finite], expected[name][finite], rtol=1e-12, atol=1e-12
        )  # finite at all


# Refusals


def lstm(**options: Any) -> refrnn.LSTM:
    return refrnn.LSTM(3, 4, generator=np.random.default_rng(0), **options)


X, H = np.ones((6, 2, 3)), np.ones((1, 2, 4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: lstm()(X, H),
            r"^The state must be \(h_0, c_0\), a tuple of 2 arrays; got ndarray\. Pass all of them",
        ),
        (lambda: lstm()(X, np.ones((2, 1, 2, 4))), r"^The state must be \(h_0, c_0\)"),
        (lambda: lstm()(X, (H, H, H)), r"^The state must be \(h_0, c_0\).*; got tuple"),
        (
            lambda: lstm()(X, (H, H[:, :1])),
            r"^c_0 must have the shape \(1, 2, 4\); got \(1, 1, 4\)\. Nothing is broad",
        ),
        (lambda: lstm()(X, (H[0], H)), r"^h_0 must have the shape \(1, 2, 4\); got \(2, 4\)"),
        (lambda: lstm()(X, (H, H.astype("float32"))), r"^c_0 must be float64, .*; got float32"),
        (lambda: lstm(proj_size=2)(X, (H, H)), r"^h_0 must have the shape \(1, 2, 2\); got \(1, 2, 4\)"),
        (
            lambda: lstm().backward(lstm().forward(X), None, (None, None)),
            "d_output, d_h_n or both; got neither",
        ),
        (lambda: lstm().backward(lstm().forward(X), None, H), r"^The state must be \(d_h_n, d_c_n\)"),
        (lambda: lstm().backward(lstm().forward(X), None, (H, H[0])), r"^d_c_n must have the shape"),
        (
            lambda: lstm().backward(refrnn.GRU(3, 4).forward(X), X),
            r"^trace must be that of a network with weight_ih_l0",
        ),
        (
            lambda: lstm(proj_size=4),
            r"^proj_size must be below hidden_size = 4, or 0 .*; got 4\. Projections make",
        ),
        (lambda: lstm(proj_size=-1), r"^proj_size must be at least 1; got -1"),
        (lambda: lstm(proj_size=False), r"^proj_size must be an integer .*; got False"),
        (
            lambda: lstm(bias=0),
            r"order: input_size, hidden_size, num_layers, bias, .*, bidirectional, proj_size\.$",
        ),
        (
            lambda: refrnn.GRU(3, 4, bidirectional=1),
            r"^bidirectional must .* batch_first, dropout, bidirectional\.$",
        ),
        (lambda: refrnn.GRU(3, 4, reset="first"), r"^reset must be 'after' or 'before'; got 'first'"),
        (
            lambda: refrnn.GRU(3, 4).forward(X).c_n,
            r"^This network carries h from step to step; got 'c' asked for\. Ask",
        ),
        (
            lambda: refrnn.GRU(3, 4).forward(X).quantity("c", 0),
            r"^name must be one of h, r, z, n, m in this .*'c'",
        ),
        (
            lambda: lstm().forward(X).quantity("r", 0),
            r"^name must be one of h, c, i, f, g, o in this network; got 'r'",
        ),
        (
            lambda: lstm().forward(X).previous(0, 0, "i"),
            r"^This network carries h and c from step to step; got 'i'",
        ),
        (lambda: lstm().forward(X).quantity("i", 1), r"^layer must be 0 to 0 and direction 0 to 0"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(call: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_the_representation_is_the_call_that_builds_the_network() -> None:
    for net in (
        refrnn.LSTM(3, 4, 2, False, True, 0.5, True, 2, dtype=np.float32),
        refrnn.GRU(3, 4, 2, False, True, 0.5, True, dtype=np.float32),
    ):
        built = eval(repr(net), {"LSTM": refrnn.LSTM, "GRU": refrnn.GRU})  # noqa: S307 - our own words
        assert repr(built) == repr(net)
        assert {n: a.shape for n, a in built.parameters.items()} == {
            n: a.shape for n, a in net.parameters.items()
        }


# With a head and a loss


@pytest.mark.parametrize("output", ["last", "every"])
@EVERY
def test_models_of_them_train(kind: str, options: dict[str, Any], output: str) -> None:
    e: Experiment = drawn(kind, layers=2, directions=2, **options)
    model = refrnn.SequenceModel(
        gated.network(e), refrnn.Linear(2 * e.width, 1, generator=np.random.default_rng(3)), output=output
    )
    rng = np.random.default_rng(4)
    target = rng.standard_normal((e.steps, e.batch, 1) if output == "every" else (e.batch, 1))
    losses = model.train([(e.x, target)], epochs=200, learning_rate=0.2)
    assert losses[-1] < 0.75 * losses[0]
    found = model.gradients(e.x, target, gated.handed(e, e.initial))
    assert np.array(found.h_0[0] if kind == "LSTM" else found.h_0).shape == e.initial["h"].shape
    if kind == "LSTM":
        step, direction = 1e-6, rng.standard_normal(e.initial["c"].shape)
        ends = [
            model.gradients(e.x, target, (e.initial["h"], e.initial["c"] + s * step * direction)).loss
            for s in (1, -1)
        ]
        slope = np.sum(found.h_0[1] * direction)
        assert abs((ends[0] - ends[1]) / (2 * step) - slope) <= step * max(
            1, abs(slope)
        )  # far above s² and u/s
