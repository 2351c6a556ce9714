import numpy as np
from dataclasses import dataclass


@dataclass
class Cell:
    U: np.ndarray  # (hidden, input)
    V: np.ndarray  # (hidden, hidden)
    a: np.ndarray  # (hidden,)

    def __call__(self, x, h):
        return np.tanh(self.U @ x + self.V @ h + self.a)

    def vjp(self, x, h, out, g):
        """Pull g = dL/dout back: returns dL/dx, dL/dh and the gradients of U, V, a."""
        e = g * (1 - out * out)
        return self.U.T @ e, self.V.T @ e, np.outer(e, x), np.outer(e, h), e
