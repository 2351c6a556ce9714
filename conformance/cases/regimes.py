"""Data regimes: how the weights, x and h_0 of a case are drawn, and what each regime is there to reach.

default    torch's own initialisation, uniform within ±1/√H; x standard normal
gain<g>    normal: W_hh of standard deviation g/√H, whose spectral radius tends to g (the circular law;
Ginibre 1965), W_ih of 1/√fan-in, biases of 0.1
saturated  as gain 2 with W_ih twenty times larger: most |a_t| lie beyond 10, where float32's tanh is 1
tiny       torch's initialisation, x and h_0 times 1e-3: everything is nearly linear
subnormal  torch's initialisation, with biases, x and h_0 so small that states are subnormal numbers
zeros      torch's initialisation with the first unit of every layer and direction cut off: its
pre-activation is exactly 0, the kink of relu
negzero    as zeros, with half of x and h_0 made −0, which is 0 with another sign
nan, inf   torch's initialisation, with one NaN (infinity) in x, in the middle of the first sample
identity   W_hh the unit matrix with a hundredth of torch's initialisation added: nothing is forgotten, and an error
made once stays (x is the same at every step)
positive   torch's initialisation, all signs made positive (x too): sums grow without cancellation, and the
same rounding comes back at every step
constant   torch's initialisation, with x the same at every step: the network settles at a fixed point
ids        torch's initialisation, with one-hot rows for x, as networks over words take them: rows come again
shifted    torch's initialisation with ±12 or ±100 added to the input biases of all units but the first: they sit where
their functions round to 0 or 1, some of them where σ is smaller than any number
filled     torch's initialisation with 3 added to the biases' sum, and c_0 up to ±60, most of which is kept
endless    torch's initialisation with one infinity in c_0, in the first sample
tutorial   what tutorials do: normal weights times 0.01 and no biases, which hides many faults
uneven     weights of torch's signs whose sizes lie anywhere from 1e-3 to 1e3, evenly on a logarithmic scale
nanwih, infh0, …   torch's initialisation with one NaN (infinity) in one array, of the first layer or the first sample:
wih, whh, bih, bhh (parameters), h0, dout or dhn (cotangents of output and h_n)
kinks      torch's initialisation with x near 0 and biases that almost cancel: relu units sit near their kink
"""

import math
from collections.abc import Mapping

import numpy as np

from conformance.cases.case import Case
from conformance.cases.formats import FORMATS
from conformance.cases.networks import reference_network
from refrnn import Array, Layout


def drawn_weights(case: Case, rng: np.random.Generator) -> dict[str, Array]:
    """Draw the parameters of the case's regime by torch's names, in float64."""
    weights = reference_network(case, np.float64, rng).state_dict()
    for name, w in weights.items():
        w[...] = _changed(case, name, w, rng)
    poison(case, {name.removesuffix("_l0"): w for name, w in weights.items()})
    return weights


def poison(case: Case, arrays: Mapping[str, Array]) -> None:
    """Put the NaN or infinity of the case's regime into the first number of its array, if that is here."""
    value, name = case.poisoned or (0.0, "")
    if name in arrays:
        arrays[name].flat[0] = value


def middle(case: Case) -> int:
    """Return the step in the middle of the first sample."""
    last = case.lengths[0] - 1 if case.lengths else case.steps - 1
    return (last + 1) // 2


def drawn_inputs(case: Case, layout: Layout, rng: np.random.Generator) -> Array:
    """Draw x in the layout of the case, in float64; NaN in the padding."""
    x = rng.standard_normal(layout.shape(case.steps, case.batch, case.input_size))
    by_time = layout.time_major(x)
    if case.regime in ("identity", "constant"):
        by_time[...] = by_time[0].copy()
    if case.regime == "positive":
        x[...] = np.abs(x)
    if case.regime == "ids":
        x[...] = x == x.max(axis=-1, keepdims=True)
    x *= _scale(case)
    if case.regime == "negzero":
        x.flat[::2] = -0.0
    if case.regime in ("nan", "inf"):
        by_time[middle(case), 0, 0] = float(case.regime)
    if case.lengths:
        by_time[np.arange(case.steps)[:, np.newaxis] >= np.array(case.lengths)] = np.nan
    return x


def drawn_states(case: Case, layout: Layout, rng: np.random.Generator) -> dict[str, Array]:
    """Draw the initial values that are given of the carried vectors, in the layout of the case, in float64."""
    states: dict[str, Array] = {}
    for letter in case.carried if case.h_0 else ():
        shape = layout.state_shape(case.layers * case.directions, case.batch, case.width_of(letter))
        states[letter] = _scale(case) * rng.uniform(-0.9, 0.9, shape)
        if case.regime == "negzero":
            states[letter].flat[::2] = -0.0
    if case.regime == "filled":
        states["c"] *= 60 / 0.9
    if case.regime == "endless":
        states["c"].flat[0] = np.inf
    poison(case, {f"{letter}_0": state for letter, state in states.items()})
    return states if case.c_0 else {"h": states["h"]}


def _scale(case: Case) -> float:
    """Return the size of x and h_0 in the case's regime."""
    subnormal = FORMATS[case.dtype].smallest_normal / 16
    return {"tiny": 1e-3, "kinks": 1e-6, "subnormal": subnormal}.get(case.regime, 1.0)


def _changed(case: Case, name: str, w: Array, rng: np.random.Generator) -> Array:
    """Turn one parameter of torch's initialisation into one of the case's regime."""
    if case.gain is not None or case.regime == "saturated":
        return _deviation(case, name, w.shape[-1]) * rng.standard_normal(w.shape)
    recurrent, bias = name.startswith("weight_hh"), name.startswith("bias")
    first = (np.arange(len(w)) == 0).reshape(-1, *[1] * (w.ndim - 1))
    changed = {
        "tutorial": np.zeros_like(w) if bias else 0.01 * rng.standard_normal(w.shape),
        "tiny": 1e-3 * w,
        "subnormal": _scale(case) * w if bias else w,
        "positive": np.abs(w),
        "zeros": np.where(first, 0.0, w),
        "negzero": np.where(first, 0.0, w),
        "shifted": w + _shifts(case, len(w), rng)
        if name.startswith("bias_ih") and case.regime == "shifted"
        else w,
        "filled": w + 1.5 if bias else w,
        "identity": _unit_matrices(case, w) + w / 100 if recurrent else w,
        "kinks": 1e-6 * w if bias else w,
        "uneven": np.copysign(10 ** rng.uniform(-3, 3, w.shape), w) if case.regime == "uneven" else w,
    }
    return changed.get(case.regime, w)


def _shifts(case: Case, rows: int, rng: np.random.Generator) -> Array:
    """Return shifts of gates: in each, units that are shut and open, altogether or nearly; the first is as it was."""
    others = np.resize([-100.0, -12.0, 12.0, 100.0], case.hidden_size - 1)
    return np.concatenate([[0.0, *rng.permutation(others)] for _ in range(rows // case.hidden_size)])


def _unit_matrices(case: Case, w: Array) -> Array:
    """Return unit matrices below each other, one for each block of a recurrent weight."""
    return np.tile(np.eye(case.hidden_size, w.shape[-1]), (len(w) // case.hidden_size, 1))


def _deviation(case: Case, name: str, fan_in: int) -> float:
    if name.startswith("bias"):
        return 0.1
    if name.startswith("weight_hh"):
        return (2.0 if case.gain is None else case.gain) / math.sqrt(fan_in)
    return (20.0 if case.gain is None else 1.0) / math.sqrt(fan_in)
