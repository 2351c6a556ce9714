"""An RNN in JAX: `lax.scan` over time for each direction and `jax.vjp` for every gradient, every step shown.

JAX has no network of its own; this is how one is written in it. The gradients of single steps are those of zeros that
are added to every a_t and h_t. One compiled function runs both passes, anew for each kind of network and each shape,
at a second or more; JAX keeps what it compiled on disk where JAX_COMPILATION_CACHE_DIR names a folder.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from conformance.errors import Unsupported
from conformance.subjects.time_major import TimeMajor

if TYPE_CHECKING:
    from collections.abc import Callable

    import jax

    from conformance.cases import Case, Problem
    from conformance.subjects.observation import Observation


class Kind(Struct, frozen=True, kw_only=True):
    """What of a case decides which operations its network has, whatever their shapes."""

    nonlinearity: str
    layers: int
    directions: int
    bias: bool

    @classmethod
    def of(cls, case: Case) -> Kind:
        """Return the kind of a case's network."""
        return cls(
            nonlinearity=case.nonlinearity, layers=case.layers, directions=case.directions, bias=case.bias
        )

    @property
    def function(self) -> Callable[[jax.Array], jax.Array]:
        """The nonlinearity, as JAX has it."""
        import jax

        return {"tanh": jax.numpy.tanh, "relu": jax.nn.relu}[self.nonlinearity]


class Sequence(Struct, frozen=True, kw_only=True):
    """What one layer reads in one direction: x (T, B, I), h_0 (B, H), and lengths (B,) where samples have them.

    `weights` are W_ih, W_hh and both biases, where there are any. `to_a` and `to_h` (T, B, H) are zeros, to be added.
    """

    kind: Kind
    reverse: bool
    x: jax.Array
    h_0: jax.Array
    lengths: jax.Array | None
    weights: tuple[jax.Array, ...]
    to_a: jax.Array
    to_h: jax.Array


class JaxNetwork(Struct, frozen=True, kw_only=True):
    """Layers over a scan, called forward and backward as one compiled function.

    Attributes
    ----------
    scan
        Returns h_t (T, B, H) of a sequence, whatever in the padding, and the last state (B, H).
    probed
        Whether it adds the zeros, so that their gradients are those of its steps.
    """

    name: str
    description: str
    scan: Callable[[Sequence], tuple[jax.Array, jax.Array]]
    probed: bool

    def run(self, problem: Problem) -> Observation:
        """Run both passes in the problem's own precision."""
        if problem.case.cell != "rnn":
            message = f"This network is one of an RNN, not of an {problem.case.cell}."
            raise Unsupported(message)
        if not problem.format.decides:
            message = f"XLA doesn't state in which precision it adds up {problem.format.name}, so there is no bound."
            raise Unsupported(message)
        in_full_precision()
        case, plain = problem.case, TimeMajor.of(problem)
        zeros = np.zeros((case.steps, case.batch, case.hidden_size), problem.dtype)
        arguments = {
            "x": plain.x,
            "h_0": plain.h_0,
            "weights": [tuple(problem.weights_at(place).values()) for place in problem.places],
            "to a": [zeros] * len(problem.places),
            "to h": [zeros] * len(problem.places),
        }
        both = both_passes(self.scan, Kind.of(case))
        output, h_n, hidden, found = both(
            arguments, problem.lengths, _kept(problem), (plain.d_output, plain.d_h_n)
        )
        by_place = {
            name: dict(zip(problem.places, found[name], strict=True)) for name in ("weights", "to a", "to h")
        }
        return plain.shown(
            output=output,
            h_n=h_n,
            d_x=found["x"],
            d_h_0=found["h_0"],
            parameters={
                name: gradient
                for place, gradients in by_place["weights"].items()
                for name, gradient in zip(problem.weights_at(place), gradients, strict=True)
            },
            hidden=dict(zip(problem.places, hidden, strict=True)),
            d_hidden=by_place["to h"] if self.probed else {},
            d_pre=by_place["to a"] if self.probed else {},
        )


def in_full_precision() -> None:
    """Let JAX have float64 at all, which is a switch of the whole process."""
    import jax

    jax.config.update("jax_enable_x64", True)


def _kept(problem: Problem) -> np.ndarray | None:
    """Return by what dropout multiplies the output (T, B, D·H) of every layer but the last; None without dropout."""
    if problem.masks is None:
        return None
    ones = np.ones(problem.masks.shape[1:], problem.dtype)
    return np.stack([problem.dropped(layer, ones) for layer in range(len(problem.masks))])


@cache
def both_passes(
    scan: Callable[[Sequence], tuple[jax.Array, jax.Array]], kind: Kind
) -> Callable[..., tuple[Any, Any, Any, Any]]:
    """Return the compiled function of a kind: output, h_n, h_t by place, and the gradients by all arguments."""
    import jax

    def both(
        arguments: dict[str, Any],
        lengths: jax.Array | None,
        kept: jax.Array | None,
        cotangents: tuple[jax.Array, jax.Array],
    ) -> tuple[Any, Any, Any, Any]:
        def network(given: dict[str, Any]) -> tuple[Any, Any]:
            output, h_n, hidden = _network(scan, kind, given, lengths, kept)
            return (output, h_n), hidden

        (output, h_n), back, hidden = jax.vjp(network, arguments, has_aux=True)
        (found,) = back(cotangents)
        return output, h_n, hidden, found

    return jax.jit(both)


def _network(
    scan: Callable[[Sequence], tuple[jax.Array, jax.Array]],
    kind: Kind,
    given: dict[str, Any],
    lengths: jax.Array | None,
    kept: jax.Array | None,
) -> tuple[jax.Array, jax.Array, list[jax.Array]]:
    """Return output (T, B, D·H), 0 in the padding, h_n (L·D, B, H), and h_t (T, B, H) of every place."""
    import jax.numpy as jnp

    below, hidden, finals = given["x"], [], []
    for layer in range(kind.layers):
        for d in range(kind.directions):
            place = layer * kind.directions + d
            states, last = scan(
                Sequence(
                    kind=kind,
                    reverse=d == 1,
                    x=below,
                    h_0=given["h_0"][place],
                    lengths=lengths,
                    weights=given["weights"][place],
                    to_a=given["to a"][place],
                    to_h=given["to h"][place],
                )
            )
            hidden.append(states)
            finals.append(last)
        below = jnp.concatenate(hidden[-kind.directions :], axis=-1)
        if lengths is not None:
            below = jnp.where(_active(below, lengths), below, 0)
        if kept is not None and layer < kind.layers - 1:
            below *= kept[layer]
    return below, jnp.stack(finals), hidden


def _active(sequence: jax.Array, lengths: jax.Array) -> jax.Array:
    """Return (T, B, 1): True where a sample has a step."""
    import jax.numpy as jnp

    return (jnp.arange(len(sequence))[:, np.newaxis] < lengths)[:, :, np.newaxis]


def _scanned(sequence: Sequence) -> tuple[jax.Array, jax.Array]:
    """Scan a sequence; samples without a step hold their state."""
    import jax
    import jax.numpy as jnp

    w_ih, w_hh, *biases = sequence.weights
    f, lengths = sequence.kind.function, sequence.lengths
    active = None if lengths is None else _active(sequence.x, lengths)

    def step(h: jax.Array, at_t: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        x_t, to_a, to_h, *has_step = at_t
        a = x_t @ w_ih.T + h @ w_hh.T + sum(biases) + to_a  # (B, I) @ (I, H) + (B, H) @ (H, H) -> (B, H)
        new = f(a) + to_h
        h = jnp.where(has_step[0], new, h) if has_step else new
        return h, h

    by_step = (sequence.x, sequence.to_a, sequence.to_h, *(() if active is None else (active,)))
    last, states = jax.lax.scan(step, sequence.h_0, by_step, reverse=sequence.reverse)
    return states, last


SUBJECT = JaxNetwork(
    name="jax", description="jax.lax.scan and jax.vjp, every step shown", scan=_scanned, probed=True
)
