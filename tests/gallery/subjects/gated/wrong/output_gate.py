import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class CharLSTM:
    """Predicts the next of a vocabulary from lists of ids."""

    def __init__(self, vocab_size, hidden_size):
        self.V, self.H = vocab_size, hidden_size
        shape = (hidden_size, hidden_size + vocab_size)
        self.params = {"W" + g: np.random.randn(*shape) * 0.1 for g in "fico"}
        self.params.update({"b" + g: np.zeros((hidden_size, 1)) for g in "fico"})
        self.params["Wy"] = np.random.randn(vocab_size, hidden_size) * 0.1
        self.params["by"] = np.zeros((vocab_size, 1))

    def forward(self, inputs):
        p = self.params
        self.z, self.f, self.i, self.g, self.o, self.c, self.h, self.prob = {}, {}, {}, {}, {}, {}, {}, {}
        self.c[-1], self.h[-1] = np.zeros((self.H, 1)), np.zeros((self.H, 1))
        for t, k in enumerate(inputs):
            x = np.zeros((self.V, 1))
            x[k] = 1
            self.z[t] = np.vstack((self.h[t - 1], x))
            self.f[t] = sigmoid(p["Wf"] @ self.z[t] + p["bf"])
            self.i[t] = sigmoid(p["Wi"] @ self.z[t] + p["bi"])
            self.g[t] = np.tanh(p["Wc"] @ self.z[t] + p["bc"])
            self.o[t] = sigmoid(p["Wo"] @ self.z[t] + p["bo"])
            self.c[t] = self.f[t] * self.c[t - 1] + self.i[t] * self.g[t]
            self.h[t] = self.o[t] * np.tanh(self.c[t])
            y = p["Wy"] @ self.h[t] + p["by"]
            self.prob[t] = np.exp(y - y.max()) / np.exp(y - y.max()).sum()
        return self.prob

    def backward(self, targets):
        p = self.params
        g = {name: np.zeros_like(value) for name, value in p.items()}
        dh_next, dc_next = np.zeros((self.H, 1)), np.zeros((self.H, 1))
        for t in reversed(range(len(targets))):
            dy = self.prob[t].copy()
            dy[targets[t]] -= 1
            g["Wy"] += dy @ self.h[t].T
            g["by"] += dy
            dh = p["Wy"].T @ dy + dh_next
            tc = np.tanh(self.c[t])
            dc = dh * self.o[t] * (1 - tc ** 2) + dc_next
            d = {
                "o": dh * self.o[t] * (1 - self.o[t]),
                "f": dc * self.c[t - 1] * self.f[t] * (1 - self.f[t]),
                "i": dc * self.g[t] * self.i[t] * (1 - self.i[t]),
                "c": dc * self.i[t] * (1 - self.g[t] ** 2),
            }
            dz = np.zeros_like(self.z[t])
            for gate, da in d.items():
                g["W" + gate] += da @ self.z[t].T
                g["b" + gate] += da
                dz += p["W" + gate].T @ da
            dh_next = dz[:self.H]
            dc_next = dc * self.f[t]
        return g
