import numpy as np
from tqdm import tqdm
from sklearn.preprocessing import MinMaxScaler


class RNNRegressor:
    """scikit-learn style; X (n_samples, n_steps, n_features), y (n_samples, n_outputs)"""

    def __init__(self, hidden_units=32, lr=0.01, epochs=100, random_state=None):
        self.hidden_units = hidden_units
        self.lr = lr
        self.epochs = epochs
        self.random_state = random_state

    def _init_weights(self, n_features, n_outputs):
        rng = np.random.RandomState(self.random_state)
        self.Wx_ = rng.randn(n_features, self.hidden_units) / np.sqrt(n_features)
        self.Wh_ = rng.randn(self.hidden_units, self.hidden_units) / np.sqrt(self.hidden_units)
        self.Wy_ = rng.randn(self.hidden_units, n_outputs) / np.sqrt(self.hidden_units)
        self.bh_ = np.zeros(self.hidden_units)
        self.by_ = np.zeros(n_outputs)

    def _forward(self, X):
        hs = [np.zeros((len(X), self.hidden_units))]
        for t in range(X.shape[1]):
            hs.append(np.tanh(X[:, t] @ self.Wx_ + hs[-1] @ self.Wh_ + self.bh_))
        return hs[-1] @ self.Wy_ + self.by_, hs

    def _backward(self, X, hs, err):
        g = dict(Wy=hs[-1].T @ err, by=err.sum(0), Wx=0, Wh=0, bh=0)
        dh = err @ self.Wy_.T
        for t in range(X.shape[1] - 1, -1, -1):
            dz = dh * (1 - hs[t + 1] ** 2)
            g['Wx'] = g['Wx'] + X[:, t].T @ dz
            g['Wh'] = g['Wh'] + hs[t].T @ dz
            g['bh'] = g['bh'] + dz.sum(0)
            dh = dz @ self.Wh_.T
        return g

    def fit(self, X, y):
        self._init_weights(X.shape[2], y.shape[1])
        for _ in tqdm(range(self.epochs)):
            out, hs = self._forward(X)
            for k, g in self._backward(X, hs, (out - y) / len(X)).items():
                getattr(self, k + '_')[...] -= self.lr * g
        return self

    def predict(self, X):
        return self._forward(X)[0]
