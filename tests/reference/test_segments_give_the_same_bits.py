"""BPTT in segments keeps few states, and gives bit for bit what the plain pass gives."""

import tracemalloc

import numpy as np
import pytest

import refrnn

OPTIONS = [
    {"num_layers": 1},
    {"num_layers": 3},
    {"num_layers": 2, "nonlinearity": "relu", "bias": False},
    {"num_layers": 2, "batch_first": True},
]


def drawn(steps: int, batch: int | None, dtype: str, **options) -> tuple[refrnn.RNN, dict[str, np.ndarray]]:
    rng = np.random.default_rng(7)
    rnn = refrnn.RNN(3, 5, dtype=dtype, generator=rng, **options)
    layers = options["num_layers"]
    sequence = (lambda n: (batch, steps, n)) if options.get("batch_first") else (lambda n: (steps, batch, n))
    shapes = {
        "x": sequence(3),
        "d_output": sequence(5),
        "h_0": (layers, batch, 5),
        "d_h_n": (layers, batch, 5),
    }
    if batch is None:
        shapes = {name: tuple(n for n in shape if n is not None) for name, shape in shapes.items()}
    return rnn, {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("length", "steps"), [(1, None), (256, 256), (1000, 256), (1300, 512), (3000, 1024)])
def test_every_bit_is_that_of_the_plain_pass(
    length: int, steps: int | None, options: dict, dtype: str
) -> None:
    rnn, p = drawn(length, 2, dtype, **options)
    plain = rnn.forward(p["x"], p["h_0"])
    expected = rnn.backward(plain, p["d_output"], p["d_h_n"])
    trace = rnn.forward_in_segments(p["x"], p["h_0"], steps=steps)
    found = rnn.backward_in_segments(trace, p["d_output"], p["d_h_n"], input_gradient=True)
    assert np.array_equal(trace.h_n, plain.h_n)
    assert found.parameters.keys() == expected.parameters.keys()
    for name, gradient in expected.parameters.items():
        assert np.array_equal(found.parameters[name], gradient), name
    assert np.array_equal(found.h_0, expected.h_0)
    assert np.array_equal(found.x, expected.x)
    assert found.x.dtype == expected.x.dtype


def test_the_loss_may_be_given_segment_by_segment() -> None:
    rnn, p = drawn(1000, None, "float64", num_layers=2)
    plain = rnn.forward(p["x"])
    expected = rnn.backward(plain, 2 * plain.output)
    seen = []

    def squared(first: int, output: np.ndarray) -> np.ndarray:
        seen.append((first, len(output)))
        assert np.array_equal(output, plain.output[first : first + len(output)])
        return 2 * output

    found = rnn.backward_in_segments(rnn.forward_in_segments(p["x"], steps=256), squared)
    assert seen == [(768, 232), (512, 256), (256, 256), (0, 256)]
    assert found.x is None
    for name, gradient in expected.parameters.items():
        assert np.array_equal(found.parameters[name], gradient), name


def test_everything_stays_in_single_precision() -> None:
    rnn, p = drawn(600, 2, "float32", num_layers=2)
    trace = rnn.forward_in_segments(p["x"])
    assert trace.nbytes == (len(trace.starts) + 1) * 2 * 2 * 5 * 4
    found = rnn.backward_in_segments(trace, lambda _, output: output)
    assert {gradient.dtype for gradient in found.parameters.values()} == {np.dtype("float32")}


def test_memory_grows_with_the_root_of_the_length() -> None:
    peaks = {}
    for length in (16_384, 262_144):
        rnn, p = drawn(length, 1, "float64", num_layers=1)
        tracemalloc.start()
        trace = rnn.forward_in_segments(p["x"])
        rnn.backward_in_segments(trace, lambda _, output: output, p["d_h_n"])
        peaks[length] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert trace.nbytes == (len(trace.starts) + 1) * 5 * 8
    assert peaks[262_144] < 5 * peaks[16_384]  # 16 times the length


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 100}, "multiple of 256"),
        ({"steps": 0}, "^steps must"),
        ({"steps": 2.5}, "^steps must"),
        ({"h_0": np.zeros((1, 3, 5))}, "^h_0 must"),
    ],
)
def test_segments_that_would_change_bits_are_refused(change: dict, message: str) -> None:
    rnn, p = drawn(300, 2, "float64", num_layers=1)
    with pytest.raises((TypeError, ValueError), match=message):
        rnn.forward_in_segments(p["x"], **change)


def test_what_segments_cannot_do_is_refused_with_advice() -> None:
    rnn, p = drawn(300, 2, "float64", num_layers=1)
    both = refrnn.RNN(3, 5, bidirectional=True)
    with pytest.raises(ValueError, match=r"bidirectional.*Use forward"):
        both.forward_in_segments(p["x"])
    trace = rnn.forward_in_segments(p["x"])
    with pytest.raises(ValueError, match="got neither"):
        rnn.backward_in_segments(trace)
    with pytest.raises(ValueError, match="d_output must have the shape"):
        rnn.backward_in_segments(trace, p["d_output"][:-1])
    with pytest.raises(ValueError, match="d_output must have the shape"):
        rnn.backward_in_segments(trace, lambda _, output: output[1:])
    for d_output in (p["d_output"][:, :1], p["d_output"][..., :1]):
        with pytest.raises(ValueError, match=r"^d_output must have the shape"):
            rnn.backward_in_segments(trace, d_output)
        with pytest.raises(ValueError, match=r"^d_output must have the shape"):
            rnn.backward_in_segments(trace, lambda first, output, d=d_output: d[first : first + len(output)])
    with pytest.raises(ValueError, match=r"^d_h_n must have the shape"):
        rnn.backward_in_segments(trace, d_h_n=p["d_h_n"][:, :1])
    with pytest.raises(TypeError, match=r"^trace must .*forward_in_segments"):
        rnn.backward_in_segments(rnn.forward(p["x"]), p["d_output"])
