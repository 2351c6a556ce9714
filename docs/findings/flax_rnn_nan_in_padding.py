"""flax.nnx.RNN's gradient by x in the padding is NaN where a bias is: exits with 1 where it is. Needs flax."""

import sys

import jax
import jax.numpy as jnp
from flax import nnx

x, lengths, h_0 = jnp.ones((2, 3, 1)), jnp.array([3, 1]), jnp.zeros((2, 2))
has_step = jnp.arange(3)[:, None] < lengths[:, None, None]


def _loss(x: jax.Array) -> jax.Array:
    cell = nnx.SimpleCell(1, 2, rngs=nnx.Rngs(0))
    cell.dense_i.bias.set_value(jnp.array([jnp.nan, 0.0]))
    output = nnx.RNN(cell)(x, initial_carry=h_0, seq_lengths=lengths)
    return jnp.where(has_step, output, 0).sum()


gradient = jax.grad(_loss)(x)[1, 1:, 0]
by_itself = jax.grad(lambda x: jnp.where(False, jnp.tanh(x + jnp.nan), 0.0))(1.0)
print(f"dL/dx beyond the length of a sample: {gradient}; of where(False, tanh(x + nan), 0): {by_itself}")
sys.exit(bool((gradient != 0).any()))
