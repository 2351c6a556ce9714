import numpy as np
from typing import List, Tuple


class VanillaRNN:
    """Sequence labelling with a plain RNN."""

    def __init__(self, input_dim: int, hidden_dim: int, output_dim: int) -> None:
        rng = np.random.default_rng(0)
        self.weight_xh: np.ndarray = rng.normal(0, 0.1, (hidden_dim, input_dim))
        self.weight_hh: np.ndarray = rng.normal(0, 0.1, (hidden_dim, hidden_dim))
        self.weight_hy: np.ndarray = rng.normal(0, 0.1, (output_dim, hidden_dim))
        self.bias_h: np.ndarray = np.zeros(hidden_dim)
        self.bias_y: np.ndarray = np.zeros(output_dim)

    def forward(self, xs: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        steps = xs.shape[0]
        hs = np.zeros((steps, self.bias_h.size))
        ys = np.zeros((steps, self.bias_y.size))
        h = np.zeros(self.bias_h.size)
        for t in range(steps):
            h = np.tanh(self.weight_xh @ xs[t] + self.weight_hh @ h + self.bias_h)
            hs[t] = h
            ys[t] = self.weight_hy @ h + self.bias_y
        return ys, hs

    def backward(self, xs: np.ndarray, hs: np.ndarray, dys: np.ndarray) -> List[np.ndarray]:
        steps = xs.shape[0]
        g_xh, g_hh, g_hy = (np.zeros_like(w) for w in (self.weight_xh, self.weight_hh, self.weight_hy))
        g_bh, g_by = np.zeros_like(self.bias_h), np.zeros_like(self.bias_y)
        dh_next = np.zeros(self.bias_h.size)
        for t in reversed(range(steps)):
            g_hy += np.outer(dys[t], hs[t])
            g_by += dys[t]
            dh = self.weight_hy.T @ dys[t] + dh_next
            da = dh * (1 - hs[t - 1] ** 2)
            g_xh += np.outer(da, xs[t])
            g_hh += np.outer(da, hs[t - 1])
            g_bh = da
            dh_next = self.weight_hh @ da
        return [g_xh, g_hh, g_hy, g_bh, g_by]
