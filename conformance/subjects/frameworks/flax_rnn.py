"""flax.nnx.RNN over its cells, differentiated by `jax.vjp`: every h_t but of LSTMs, the way back by its results.

Flax has one bias where torch has two, and no stack: layers are composed, and dropout applied, by what runs JAX here.
Without biases its one is 0, and what it would learn isn't shown. Its GRU has no b_hn, which r would multiply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.errors import Unsupported
from conformance.subjects.frameworks.jax_cells import function_of
from conformance.subjects.frameworks.jax_scan import JaxNetwork, Sequence

if TYPE_CHECKING:
    import jax

    from conformance.cases import Case
    from conformance.subjects.frameworks.jax_cells import States

CELLS = {"rnn": "SimpleCell", "lstm": "OptimizedLSTMCell", "gru": "GRUCell"}
"""Flax's cells; its other one of an LSTM does the same with eight matrices."""


def _refuse(case: Case) -> None:
    if case.proj_size:
        message = "Flax's LSTM has no projection."
        raise Unsupported(message)
    if case.reset == "before":
        message = "Flax's GRU has its reset gate after the product with W_hn."
        raise Unsupported(message)
    if case.cell == "gru" and case.bias:
        message = "Flax's GRU has no bias b_hn beside W_hn h."
        raise Unsupported(message)


def _scanned(sequence: Sequence) -> tuple[jax.Array, States]:
    """Run a sequence through flax's own scan, back to front where it is the reverse direction."""
    import jax.numpy as jnp
    from flax import nnx

    kind, w = sequence.kind, sequence.weights
    w_ih, w_hh = w["weight_ih"], w["weight_hh"]
    own: dict[str, Any] = {"activation_fn": function_of(kind.nonlinearity)} if kind.cell == "rnn" else {}
    cell = getattr(nnx, CELLS[kind.cell])(
        w_ih.shape[1], w_hh.shape[1], dtype=w_ih.dtype, param_dtype=w_ih.dtype, rngs=nnx.Rngs(0), **own
    )
    cell.dense_i.kernel.set_value(w_ih.T)
    cell.dense_h.kernel.set_value(w_hh.T)
    biased = cell.dense_h if kind.cell == "lstm" else cell.dense_i
    zeros = jnp.zeros(len(w_ih), w_ih.dtype)
    biased.bias.set_value(w.get("bias_ih", zeros) + w.get("bias_hh", zeros))
    rnn = nnx.RNN(cell, time_major=True, return_carry=True, reverse=sequence.reverse, keep_order=True)
    carry = sequence.initial[::-1] if kind.cell == "lstm" else sequence.initial[0]  # c before h
    last, states = rnn(sequence.x, initial_carry=carry, seq_lengths=sequence.lengths)
    return states, tuple(last)[::-1] if kind.cell == "lstm" else (last,)


SUBJECT = JaxNetwork(
    name="flax",
    description="flax.nnx.RNN over SimpleCell, OptimizedLSTMCell and GRUCell, every h_t shown but of LSTMs",
    scan=_scanned,
    probed=False,
    refuse=_refuse,
)
