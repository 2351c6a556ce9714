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
from conformance.cases.cotangents import drawn_cotangents, laid_out, strided
from conformance.cases.formats import FORMATS, Format
from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT, Head, drawn_parameters
from conformance.cases.masks import is_masked, replayed_masks
from conformance.cases.regimes import drawn_inputs, drawn_states, drawn_weights
from refrnn import Array, Layout

BRANCHES = ("weights", "x", "h_0", "cotangents", "noise", "head", "masks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The arrays of one case, in the layout of the case; none of them may be changed.

    Examples
    --------
    >>> problem = materialise(Case(steps=5, batch=3, input_size=2, hidden_size=4, dtype="f64"))
    >>> problem.x.shape, problem.weights["weight_hh_l0"].shape, problem.d_output.shape
    ((5, 3, 2), (4, 4), (5, 3, 4))
    """

    case: Case
    layout: Layout
    weights: Mapping[str, Array]  # by torch's names
    x: Array  # (T, B, I), (B, T, I) or (T, I); NaN in the padding
    h_0: Array | None = None  # (L*D, B, P) or (L*D, P), where P is H without projections
    d_output: Array | None = None
    """Like output; None where the loss doesn't see it, with a head what comes through it."""
    d_h_n: Array | None = None  # like h_n
    lengths: Array | None = None  # (B,)
    c_0: Array | None = None  # (L*D, B, H) or (L*D, H), of an LSTM
    d_c_n: Array | None = None  # like c_n
    head: Head | None = None
    masks: np.ndarray | None = None  # (L-1, T, B, D*H), True where dropout keeps a value
    mask_seed: int = 0  # with which torch's generator draws these masks

    @property
    def format(self) -> Format:
        """The precision of all numbers."""
        return FORMATS[self.case.dtype]

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """The dtype of all arrays, which holds these numbers."""
        return self.format.held

    def branch(self, name: str) -> np.random.SeedSequence:
        """Return the branch of the case's seed tree that is called `name` (one of `BRANCHES`)."""
        return _branch(self.case, name)

    @property
    def is_finite(self) -> bool:
        """Whether there is no NaN or infinity among the data, but in the padding."""
        x = np.where(self.active[..., np.newaxis], self.layout.time_major(self.x), 0.0)
        seen = None if self.d_output is None else self.layout.time_major(self.d_output)
        cotangents = [] if seen is None else [np.where(self.active[..., np.newaxis], seen, 0.0)]
        states = [*self.given_states.values(), *self.seen_finals.values()]
        return all(np.isfinite(a).all() for a in (*self.parameters.values(), x, *cotangents, *states))

    @property
    def places(self) -> list[tuple[int, int]]:
        """Every layer and direction, in the order of h_0 and h_n."""
        return [(layer, d) for layer in range(self.case.layers) for d in range(self.case.directions)]

    def weights_at(self, place: tuple[int, int]) -> dict[str, Array]:
        """Return the parameters of one layer and direction by torch's names: weights, then biases."""
        return {name: self.weights[name] for name in self.case.parameters_at(*place)}

    @property
    def parameters(self) -> dict[str, Array]:
        """All parameters by name, those of the head among them."""
        return {**self.weights, **({} if self.head is None else self.head.parameters)}

    @property
    def initial_state(self) -> Array:
        """h_0 as (L*D, B, P), zeros where none is given."""
        return self.initial_states["h"]

    @property
    def given_states(self) -> dict[str, Array]:
        """The initial values that are given of the carried vectors, by letter, in the layout of the case."""
        found = {letter: getattr(self, f"{letter}_0") for letter in self.case.carried}
        return {letter: state for letter, state in found.items() if state is not None}

    @property
    def seen_finals(self) -> dict[str, Array]:
        """The cotangents of the final values that the loss sees, by letter, in the layout of the case."""
        found = {letter: getattr(self, f"d_{letter}_n") for letter in self.case.carried}
        return {letter: d for letter, d in found.items() if d is not None}

    @property
    def initial_states(self) -> dict[str, Array]:
        """The initial value of every carried vector as (L*D, B, ·), zeros where none is given."""
        return self._by_letter(self.given_states)

    @property
    def final_cotangents(self) -> dict[str, Array]:
        """The cotangent of the final value of every carried vector as (L*D, B, ·), zeros where the loss sees none."""
        return self._by_letter(self.seen_finals)

    def _by_letter(self, given: Mapping[str, Array]) -> dict[str, Array]:
        count, batch = len(self.places), self.case.batch
        return {
            letter: self.layout.batched_state(given[letter])
            if letter in given
            else np.zeros((count, batch, self.case.width_of(letter)), self.dtype)
            for letter in self.case.carried
        }

    def dropped(self, layer: int, values: Array) -> Array:
        """Return what dropout leaves of an output of `layer`, or of its gradient: (T, B, D*H)."""
        if self.masks is None:
            return values
        kept = 0.0 if self.case.dropout == 1 else 1 / (1 - self.case.dropout)
        return values * (self.masks[layer] * values.dtype.type(kept))

    @property
    def dropout_roundings(self) -> int:
        """How many roundings part two correct programs in what dropout leaves of a value: 0 where 1 / (1 − p) is exact.

        Otherwise p, 1 − p, its reciprocal and the product with it are rounded (docs/derivations.md, section 4.1).
        """
        kept = 1 - self.case.dropout
        return 0 if self.masks is None or kept == 0 or math.frexp(kept)[0] == 0.5 else 4

    @property
    def active(self) -> Array:
        """True (T, B) where a sample has a step."""
        steps, batch = self.case.steps, self.case.batch
        if self.lengths is None:
            return np.ones((steps, batch), np.bool_)
        return np.arange(steps)[:, np.newaxis] < self.lengths


def materialise(case: Case) -> Problem:
    """Draw the arrays of `case`, the same ones whenever it is asked.

    Examples
    --------
    >>> case = Case(steps=5, batch=3, input_size=2, hidden_size=4, dtype="f64")
    >>> bool((materialise(case).x == materialise(case).x).all())
    True
    """
    rng = {name: np.random.default_rng(_branch(case, name)) for name in BRANCHES}
    layout = Layout({"time-first": "time first", "batch-first": "batch first"}.get(case.layout, "unbatched"))
    x, initial = drawn_inputs(case, layout, rng["x"]), drawn_states(case, layout, rng["h_0"])
    d_seen, d_final = drawn_cotangents(case, layout, rng["cotangents"])
    d_seen = None if d_seen is None else _cotangent(case, d_seen)
    head = None
    if case.output_size:
        parameters = _parameters(case, drawn_parameters(case, rng["head"]))
        head = Head(weight=parameters[HEAD_WEIGHT], bias=parameters.get(HEAD_BIAS), d_y=d_seen)
    masked = is_masked(case)
    mask_seed = int(rng["masks"].integers(2**63))
    return Problem(
        case=case,
        layout=layout,
        weights=MappingProxyType(_parameters(case, drawn_weights(case, rng["weights"]))),
        x=_given(case, x),
        **{f"{letter}_0": _given(case, state) for letter, state in initial.items()},
        d_output=d_seen if head is None else head.d_output,
        **{f"d_{letter}_n": _cotangent(case, d) for letter, d in d_final.items()},
        lengths=_fixed(np.array(case.lengths)) if case.lengths else None,
        head=head,
        masks=_fixed(replayed_masks(case, mask_seed)) if masked else None,
        mask_seed=mask_seed,
    )


def _cotangent(case: Case, drawn: Array) -> Array:
    """Return a cotangent in the precision of the case, and in memory as the case wants it."""
    return _fixed(laid_out(case, _rounded(case, drawn)))


def _parameters(case: Case, drawn: Mapping[str, Array]) -> dict[str, Array]:
    return {name: _given(case, w) for name, w in drawn.items()}


def _given(case: Case, drawn: Array) -> Array:
    """Return a weight, an input or a state in the precision of the case, and in memory as the case wants it."""
    return _fixed(strided(case, _rounded(case, drawn)))


def _rounded(case: Case, values: Array) -> Array:
    """Return values in the precision of the case."""
    return FORMATS[case.dtype].rounded(values)


def _fixed(values: Array) -> Array:
    """Return an array through which it can't be changed."""
    values.flags.writeable = False
    return values


def _branch(case: Case, name: str) -> np.random.SeedSequence:
    """Return the branch of the case's seed tree that is called `name`."""
    digest = hashlib.sha256(case.id.encode()).digest()
    return np.random.SeedSequence(list(np.frombuffer(digest, dtype="<u4")), spawn_key=(BRANCHES.index(name),))
