import numpy as np
from collections import namedtuple

Config = namedtuple("Config", "n_in n_hidden n_out learning_rate")


class RNN:
    def __init__(self, config):
        self.cfg = config
        c = config
        self.theta = {
            "W_ih": np.random.randn(c.n_hidden, c.n_in) * 0.1,
            "W_hh": np.random.randn(c.n_hidden, c.n_hidden) * 0.1,
            "W_ho": np.random.randn(c.n_out, c.n_hidden) * 0.1,
            "b_h": np.zeros((c.n_hidden, 1)),
            "b_o": np.zeros((c.n_out, 1)),
        }
        self.cache = {}

    def forward(self, x):
        """x: (n_in, T)"""
        T = x.shape[1]
        th = self.theta
        h = np.zeros((self.cfg.n_hidden, T + 1))
        o = np.zeros((self.cfg.n_out, T))
        for t in range(T):
            h[:, t + 1:t + 2] = np.tanh(th["W_ih"] @ x[:, t:t + 1] + th["W_hh"] @ h[:, t:t + 1] + th["b_h"])
            o[:, t:t + 1] = th["W_ho"] @ h[:, t + 1:t + 2] + th["b_o"]
        self.cache = {"x": x, "h": h, "o": o}
        return o

    def backward(self, do):
        x, h = self.cache["x"], self.cache["h"]
        th, T = self.theta, do.shape[1]
        grad = {k: np.zeros_like(v) for k, v in th.items()}
        grad["W_ho"] = do @ h[:, 1:].T
        grad["b_o"] = do.sum(axis=1, keepdims=True)
        dh = np.zeros((self.cfg.n_hidden, 1))
        for t in reversed(range(T)):
            dh = dh + th["W_ho"].T @ do[:, t:t + 1]
            da = dh * (1 - h[:, t + 1:t + 2] ** 2)
            grad["W_ih"] += da @ x[:, t:t + 1].T
            grad["W_hh"] += da @ h[:, t:t + 1].T
            grad["b_h"] += da
            dh = th["W_hh"].T @ da
        self.grad = grad
        return grad
