import numpy as np


class SentimentRNN:
    """ids of words in, probability of each class out, after the last word."""

    def __init__(self, vocab_size, hidden_size, n_classes=2):
        self.vocab_size = vocab_size
        self.Wxh = np.random.randn(hidden_size, vocab_size) / 1000
        self.Whh = np.random.randn(hidden_size, hidden_size) / 1000
        self.Why = np.random.randn(n_classes, hidden_size) / 1000
        self.bh = np.zeros((hidden_size, 1))
        self.by = np.zeros((n_classes, 1))

    def one_hot(self, i):
        v = np.zeros((self.vocab_size, 1))
        v[i] = 1
        return v

    def forward(self, ids):
        self.xs = [self.one_hot(i) for i in ids]
        self.hs = [np.zeros_like(self.bh)]
        for x in self.xs:
            self.hs.append(np.tanh(self.Wxh @ x + self.Whh @ self.hs[-1] + self.bh))
        z = self.Why @ self.hs[-1] + self.by
        self.probs = np.exp(z) / np.sum(np.exp(z))
        return self.probs

    def backward(self, label, learning_rate=0.02):
        d_y = self.probs.copy()
        d_y[label] -= 1
        n = len(self.xs)
        d_Why, d_by = d_y @ self.hs[n].T, d_y
        d_Wxh, d_Whh, d_bh = np.zeros_like(self.Wxh), np.zeros_like(self.Whh), np.zeros_like(self.bh)
        d_h = self.Why.T @ d_y
        for t in reversed(range(n)):
            temp = (1 - self.hs[n] ** 2) * d_h
            d_bh += temp
            d_Whh += temp @ self.hs[t].T
            d_Wxh += temp @ self.xs[t].T
            d_h = self.Whh.T @ temp
        self.Whh -= learning_rate * d_Whh
        self.Wxh -= learning_rate * d_Wxh
        self.Why -= learning_rate * d_Why
        self.bh -= learning_rate * d_bh
        self.by -= learning_rate * d_by
