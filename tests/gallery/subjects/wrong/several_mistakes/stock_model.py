import numpy as np


class StockRNN:
    def __init__(self, input_size, hidden_size, output_size, learning_rate=0.001):
        self.learning_rate = learning_rate
        self.Wxh = np.random.randn(input_size, hidden_size) * 0.01
        self.Whh = np.random.randn(hidden_size, hidden_size) * 0.01
        self.Why = np.random.randn(hidden_size, output_size) * 0.01
        self.bh = np.zeros((1, hidden_size))
        self.by = np.zeros((1, output_size))

    def forward(self, X):
        """X: (batch, window, features); predicts the day after the window"""
        batch_size, window, _ = X.shape
        self.X = X
        self.h = np.zeros((window + 1, batch_size, self.Whh.shape[0]))
        for t in range(window):
            self.h[t + 1] = np.tanh(np.dot(X[:, t, :], self.Wxh) + np.dot(self.h[t], self.Whh) + self.bh)
        return np.dot(self.h[window], self.Why) + self.by

    def backward(self, y_pred, y_true):
        batch_size, window, _ = self.X.shape
        dy = 2 * (y_pred - y_true) / batch_size
        dWhy = np.dot(self.h[window].T, dy)
        dby = np.sum(dy, axis=0, keepdims=True)
        dWxh, dWhh, dbh = np.zeros_like(self.Wxh), np.zeros_like(self.Whh), np.zeros_like(self.bh)
        dh_next = np.zeros((batch_size, self.Whh.shape[0]))
        for t in reversed(range(window)):
            dh = np.dot(dy, self.Why.T) + dh_next
            dh_raw = (1 - np.tanh(self.h[t + 1]) ** 2) * dh
            dWxh += np.dot(self.X[:, t, :].T, dh_raw)
            dWhh += np.dot(self.h[t].T, dh_raw)
            dbh += np.sum(dh_raw, axis=0, keepdims=True)
            dh_next = np.dot(dh_raw, self.Whh)
        self.Wxh -= self.learning_rate * dWxh
        self.Whh -= self.learning_rate * dWhh
        self.Why -= self.learning_rate * dWhy
        self.bh -= self.learning_rate * dbh
        self.by -= self.learning_rate * dby

    def fit(self, X, y, epochs=10):
        for epoch in range(epochs):
            pred = self.forward(X)
            loss = np.mean((pred - y) ** 2)
            self.backward(pred, y)
            if epoch % 10 == 0:
                print(f"epoch {epoch}: {loss:.6f}")


if __name__ == "__main__":
    prices = np.load("prices.npy")
    model = StockRNN(1, 32, 1)
    windows = np.stack([prices[i:i + 30] for i in range(len(prices) - 30)])[..., None]
    model.fit(windows, prices[30:, None], epochs=100)
