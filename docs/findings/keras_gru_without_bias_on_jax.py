"""A float32 GRU of Keras without biases fails on JAX with float64 enabled: exits with 1 where it does. Needs keras."""

import os
import sys

os.environ["KERAS_BACKEND"] = "jax"

import jax
import keras
import numpy as np

jax.config.update("jax_enable_x64", True)
try:
    output = keras.layers.GRU(2, use_bias=False, dtype="float32")(np.ones((1, 3, 1), np.float32))
except TypeError as error:
    print(next(line for line in str(error).splitlines() if "carry h" in line))
    sys.exit(1)
print(f"a float32 GRU without biases gives {output.dtype}")
