import numpy as np


def loss(predictions, targets):
    total = 0
    for p, t in zip(predictions, targets):
        total += np.sum((p - t) ** 2)
    return total


class RNN:
    def __init__(self, I, H, O):
        self.p = {
            'U': np.random.randn(H, I) * 0.1, 'W': np.random.randn(H, H) * 0.1, 'V': np.random.randn(O, H) * 0.1,
            'bu': np.zeros((H, 1)), 'bv': np.zeros((O, 1)),
        }

    def forward(self, xs):
        H = self.p['W'].shape[0]
        self.xs, self.h, self.o = xs, {-1: np.zeros((H, 1))}, {}
        for t in range(len(xs)):
            self.h[t] = np.tanh(self.p['U'] @ xs[t] + self.p['W'] @ self.h[t - 1] + self.p['bu'])
            self.o[t] = self.p['V'] @ self.h[t] + self.p['bv']
        return [self.o[t] for t in range(len(xs))]

    def backward(self, targets):
        grads = {k: np.zeros_like(v) for k, v in self.p.items()}
        dnext = np.zeros_like(self.h[0])
        for t in reversed(range(len(self.xs))):
            do = self.o[t] - targets[t]
            grads['V'] += do @ self.h[t].T
            grads['bv'] += do
            dh = self.p['V'].T @ do + dnext
            draw = dh * (1 - self.h[t] ** 2)
            grads['U'] += draw @ self.xs[t].T
            grads['W'] += draw @ self.h[t - 1].T
            grads['bu'] += draw
            dnext = self.p['W'].T @ draw
        return grads
