#!/usr/bin/env python
# -*- coding: utf-8 -*-
import argparse
import os
import numpy as np
import matplotlib.pyplot as plt

parser = argparse.ArgumentParser()
parser.add_argument("--hidden", type=int, default=50)
parser.add_argument("--data", default=os.path.expanduser("~/data/temperatures.csv"))


class VanillaRecurrentNetwork:
    def __init__(self, *, input_size, hidden_size, output_size, scale=0.01, seed=1234):
        generator = np.random.default_rng(seed)
        self.hidden_size = hidden_size
        self.Wxh = scale * generator.standard_normal((hidden_size, input_size))
        self.Whh = scale * generator.standard_normal((hidden_size, hidden_size))
        self.Why = scale * generator.standard_normal((output_size, hidden_size))
        self.bh = np.zeros((hidden_size, 1))
        self.by = np.zeros((output_size, 1))

    def forward(self, x, *, return_states=False):
        h = {0: np.zeros((self.hidden_size, 1))}
        y = {}
        for t in range(1, len(x) + 1):
            h[t] = np.tanh(self.Wxh.dot(x[t - 1]) + self.Whh.dot(h[t - 1]) + self.bh)
            y[t] = self.Why.dot(h[t]) + self.by
        self._x, self._h, self._y = x, h, y
        return (y, h) if return_states else y

    def backward(self, dy):
        """dy: dict keyed by step, from 1 on"""
        dWxh, dWhh, dWhy = np.zeros_like(self.Wxh), np.zeros_like(self.Whh), np.zeros_like(self.Why)
        dbh, dby = np.zeros_like(self.bh), np.zeros_like(self.by)
        dh_next = np.zeros_like(self._h[0])
        for t in range(len(self._x), 0, -1):
            dWhy += dy[t].dot(self._h[t].T)
            dby += dy[t]
            dh = self.Why.T.dot(dy[t]) + dh_next
            dh_raw = dh * (1 - self._h[t] ** 2)
            dWxh += dh_raw.dot(self._x[t - 1].T)
            dWhh += dh_raw.dot(self._h[t - 1].T)
            dh_next = self.Whh.T.dot(dh_raw)
        return {"Wxh": dWxh, "Whh": dWhh, "Why": dWhy, "bh": dbh, "by": dby}


if __name__ == "__main__":
    args = parser.parse_args()
    values = np.loadtxt(args.data)
    net = VanillaRecurrentNetwork(input_size=1, hidden_size=args.hidden, output_size=1)
    plt.plot(values)
    plt.show()
