import numpy as np


class VanillaRNN(object):
    """Many-to-many network on batches of shape (batch, time, features)."""

    def __init__(self, n_inputs, n_hidden, n_outputs, seed=None):
        rng = np.random.RandomState(seed)
        self.params = {
            'Wxh': rng.normal(0, 0.1, (n_inputs, n_hidden)),
            'Whh': rng.normal(0, 0.1, (n_hidden, n_hidden)),
            'bh': np.zeros(n_hidden),
            'Why': rng.normal(0, 0.1, (n_hidden, n_outputs)),
            'by': np.zeros(n_outputs),
        }
        self.n_hidden = n_hidden

    def forward(self, X):
        p = self.params
        B, T, _ = X.shape
        H = np.zeros((B, T + 1, self.n_hidden))     # H[:, -1] is the initial state
        Y = np.zeros((B, T, p['by'].size))
        for t in range(T):
            H[:, t] = np.tanh(X[:, t] @ p['Wxh'] + H[:, t - 1] @ p['Whh'] + p['bh'])
            Y[:, t] = H[:, t] @ p['Why'] + p['by']
        self.cache = (X, H)
        return Y

    def backward(self, dY):
        X, H = self.cache
        p = self.params
        grads = {k: np.zeros_like(v) for k, v in p.items()}
        dh_next = np.zeros((X.shape[0], self.n_hidden))
        for t in range(X.shape[1] - 1, -1, -1):
            grads['Why'] += H[:, t].T @ dY[:, t]
            grads['by'] += dY[:, t].sum(0)
            dz = (dY[:, t] @ p['Why'].T + dh_next) * (1 - H[:, t] ** 2)
            grads['Wxh'] += X[:, t].T @ dz
            grads['Whh'] += H[:, t - 1].T @ dz
            grads['bh'] += dz.sum(0)
            dh_next = dz @ p['Whh'].T
        return grads
