"""flax.nnx.RNN over a SimpleCell, differentiated by `jax.vjp`: every state shown, results of the backward pass only.

Flax has one bias where torch has two, and no stack: layers are composed, and dropout applied, by what runs JAX here.
Without biases its one is 0, and what it would learn isn't shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.subjects.jax_scan import JaxNetwork, Sequence

if TYPE_CHECKING:
    import jax


def _scanned(sequence: Sequence) -> tuple[jax.Array, jax.Array]:
    """Run a sequence through flax's own scan, back to front where it is the reverse direction."""
    import jax.numpy as jnp
    from flax import nnx

    w_ih, w_hh, *biases = sequence.weights
    hidden_size, input_size = w_ih.shape
    cell = nnx.SimpleCell(
        input_size,
        hidden_size,
        activation_fn=sequence.kind.function,
        dtype=w_ih.dtype,
        param_dtype=w_ih.dtype,
        rngs=nnx.Rngs(0),
    )
    cell.dense_i.kernel.set_value(w_ih.T)
    cell.dense_h.kernel.set_value(w_hh.T)
    cell.dense_i.bias.set_value(sum(biases) if biases else jnp.zeros(hidden_size, w_ih.dtype))
    rnn = nnx.RNN(cell, time_major=True, return_carry=True, reverse=sequence.reverse, keep_order=True)
    last, states = rnn(sequence.x, initial_carry=sequence.h_0, seq_lengths=sequence.lengths)
    return states, last


SUBJECT = JaxNetwork(
    name="flax",
    description="flax.nnx.RNN over SimpleCell, every state shown",
    scan=_scanned,
    probed=False,
)
