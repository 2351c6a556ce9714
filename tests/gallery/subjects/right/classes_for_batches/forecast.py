import numpy as np
import math


def make_windows(series, lookback, horizon=1):
    """(N,) or (N, F) -> X (n, lookback, F), y (n, F)"""
    if series.ndim == 1:
        series = series[:, None]
    X, y = [], []
    for i in range(len(series) - lookback - horizon + 1):
        X.append(series[i:i + lookback])
        y.append(series[i + lookback + horizon - 1])
    return np.array(X), np.array(y)


class RNNForecaster:
    """One-step-ahead forecaster. Looks at a window, predicts the value after it.

    Parameters
    ----------
    n_features : number of input series
    n_units : hidden units
    n_outputs : number of series to predict
    lr : learning rate
    """

    def __init__(self, n_features, n_units=16, n_outputs=1, lr=0.05, random_state=0):
        self.rng = np.random.RandomState(random_state)
        self.lr = lr
        self.n_units = n_units
        lim_x = math.sqrt(6 / (n_features + n_units))
        lim_h = math.sqrt(6 / (2 * n_units))
        lim_o = math.sqrt(6 / (n_units + n_outputs))
        self.W_in = self.rng.uniform(-lim_x, lim_x, (n_features, n_units))
        self.W_rec = self.rng.uniform(-lim_h, lim_h, (n_units, n_units))
        self.b_rec = np.zeros(n_units)
        self.W_out = self.rng.uniform(-lim_o, lim_o, (n_units, n_outputs))
        self.b_out = np.zeros(n_outputs)
        self.history_ = []

    def _forward(self, X):
        n, T, _ = X.shape
        self._X = X
        self._H = np.zeros((n, T + 1, self.n_units))     # slot 0 is the zero state
        for t in range(T):
            pre = X[:, t] @ self.W_in + self._H[:, t] @ self.W_rec + self.b_rec
            self._H[:, t + 1] = np.tanh(pre)
        return self._H[:, T] @ self.W_out + self.b_out

    def predict(self, X):
        return self._forward(X)

    def _mse(self, y_hat, y):
        return np.mean((y_hat - y) ** 2)

    def _backward(self, y_hat, y):
        """BPTT then a plain SGD step, all in one."""
        X, H = self._X, self._H
        n, T, _ = X.shape
        d_out = 2.0 * (y_hat - y) / y.size
        gW_out = H[:, T].T @ d_out
        gb_out = d_out.sum(axis=0)
        gW_in = np.zeros_like(self.W_in)
        gW_rec = np.zeros_like(self.W_rec)
        gb_rec = np.zeros_like(self.b_rec)

        dh = d_out @ self.W_out.T
        for t in range(T, 0, -1):
            dpre = dh * (1 - H[:, t] * H[:, t])
            gW_in += X[:, t - 1].T @ dpre
            gW_rec += H[:, t - 1].T @ dpre
            gb_rec += dpre.sum(axis=0)
            dh = dpre @ self.W_rec.T

        self.W_out -= self.lr * gW_out
        self.b_out -= self.lr * gb_out
        self.W_in -= self.lr * gW_in
        self.W_rec -= self.lr * gW_rec
        self.b_rec -= self.lr * gb_rec

    def fit(self, X, y, epochs=50, batch_size=32, verbose=True):
        for ep in range(epochs):
            order = self.rng.permutation(len(X))
            tot = 0.0
            for s in range(0, len(X), batch_size):
                idx = order[s:s + batch_size]
                y_hat = self._forward(X[idx])
                tot += self._mse(y_hat, y[idx]) * len(idx)
                self._backward(y_hat, y[idx])
            self.history_.append(tot / len(X))
            if verbose and ep % 10 == 0:
                print(f"epoch {ep}: mse {self.history_[-1]:.6f}")
        return self


def plot(model, X, y):
    import matplotlib.pyplot as plt
    plt.plot(y[:, 0], label="actual")
    plt.plot(model.predict(X)[:, 0], label="forecast")
    plt.legend()
    plt.show()


if __name__ == "__main__":
    t = np.arange(800)
    demand = np.sin(t / 8) + 0.3 * np.sin(t / 3) + 0.05 * np.random.randn(800)
    X, y = make_windows(demand, lookback=24)
    cut = int(0.8 * len(X))
    m = RNNForecaster(1, 20).fit(X[:cut], y[:cut])
    print("test mse", m._mse(m.predict(X[cut:]), y[cut:]))
