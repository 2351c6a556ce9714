"""The three cells in JAX's operations, one step each, with zeros added to what its gradients are wanted of.

A step turns the carried vectors before into those after: h_t of (B, P), and c_t (B, H) of an LSTM. `w` are the
parameters of a place by torch's names without their places; a missing bias adds nothing. `zeros` holds what is added to
a_t, the sums of W_ih's rows, and to h_t: their gradients are dL/da_t and dL/dh_t.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import jax

    Arrays = Mapping[str, jax.Array]
    States = tuple[jax.Array, ...]
    Step = Callable[[Arrays, States, jax.Array, Arrays], States]


def _read(w: Arrays, x_t: jax.Array, zeros: Arrays) -> jax.Array:
    """Return what x_t adds to the pre-activations, and the zeros: (B, I) @ (I, G·H) -> (B, G·H)."""
    return x_t @ w["weight_ih"].T + w.get("bias_ih", 0) + zeros["a"]


def _recalled(w: Arrays, h: jax.Array) -> jax.Array:
    """Return what h_{t-1} adds to the pre-activations: (B, P) @ (P, G·H) -> (B, G·H)."""
    return h @ w["weight_hh"].T + w.get("bias_hh", 0)


def elman(function: Callable[[jax.Array], jax.Array]) -> Step:
    """Return the step of an Elman network with this nonlinearity."""

    def step(w: Arrays, states: States, x_t: jax.Array, zeros: Arrays) -> States:
        (h,) = states
        return (function(_read(w, x_t, zeros) + _recalled(w, h)) + zeros["h"],)

    return step


def lstm(w: Arrays, states: States, x_t: jax.Array, zeros: Arrays) -> States:
    """Make one step of an LSTM, gates i f g o, h projected where there is W_hr."""
    import jax
    import jax.numpy as jnp

    h, c = states
    i, f, g, o = jnp.split(_read(w, x_t, zeros) + _recalled(w, h), 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h @ w["weight_hr"].T if "weight_hr" in w else h) + zeros["h"], c


def gru(w: Arrays, states: States, x_t: jax.Array, zeros: Arrays) -> States:
    """Make one step of a GRU, gates r z n, as torch's: r multiplies W_hn h_{t-1} + b_hn."""
    import jax
    import jax.numpy as jnp

    (h,) = states
    (x_r, x_z, x_n), (h_r, h_z, h_n) = (
        jnp.split(sums, 3, axis=-1) for sums in (_read(w, x_t, zeros), _recalled(w, h))
    )
    n = jnp.tanh(x_n + jax.nn.sigmoid(x_r + h_r) * h_n)
    return (_mixed(jax.nn.sigmoid(x_z + h_z), n, h) + zeros["h"],)


def gru_reset_before(w: Arrays, states: States, x_t: jax.Array, zeros: Arrays) -> States:
    """Make one step of a GRU whose r multiplies h_{t-1} before the product with W_hn."""
    import jax
    import jax.numpy as jnp

    (h,) = states
    gates = 2 * h.shape[-1]
    x_r, x_z, x_n = jnp.split(_read(w, x_t, zeros), 3, axis=-1)
    of_gates, of_n = (
        {name: array[rows] for name, array in w.items()} for rows in (slice(gates), slice(gates, None))
    )
    h_r, h_z = jnp.split(_recalled(of_gates, h), 2, axis=-1)
    n = jnp.tanh(x_n + _recalled(of_n, jax.nn.sigmoid(x_r + h_r) * h))
    return (_mixed(jax.nn.sigmoid(x_z + h_z), n, h) + zeros["h"],)


def _mixed(z: jax.Array, n: jax.Array, h: jax.Array) -> jax.Array:
    return (1 - z) * n + z * h


def function_of(nonlinearity: str) -> Callable[[jax.Array], jax.Array]:
    """Return the nonlinearity of an Elman network, as JAX has it."""
    import jax

    return {"tanh": jax.numpy.tanh, "relu": jax.nn.relu}[nonlinearity]


def step_of(cell: str, nonlinearity: str, reset: str) -> Step:
    """Return the step of a case's cell."""
    if cell == "rnn":
        return elman(function_of(nonlinearity))
    return {"lstm": lstm, "gru": gru if reset == "after" else gru_reset_before}[cell]
