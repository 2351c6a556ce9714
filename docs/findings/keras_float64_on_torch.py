"""Keras on torch computes float64 layers in float32: exits with 1 where it does. Needs keras and torch."""

import os
import sys

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np

rng = np.random.default_rng(0)
x, w = rng.standard_normal((3, 4)), rng.standard_normal((4, 5))
layer = keras.layers.Dense(5, use_bias=False, dtype="float64")
layer.build((None, 4))
layer.set_weights([w])
y = keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(x, "float64")))
error = np.abs(y - x @ w).max()
print(f"Dense(dtype='float64') returns {y.dtype}, wrong by {error:.1g}; float64 itself is good to 1e-15")
sys.exit(bool(error > 1e-12))
