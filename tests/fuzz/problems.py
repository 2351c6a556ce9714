"""The reference under arguments of all kinds: refused in words, or the very bits that plain arrays give.

Nothing that is handed in may change, whatever becomes of the call.
"""

import warnings
from typing import Any

import numpy as np

import refrnn
from fuzz.choices import Choices, Outcome

SIZES = (1, 2, 3, 4, 0, -1, True, 2.0, "3", None, np.int64(3), 10**30)
FLAGS = (False, True, False, True, 0, 1, None, "no", np.True_)
DTYPES = (
    np.float64,
    np.float32,
    "float64",
    np.longdouble,
    np.float16,
    "complex128",
    int,
    None,
    "nonsense",
    object,
)
T, B, INPUTS, HIDDEN = 4, 3, 2, 3


def computed_problem(data: bytes) -> Outcome:
    """Build a network and run it forward and backward on what `data` makes."""
    choices = Choices(data)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return _computed(choices)
        except (TypeError, ValueError) as refusal:
            _assert_ours(refusal)
            return Outcome.REFUSED


def _computed(choices: Choices) -> Outcome:
    rnn = _network(choices)
    rows = rnn.num_layers * rnn.directions
    sequence = (B, T) if rnn.batch_first else (T, B)
    x = _array(choices, (*sequence, rnn.input_size), rnn.dtype)
    given = {
        "h_0": _maybe(choices, (rows, B, rnn.hidden_size), rnn.dtype),
        "lengths": choices.one_of(
            (None, None, [4, 2, 1], [4, 4], [0, 1, 2], [5, 1, 1], "abc", [1.0, 2.0, 4.0], 3)
        ),
    }
    d_output = _maybe(choices, (*sequence, rnn.directions * rnn.hidden_size), rnn.dtype)
    d_h_n = _maybe(choices, (rows, B, rnn.hidden_size), rnn.dtype)
    truncation = choices.one_of((None, None, None, 1, 2, 10, 0, -1, 2.5, "2"))
    everything = [x, d_output, d_h_n, *given.values()]
    before = [_bits(value) for value in everything]
    try:
        found = _results(rnn, x, given, d_output, d_h_n, truncation)
    finally:
        assert [_bits(value) for value in everything] == before, "an argument was changed"
    plain = {name: _plain(value, rnn.dtype) for name, value in given.items() if name != "lengths"}
    plain["lengths"] = given["lengths"]
    again = _results(
        rnn, _plain(x, rnn.dtype), plain, _plain(d_output, rnn.dtype), _plain(d_h_n, rnn.dtype), truncation
    )
    assert [_bits(array) for array in found] == [_bits(array) for array in again], (
        "plain arrays give other bits"
    )
    return Outcome.RIGHT


def _network(choices: Choices) -> refrnn.RNN:
    odd = choices.now_and_then(3)
    return refrnn.RNN(
        choices.one_of(SIZES) if odd else INPUTS,
        choices.one_of(SIZES) if odd else HIDDEN,
        choices.one_of(SIZES[: 12 if odd else 2]),
        choices.one_of(("tanh", "relu", "sigmoid", None) if odd else ("tanh", "relu")),
        choices.one_of(FLAGS[: 9 if odd else 4]),
        choices.one_of(FLAGS[: 9 if odd else 4]),
        choices.one_of((0.0, 0.0, 0.5, 1.0, -0.1, 1.1, "0", float("nan")) if odd else (0.0,)),
        choices.one_of(FLAGS[: 9 if odd else 4]),
        dtype=choices.one_of(DTYPES[: 10 if odd else 2]),
        generator=np.random.default_rng(0),
    )


def _results(
    rnn: refrnn.RNN, x: Any, given: dict[str, Any], d_output: Any, d_h_n: Any, truncation: Any
) -> list[Any]:
    trace = rnn.forward(x, given["h_0"], lengths=given["lengths"])
    gradients = rnn.backward(trace, d_output, d_h_n, truncation=truncation)
    return [trace.output, trace.h_n, gradients.x, gradients.h_0, *gradients.parameters.values()]


def _maybe(choices: Choices, shape: tuple[int, ...], dtype: Any) -> Any:
    return None if choices.now_and_then(3) else _array(choices, shape, dtype)


def _array(choices: Choices, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return an array of a shape, or something that only resembles one."""
    rng = np.random.default_rng(choices.byte())
    array = rng.standard_normal(shape).astype(choices.one_of((dtype, dtype, dtype, np.float64, np.float32)))
    changes = {
        8: array.tolist,
        9: lambda: np.asfortranarray(array),
        10: lambda: np.repeat(array, 2, axis=0)[::2],
        11: lambda: array[::-1],
        12: lambda: np.broadcast_to(array[:1], shape),
        13: lambda: array[0],
        14: lambda: array[..., :-1],
        15: lambda: array[np.newaxis],
        16: lambda: array.astype(object),
        17: lambda: array.astype(complex),
        18: lambda: array.astype(np.float16),
        19: lambda: (array * 10).astype(int),
        20: lambda: array.astype(str),
        21: lambda: np.ma.masked_array(array, mask=array > 0),
        22: lambda: [array.tolist(), 1],
        23: lambda: float("nan"),
        24: lambda: "array",
        25: dict,
        26: lambda: array * np.inf,
        27: lambda: np.where(array > 1, np.nan, array),
        28: lambda: array * 1e308,
        29: array.__iter__,
        30: lambda: array.astype(">f8"),
        31: lambda: np.empty(shape, "M8[s]"),
    }
    return changes.get(choices.below(64), lambda: array)()


def _plain(value: Any, dtype: Any) -> Any:
    return None if value is None else np.array(value, dtype, order="C")


def _bits(value: Any) -> object:
    if isinstance(value, np.ndarray):
        padded = value.dtype in (object, np.longdouble)  # their memory holds more than the value
        return value.dtype, value.shape, repr(value.tolist()) if padded else value.tobytes()
    return repr(value) if isinstance(value, (list, dict, str, float)) else type(value)


def _assert_ours(refusal: Exception) -> None:
    """Raise unless an error is one of ours, which advise; others would have come from deep inside."""
    trace, last = refusal.__traceback__, ""
    while trace is not None:
        last, trace = trace.tb_frame.f_globals.get("__name__", ""), trace.tb_next
    assert last.startswith("refrnn"), f"{refusal!r} came from {last}"
    assert str(refusal).endswith("."), f"{refusal!r} is no sentence"
