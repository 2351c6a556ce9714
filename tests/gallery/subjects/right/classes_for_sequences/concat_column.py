import numpy as np


class ConcatRNN:
    """h_t = tanh(W [h; x] + b), z_t = V h_t + c, softmax at every step."""

    def __init__(self, vocab_size, hidden_size, lr=0.1):
        self.H, self.X = hidden_size, vocab_size
        self.lr = lr
        self.W = np.random.randn(hidden_size, hidden_size + vocab_size) / np.sqrt(hidden_size + vocab_size)
        self.b = np.zeros((hidden_size, 1))
        self.V = np.random.randn(vocab_size, hidden_size) / np.sqrt(hidden_size)
        self.c = np.zeros((vocab_size, 1))

    def one_hot(self, i):
        v = np.zeros((self.X, 1))
        v[i] = 1.0
        return v

    def forward(self, ids):
        h = np.zeros((self.H, 1))
        self.zs, self.hs, self.ps = [], [], []
        for i in ids:
            z = np.vstack((h, self.one_hot(i)))
            h = np.tanh(np.dot(self.W, z) + self.b)
            logits = np.dot(self.V, h) + self.c
            e = np.exp(logits - logits.max())
            self.zs.append(z)
            self.hs.append(h)
            self.ps.append(e / e.sum())
        return self.ps

    def loss(self, ids, targets):
        return -sum(np.log(p[t, 0]) for p, t in zip(self.forward(ids), targets))

    def backward(self, targets):
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)
        self.dV, self.dc = np.zeros_like(self.V), np.zeros_like(self.c)
        dh = np.zeros((self.H, 1))
        for t in range(len(targets))[::-1]:
            dlogits = self.ps[t].copy()
            dlogits[targets[t]] -= 1
            self.dV += np.dot(dlogits, self.hs[t].T)
            self.dc += dlogits
            dh = dh + np.dot(self.V.T, dlogits)
            da = dh * (1 - self.hs[t] ** 2)
            self.dW += np.dot(da, self.zs[t].T)
            self.db += da
            dh = np.dot(self.W.T, da)[:self.H]

    def step(self):
        for p, g in ((self.W, self.dW), (self.b, self.db), (self.V, self.dV), (self.c, self.dc)):
            p -= self.lr * g
