"""RNN, LSTM and GRU in JAX: `lax.scan` over time for each direction and `jax.vjp` for every gradient, steps shown.

JAX has no network of its own; this is how one is written in it. The gradients of single steps are those of zeros that
are added to every a_t and h_t. Of an LSTM only the results are shown: XLA computes c_t twice, rounded in two ways, for
h_t and for what is returned, so that no h_t follows from the c_t beside it. One compiled function runs both passes,
anew for each kind of network and each shape, at a second or more; JAX keeps what it compiled on disk where
JAX_COMPILATION_CACHE_DIR names a folder.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from conformance.errors import Unsupported
from conformance.subjects.frameworks.jax_cells import step_of
from conformance.subjects.time_major import TimeMajor

if TYPE_CHECKING:
    from collections.abc import Callable

    import jax

    from conformance.cases import Case, Problem
    from conformance.subjects.frameworks.jax_cells import Arrays, States
    from conformance.subjects.observation import Observation, Place

    Scan = Callable[["Sequence"], tuple[jax.Array, States]]


class Kind(Struct, frozen=True, kw_only=True):
    """What of a case decides which operations its network has, whatever their shapes."""

    cell: str
    nonlinearity: str
    reset: str
    layers: int
    directions: int

    @classmethod
    def of(cls, case: Case) -> Kind:
        """Return the kind of a case's network."""
        return cls(
            cell=case.cell,
            nonlinearity=case.nonlinearity,
            reset=case.reset,
            layers=case.layers,
            directions=case.directions,
        )


class Sequence(Struct, frozen=True, kw_only=True):
    """What one layer reads in one direction: x (T, B, I), the states before it (B, ·), lengths (B,) if there are any.

    `weights` are the parameters by torch's names without the place, `zeros` (T, B, ·) what is to be added, by letter.
    """

    kind: Kind
    reverse: bool
    x: jax.Array
    initial: States
    lengths: jax.Array | None
    weights: Arrays
    zeros: Arrays


class JaxNetwork(Struct, frozen=True, kw_only=True):
    """Layers over a scan, called forward and backward as one compiled function.

    Attributes
    ----------
    scan
        Returns h_t (T, B, P) of a sequence, whatever in the padding, and the last carried vectors (B, ·).
    probed
        Whether it adds the zeros, so that their gradients are those of its steps.
    refuse
        Raises `Unsupported` for cases that it can't be asked.
    """

    name: str
    description: str
    scan: Scan
    probed: bool
    refuse: Callable[[Case], None] = lambda _: None

    def run(self, problem: Problem) -> Observation:
        """Run both passes in the problem's own precision."""
        case, plain = problem.case, TimeMajor.of(problem)
        if not problem.format.decides:
            message = f"XLA doesn't state in which precision it adds up {problem.format.name}, so there is no bound."
            raise Unsupported(message)
        self.refuse(case)
        in_full_precision()
        states = [s for s in (plain.h_0, plain.c_0) if s is not None]
        finals = [d for d in (plain.d_h_n, plain.d_c_n) if d is not None]
        arguments = {
            "x": plain.x,
            "initial": states,
            "weights": [_weights(problem, place) for place in problem.places],
            "zeros": [_zeros(problem) for _ in problem.places],
        }
        both = both_passes(self.scan, Kind.of(case))
        (output, last), shown, found = both(
            arguments, problem.lengths, _kept(problem), (plain.d_output, finals)
        )
        stepwise = len(case.carried) == 1
        d_steps = dict(zip(problem.places, found["zeros"], strict=True)) if stepwise and self.probed else {}
        return plain.shown(
            output=output,
            **{f"{letter}_n": final for letter, final in zip(case.carried, last, strict=True)},
            d_x=found["x"],
            **{f"d_{letter}_0": d for letter, d in zip(case.carried, found["initial"], strict=True)},
            parameters={
                name: gradients[_kind(name)]
                for place, gradients in zip(problem.places, found["weights"], strict=True)
                for name in problem.weights_at(place)
            },
            hidden=dict(zip(problem.places, shown, strict=True)) if stepwise else {},
            d_hidden={place: d["h"] for place, d in d_steps.items()},
            d_pre={place: d["a"] for place, d in d_steps.items()},
        )


def in_full_precision() -> None:
    """Let JAX have float64 at all, which is a switch of the whole process."""
    import jax

    jax.config.update("jax_enable_x64", True)


def _kind(name: str) -> str:
    """Return what a parameter is, without its place: "weight_ih" of "weight_ih_l0_reverse"."""
    return name.rpartition("_l")[0]


def _weights(problem: Problem, place: Place) -> dict[str, np.ndarray]:
    return {_kind(name): array for name, array in problem.weights_at(place).items()}


def _zeros(problem: Problem) -> dict[str, np.ndarray]:
    """Return zeros to be added at every step: to the pre-activations, and to h_t."""
    case = problem.case
    widths = {"a": len(problem.weights["weight_ih_l0"]), "h": case.state_size}
    return {name: np.zeros((case.steps, case.batch, width), problem.dtype) for name, width in widths.items()}


def _kept(problem: Problem) -> np.ndarray | None:
    """Return by what dropout multiplies the output (T, B, D·P) of every layer but the last; None without dropout."""
    if problem.masks is None:
        return None
    ones = np.ones(problem.masks.shape[1:], problem.dtype)
    return np.stack([problem.dropped(layer, ones) for layer in range(len(problem.masks))])


@cache
def both_passes(scan: Scan, kind: Kind) -> Callable[..., tuple[Any, Any, Any]]:
    """Return the compiled function of a kind: the results, h_t by place, and gradients by all arguments."""
    import jax

    def both(
        arguments: dict[str, Any],
        lengths: jax.Array | None,
        kept: jax.Array | None,
        cotangents: tuple[jax.Array, States],
    ) -> tuple[Any, Any, Any]:
        def network(given: dict[str, Any]) -> tuple[Any, Any]:
            output, last, shown = _network(scan, kind, given, lengths, kept)
            return (output, last), shown

        results, back, shown = jax.vjp(network, arguments, has_aux=True)
        (found,) = back(cotangents)
        return results, shown, found

    return jax.jit(both)


def _network(
    scan: Scan,
    kind: Kind,
    given: dict[str, Any],
    lengths: jax.Array | None,
    kept: jax.Array | None,
) -> tuple[jax.Array, list[jax.Array], list[jax.Array]]:
    """Return output (T, B, D·P), 0 in the padding, last states (L·D, B, ·), and h_t of every place."""
    import jax.numpy as jnp

    below, shown, finals = given["x"], [], []
    for layer in range(kind.layers):
        for d in range(kind.directions):
            place = layer * kind.directions + d
            states, last = scan(
                Sequence(
                    kind=kind,
                    reverse=d == 1,
                    x=below,
                    initial=tuple(state[place] for state in given["initial"]),
                    lengths=lengths,
                    weights=given["weights"][place],
                    zeros=given["zeros"][place],
                )
            )
            shown.append(states)
            finals.append(last)
        below = jnp.concatenate(shown[-kind.directions :], axis=-1)
        if lengths is not None:
            below = jnp.where(_active(below, lengths), below, 0)
        if kept is not None and layer < kind.layers - 1:
            below *= kept[layer]
    return below, [jnp.stack(last) for last in zip(*finals, strict=True)], shown


def _active(sequence: jax.Array, lengths: jax.Array) -> jax.Array:
    """Return (T, B, 1): True where a sample has a step."""
    import jax.numpy as jnp

    return (jnp.arange(len(sequence))[:, np.newaxis] < lengths)[:, :, np.newaxis]


def _scanned(sequence: Sequence) -> tuple[jax.Array, States]:
    """Scan a sequence; samples without a step hold their states."""
    import jax
    import jax.numpy as jnp

    kind, lengths = sequence.kind, sequence.lengths
    make = step_of(kind.cell, kind.nonlinearity, kind.reset)

    def step(before: States, at_t: tuple[Any, ...]) -> tuple[States, jax.Array]:
        x_t, zeros, *has_step = at_t
        after = make(sequence.weights, before, x_t, zeros)
        if has_step:
            after = tuple(jnp.where(has_step[0], new, old) for new, old in zip(after, before, strict=True))
        return after, after[0]

    active = () if lengths is None else (_active(sequence.x, lengths),)
    by_step = (sequence.x, sequence.zeros, *active)
    last, states = jax.lax.scan(step, sequence.initial, by_step, reverse=sequence.reverse)
    return states, last


SUBJECT = JaxNetwork(
    name="jax",
    description="RNN, LSTM and GRU by jax.lax.scan and jax.vjp, every step shown but of LSTMs",
    scan=_scanned,
    probed=True,
)
