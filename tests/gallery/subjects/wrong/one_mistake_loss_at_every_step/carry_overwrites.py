import numpy as np


class RecurrentNet:

    def __init__(self, n_features, n_hidden, n_targets):
        self.params = dict(
            W=np.random.randn(n_features, n_hidden) * .1,
            U=np.random.randn(n_hidden, n_hidden) * .1,
            V=np.random.randn(n_hidden, n_targets) * .1,
            b=np.zeros(n_hidden),
            c=np.zeros(n_targets))

    def forward(self, X):
        W, U, V, b, c = (self.params[k] for k in 'WUVbc')
        h = np.zeros((X.shape[0], b.size))
        hs = [h]
        for t in range(X.shape[1]):
            h = np.tanh(X[:, t] @ W + h @ U + b)
            hs.append(h)
        self.X, self.hs = X, hs
        return np.stack([h @ V + c for h in hs[1:]], axis=1)

    def backward(self, dY):
        W, U, V, b, c = (self.params[k] for k in 'WUVbc')
        grads = {k: np.zeros_like(p) for k, p in self.params.items()}
        T = dY.shape[1]
        for t in range(T - 1, -1, -1):
            grads['V'] += self.hs[t + 1].T @ dY[:, t]
            grads['c'] += dY[:, t].sum(axis=0)
            if t == T - 1:
                dh = dY[:, t] @ V.T
            else:
                dh = da @ U.T
            da = dh * (1 - self.hs[t + 1] ** 2)
            grads['W'] += self.X[:, t].T @ da
            grads['U'] += self.hs[t].T @ da
            grads['b'] += da.sum(axis=0)
        return grads
