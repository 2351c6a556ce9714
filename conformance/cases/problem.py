"""A case made concrete: weights, inputs, initial state and cotangents, from one seed tree.

The root of the tree is the case's id, so that a case has the same data on every machine, in every worker
and in every order of running. Each kind of array has a branch of its own. All are drawn in float64
and then rounded to the case's precision; every subject gets the very same bits.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from conformance.cases.case import Case
from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT, Head, drawn_parameters
from refrnn import RNN, Array, Layout

BRANCHES = ("weights", "x", "h_0", "cotangents", "noise", "head")
DTYPES = {"f32": np.dtype(np.float32), "f64": np.dtype(np.float64)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The arrays of one case, in the layout of the case; none of them may be changed."""

    case: Case
    layout: Layout
    weights: Mapping[str, Array]  # by torch's names
    x: Array  # (T, B, I), (B, T, I) or (T, I); NaN in the padding
    h_0: Array | None  # (L*D, B, H) or (L*D, H)
    d_output: (
        Array | None
    )  # like output, None where the loss doesn't see it; with a head, what comes through it
    d_h_n: Array | None  # like h_n
    lengths: Array | None  # (B,)
    head: Head | None = None

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """The precision of all arrays."""
        return DTYPES[self.case.dtype]

    def branch(self, name: str) -> np.random.SeedSequence:
        """Return the branch of the case's seed tree that is called `name` (one of `BRANCHES`)."""
        return _branch(self.case, name)

    @property
    def places(self) -> list[tuple[int, int]]:
        """Every layer and direction, in the order of h_0 and h_n."""
        return [(layer, d) for layer in range(self.case.layers) for d in range(self.case.directions)]

    def weights_at(self, place: tuple[int, int]) -> dict[str, Array]:
        """Return the parameters of one layer and direction by torch's names: weights, then biases."""
        layer, direction = place
        end = f"_l{layer}_reverse" if direction else f"_l{layer}"
        kinds = ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if self.case.bias else ()))
        return {kind + end: self.weights[kind + end] for kind in kinds}

    @property
    def initial_state(self) -> Array:
        """h_0 as (L*D, B, H), zeros where none is given."""
        if self.h_0 is None:
            return np.zeros((len(self.places), self.case.batch, self.case.hidden_size), self.dtype)
        return self.layout.batched_state(self.h_0)

    @property
    def active(self) -> Array:
        """True (T, B) where a sample has a step."""
        steps, batch = self.case.steps, self.case.batch
        if self.lengths is None:
            return np.ones((steps, batch), np.bool_)
        return np.arange(steps)[:, np.newaxis] < self.lengths


def materialise(case: Case) -> Problem:
    """Draw the arrays of `case`."""
    rng = _branches(case)
    layout = Layout({"time-first": "time first", "batch-first": "batch first"}.get(case.layout, "unbatched"))
    states = layout.state_shape(case.layers * case.directions, case.batch, case.hidden_size)
    width = case.output_size or case.directions * case.hidden_size
    lengths = np.array(case.lengths) if case.lengths else None
    if lengths is not None:
        lengths.flags.writeable = False
    x = _inputs(case, layout, rng["x"])
    if lengths is not None:
        layout.time_major(x)[np.arange(case.steps)[:, np.newaxis] >= lengths] = np.nan
    h_0 = {"tiny": 1e-3, "kinks": 1e-6}.get(case.regime, 1.0) * rng["h_0"].uniform(-0.9, 0.9, states)
    d_seen = rng["cotangents"].standard_normal(layout.shape(case.steps, case.batch, width))
    d_h_n = rng["cotangents"].standard_normal(states)
    if case.cotangents == "last":
        last = case.steps - 1 if lengths is None else lengths - 1
        by_time = layout.time_major(d_seen)
        early = np.arange(case.steps)[:, np.newaxis] != last
        by_time[np.broadcast_to(early, by_time.shape[:2])] = 0

    def fixed(values: Array) -> Array:
        values = values.astype(DTYPES[case.dtype])
        values.flags.writeable = False
        return values

    d_seen = None if case.cotangents == "h_n" else fixed(d_seen)
    head = None
    if case.output_size:
        parameters = {name: fixed(w) for name, w in drawn_parameters(case, rng["head"]).items()}
        head = Head(weight=parameters[HEAD_WEIGHT], bias=parameters.get(HEAD_BIAS), d_y=d_seen)
    return Problem(
        case=case,
        layout=layout,
        weights=MappingProxyType({name: fixed(w) for name, w in _weights(case, rng["weights"]).items()}),
        x=fixed(x),
        h_0=fixed(h_0) if case.h_0 else None,
        d_output=d_seen if head is None else head.d_output,
        d_h_n=fixed(d_h_n) if case.cotangents in ("both", "h_n") else None,
        lengths=lengths,
        head=head,
    )


def _branches(case: Case) -> dict[str, np.random.Generator]:
    return {name: np.random.default_rng(_branch(case, name)) for name in BRANCHES}


def _branch(case: Case, name: str) -> np.random.SeedSequence:
    """Return the branch of the case's seed tree that is called `name`."""
    digest = hashlib.sha256(case.id.encode()).digest()
    return np.random.SeedSequence(list(np.frombuffer(digest, dtype="<u4")), spawn_key=(BRANCHES.index(name),))


def _weights(case: Case, rng: np.random.Generator) -> dict[str, Array]:
    """Draw the parameters of the case's regime.

    default    uniform within ±1/√H, torch's own initialisation
    gain<g>    normal: W_hh of standard deviation g/√H, whose spectral radius tends to g (the circular law;
               Ginibre 1965), W_ih of 1/√fan-in, biases of 0.1
    saturated  as gain 2 with W_ih twenty times larger: most |a_t| lie beyond 10, where float32's tanh is 1
    tiny       torch's initialisation times 1e-3 (x and h_0 as well): everything is nearly linear
    zeros      torch's initialisation with the first unit of every layer and direction cut off: its
               pre-activation is exactly 0, the kink of relu
    identity   W_hh the unit matrix with a hundredth of torch's initialisation added: nothing is forgotten, and an error
               made once stays (x is the same at every step)
    positive   torch's initialisation, all signs made positive (x too): sums grow without cancellation, and the
               same rounding comes back at every step
    constant   torch's initialisation, with x the same at every step: the network settles at a fixed point
    tutorial   what tutorials do: normal weights times 0.01 and no biases, which hides many faults
    kinks      torch's initialisation with x near 0 and biases that almost cancel: relu units sit near their kink
    """
    network = RNN(
        case.input_size,
        case.hidden_size,
        case.layers,
        bias=case.bias,
        bidirectional=case.bidirectional,
        generator=rng,
    )
    weights = network.state_dict()
    for name, w in weights.items():
        w[...] = _changed(case, name, w, rng)
    return weights


def _changed(case: Case, name: str, w: Array, rng: np.random.Generator) -> Array:
    """Turn one parameter of torch's initialisation into one of the case's regime."""
    if case.gain is not None or case.regime == "saturated":
        return _deviation(case, name, w.shape[-1]) * rng.standard_normal(w.shape)
    recurrent, bias = name.startswith("weight_hh"), name.startswith("bias")
    first = (np.arange(len(w)) == 0).reshape(-1, *[1] * (w.ndim - 1))
    changed = {
        "tutorial": np.zeros_like(w) if bias else 0.01 * rng.standard_normal(w.shape),
        "tiny": 1e-3 * w,
        "positive": np.abs(w),
        "zeros": np.where(first, 0.0, w),
        "identity": np.eye(len(w)) + w / 100 if recurrent else w,
        "kinks": 1e-6 * w if bias else w,
    }
    return changed.get(case.regime, w)


def _deviation(case: Case, name: str, fan_in: int) -> float:
    if name.startswith("bias"):
        return 0.1
    if name.startswith("weight_hh"):
        return (2.0 if case.gain is None else case.gain) / math.sqrt(fan_in)
    return (20.0 if case.gain is None else 1.0) / math.sqrt(fan_in)


def _inputs(case: Case, layout: Layout, rng: np.random.Generator) -> Array:
    """Draw x: standard normal, or what the regime needs."""
    x = rng.standard_normal(layout.shape(case.steps, case.batch, case.input_size))
    if case.regime in ("identity", "constant"):
        layout.time_major(x)[...] = layout.time_major(x)[0].copy()
    if case.regime == "positive":
        return np.abs(x)
    return {"tiny": 1e-3, "kinks": 1e-6}.get(case.regime, 1.0) * x
