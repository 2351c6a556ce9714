import numpy as np


def softmax(z):
    z = z - z.max(axis=-1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


class Classifier:
    """Classifies a sequence (batch, time, features) after its last step."""

    def __init__(self, n_features, n_hidden, n_classes):
        self.Wx = np.random.randn(n_features, n_hidden) * 0.1
        self.Wh = np.random.randn(n_hidden, n_hidden) * 0.1
        self.bh = np.zeros(n_hidden)
        self.Wo = np.random.randn(n_hidden, n_classes) * 0.1
        self.bo = np.zeros(n_classes)

    def forward(self, x):
        self.x = x
        self.hs = [np.zeros((len(x), self.bh.size))]
        for t in range(x.shape[1]):
            self.hs.append(np.tanh(x[:, t] @ self.Wx + self.hs[-1] @ self.Wh + self.bh))
        self.probs = softmax(self.hs[-1] @ self.Wo + self.bo)
        return self.probs

    def loss(self, labels):
        return -np.mean(np.log(self.probs[np.arange(len(labels)), labels]))

    def backward(self, labels):
        d = self.probs.copy()
        d[np.arange(len(labels)), labels] -= 1
        self.dWo = self.hs[-1].T @ d
        self.dbo = d.sum(axis=0)
        self.dWx, self.dWh, self.dbh = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.bh)
        dh = d @ self.Wo.T
        for t in range(self.x.shape[1] - 1, -1, -1):
            da = dh * (1 - self.hs[t + 1] ** 2)
            self.dWx += self.x[:, t].T @ da
            self.dWh += self.hs[t].T @ da
            self.dbh += da.sum(axis=0)
            dh = da @ self.Wh.T
