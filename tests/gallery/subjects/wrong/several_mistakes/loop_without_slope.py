import numpy as np


def dtanh(x):
    return 1 - np.tanh(x) ** 2


class RNN:
    def __init__(self, input_size, hidden_size, output_size):
        self.hidden_size = hidden_size
        self.Wx = np.random.normal(0, 0.01, (hidden_size, input_size))
        self.Wh = np.random.normal(0, 0.01, (hidden_size, hidden_size))
        self.Wy = np.random.normal(0, 0.01, (output_size, hidden_size))
        self.bh = np.zeros((hidden_size, 1))
        self.by = np.zeros((output_size, 1))

    def forward(self, x_seq):
        self.x_seq = x_seq
        self.h_states = {-1: np.zeros((self.hidden_size, 1))}
        self.outputs = {}
        for t, x in enumerate(x_seq):
            self.h_states[t] = np.tanh(self.Wx @ x + self.Wh @ self.h_states[t - 1] + self.bh)
            self.outputs[t] = self.Wy @ self.h_states[t] + self.by
        return self.outputs

    def backward(self, y_true, learning_rate):
        dWx = np.zeros_like(self.Wx)
        dWh = np.zeros_like(self.Wh)
        dWy = np.zeros_like(self.Wy)
        dbh = np.zeros_like(self.bh)
        dby = np.zeros_like(self.by)
        dh_next = np.zeros((self.hidden_size, 1))
        for t in reversed(range(len(self.x_seq))):
            dy = 2 * (self.outputs[t] - y_true[t])
            dWy += dy @ self.h_states[t].T
            dby += dy
            dh = self.Wy.T @ dy + dh_next
            dz = dh * dtanh(self.h_states[t])
            dWx += dz @ self.x_seq[t].T
            dWh += dz @ self.h_states[t - 1].T
            dbh += dz
            dh_next = self.Wh.T @ dh
        for d in [dWx, dWh, dWy, dbh, dby]:
            np.clip(d, -1, 1, out=d)
        self.Wx -= learning_rate * dWx
        self.Wh -= learning_rate * dWh
        self.Wy -= learning_rate * dWy
        self.bh -= learning_rate * dbh
        self.by -= learning_rate * dby
