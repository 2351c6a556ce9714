import numpy as np

np.random.seed(42)


def softmax(x):
    e = np.exp(x)
    return e / np.sum(e)


def mse(outputs, targets):
    # mean squared error over all steps and outputs
    return np.mean([(o - t.reshape(-1, 1)) ** 2 for o, t in zip(outputs, targets)])


class SimpleRNN:
    def __init__(self, input_size, hidden_size, output_size):
        self.hidden_size = hidden_size
        self.W_xh = np.random.randn(hidden_size, input_size) * 0.01
        self.W_hh = np.random.randn(hidden_size, hidden_size) * 0.01
        self.W_hy = np.random.randn(output_size, hidden_size) * 0.01
        self.b_h = np.zeros((hidden_size, 1))
        self.b_y = np.zeros((output_size, 1))

    def forward(self, x):
        self.h = [np.zeros((self.hidden_size, 1))]
        self.y = []
        for t in range(x.shape[0]):
            xt = x[t].reshape(-1, 1)
            self.h.append(np.tanh(self.W_xh @ xt + self.W_hh @ self.h[-1] + self.b_h))
            self.y.append(self.W_hy @ self.h[-1] + self.b_y)
        return self.y

    def backward(self, x, y, lr=0.01):
        dW_xh = np.zeros_like(self.W_xh)
        dW_hh = np.zeros_like(self.W_hh)
        dW_hy = np.zeros_like(self.W_hy)
        db_h = np.zeros_like(self.b_h)
        db_y = np.zeros_like(self.b_y)
        dh_next = np.zeros_like(self.h[0])

        for t in reversed(range(x.shape[0])):
            dy = self.y[t] - y[t].reshape(-1, 1)
            dW_hy += dy @ self.h[t + 1].T
            db_y += dy
            dh = self.W_hy.T @ dy + dh_next
            dh_raw = (1 - self.h[t + 1] ** 2) * dh
            db_h += dh_raw
            dW_xh += dh_raw @ x[t].reshape(1, -1)
            dW_hh += dh_raw @ self.h[t].T
            dh_next = self.W_hh.T @ dh_raw

        self.W_xh -= lr * dW_xh
        self.W_hh -= lr * dW_hh
        self.W_hy -= lr * dW_hy
        self.b_h -= lr * db_h
        self.b_y -= lr * db_y


if __name__ == "__main__":
    X = np.array([[1.0], [2.0], [3.0], [4.0]])
    Y = np.array([[2.0], [3.0], [4.0], [5.0]])
    rnn = SimpleRNN(1, 5, 1)
    for epoch in range(100):
        out = rnn.forward(X)
        if epoch == 99:
            print([float(o[0, 0]) for o in out], mse(out, Y))
        rnn.backward(X, Y)
