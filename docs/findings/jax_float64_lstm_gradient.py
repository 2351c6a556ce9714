"""jax.grad of an LSTM's scan is wrong in float64 unless jit is around it: exits with 1 where it is. Needs jax."""

import sys

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
rng = np.random.default_rng(0)
shapes = ((5, 4, 3), (4, 6), (3, 24), (6, 24), (5, 4, 6), (5, 4, 3))  # T 5, B 4, I 3, H 6
x, h_0, w, u, seen, way = (jnp.array(rng.standard_normal(shape)) for shape in shapes)


def _step(carry: tuple[jax.Array, ...], x_t: jax.Array) -> tuple[tuple[jax.Array, ...], ...]:
    i, f, g, o = jnp.split(x_t @ w + carry[1] @ u, 4, axis=-1)
    c = jax.nn.sigmoid(f) * carry[0] + jax.nn.sigmoid(i) * jnp.tanh(g)
    return (c, h := jax.nn.sigmoid(o) * jnp.tanh(c)), (c, h, h)


def _loss(x: jax.Array) -> jax.Array:
    return sum((states * seen).sum() for states in jax.lax.scan(_step, (h_0, h_0), x)[1])


right = (_loss(x + 1e-6 * way) - _loss(x - 1e-6 * way)) / 2e-6
got, compiled = ((gradient(x) * way).sum() for gradient in (jax.grad(_loss), jax.jit(jax.grad(_loss))))
print(f"central difference {right:.6f}, grad {got:.6f}, jit of grad {compiled:.6f}")
sys.exit(bool(abs(got - right) > 1e-6))
