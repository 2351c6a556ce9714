import numpy as np


class EchoRNN:
    """Input, state and output all have n units; learns to repeat what it heard."""

    def __init__(self, n):
        self.n = n
        self.Win = np.random.randn(n, n) / n
        self.Wrec = np.random.randn(n, n) / n
        self.Wout = np.random.randn(n, n) / n
        self.b = np.zeros((n, 1))

    def forward(self, xs):
        # xs: list of (n, 1)
        self.xs, self.h = xs, [np.zeros((self.n, 1))]
        for x in xs:
            self.h.append(np.tanh(self.Win @ x + self.Wrec @ self.h[-1] + self.b))
        return [self.Wout @ h for h in self.h[1:]]

    def backward(self, dys):
        dWin, dWrec, dWout, db = (np.zeros_like(w) for w in (self.Win, self.Wrec, self.Wout, self.b))
        carry = np.zeros_like(self.b)
        for t in range(len(dys) - 1, -1, -1):
            dWout += dys[t] @ self.h[t + 1].T
            dh = self.Wout @ dys[t] + carry
            da = dh * (1 - self.h[t + 1] ** 2)
            dWin += da @ self.xs[t].T
            dWrec += da @ self.h[t].T
            db += da
            carry = self.Wrec.T @ da
        return dWin, dWrec, dWout, db
