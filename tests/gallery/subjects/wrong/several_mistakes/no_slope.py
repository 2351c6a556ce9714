import numpy as np


class RNN:
    def __init__(self, inp, hid, out):
        self.Wxh = np.random.uniform(-1, 1, (hid, inp))
        self.Whh = np.random.uniform(-1, 1, (hid, hid))
        self.Why = np.random.uniform(-1, 1, (out, hid))
        self.bh = np.random.uniform(-1, 1, hid)
        self.by = np.random.uniform(-1, 1, out)

    def feed(self, sequence):
        self.sequence = sequence
        self.memory = [np.zeros(self.bh.shape)]
        for element in sequence:
            self.memory.append(np.tanh(self.Wxh @ element + self.Whh @ self.memory[-1] + self.bh))
        return self.Why @ self.memory[-1] + self.by

    def learn(self, prediction, target, rate):
        error = prediction - target
        gWhy = np.outer(error, self.memory[-1])
        gWxh, gWhh, gbh = np.zeros_like(self.Wxh), np.zeros_like(self.Whh), np.zeros_like(self.bh)
        e = self.Why.T @ error
        for i in range(len(self.sequence) - 1, 0, -1):
            gWxh += np.outer(e, self.sequence[i])
            gWhh += np.outer(e, self.memory[i])
            gbh += e
            e = self.Whh.T @ e
        self.Wxh -= rate * gWxh
        self.Whh -= rate * gWhh
        self.Why -= rate * gWhy
        self.bh -= rate * gbh
        self.by -= rate * error
        return 0.5 * (error ** 2).sum()
