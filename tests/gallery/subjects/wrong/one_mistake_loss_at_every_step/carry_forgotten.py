import numpy as np


class MyRNN:
    def __init__(self, in_dim, hid_dim, out_dim):
        self.Wxh = np.random.randn(hid_dim, in_dim) * 0.01
        self.Whh = np.random.randn(hid_dim, hid_dim) * 0.01
        self.Why = np.random.randn(out_dim, hid_dim) * 0.01
        self.bh = np.zeros((hid_dim, 1))
        self.by = np.zeros((out_dim, 1))

    def forward(self, inputs, h_prev):
        xs, hs, ys = {}, {}, {}
        hs[-1] = h_prev
        for t in range(len(inputs)):
            xs[t] = inputs[t]
            hs[t] = np.tanh(np.dot(self.Wxh, xs[t]) + np.dot(self.Whh, hs[t - 1]) + self.bh)
            ys[t] = np.dot(self.Why, hs[t]) + self.by
        return xs, hs, ys

    def backward(self, xs, hs, dys):
        grads = {"Wxh": 0, "Whh": 0, "Why": 0, "bh": 0, "by": 0}
        dh_next = np.zeros_like(hs[0])
        for t in reversed(range(len(xs))):
            grads["Why"] = grads["Why"] + np.dot(dys[t], hs[t].T)
            grads["by"] = grads["by"] + dys[t]
            dh = np.dot(self.Why.T, dys[t])
            da = dh * (1 - hs[t] * hs[t])
            grads["bh"] = grads["bh"] + da
            grads["Wxh"] = grads["Wxh"] + np.dot(da, xs[t].T)
            grads["Whh"] = grads["Whh"] + np.dot(da, hs[t - 1].T)
            dh_next = np.dot(self.Whh.T, da)
        return grads
