import numpy as np


class SequenceRegressor:
    """A GRU over a sequence of columns, and a number from its last state."""

    def __init__(self, input_size, hidden_size, output_size):
        self.hidden_size = hidden_size
        size = (hidden_size, hidden_size + input_size)
        self.W_z, self.W_r, self.W_n = (0.1 * np.random.randn(*size) for _ in range(3))
        self.b_z, self.b_r, self.b_n = (np.zeros((hidden_size, 1)) for _ in range(3))
        self.W_out = 0.1 * np.random.randn(output_size, hidden_size)
        self.b_out = np.zeros((output_size, 1))

    def forward(self, inputs):
        h = np.zeros((self.hidden_size, 1))
        self.saved = []
        for x in inputs:
            hx = np.vstack([h, x])
            z = 1 / (1 + np.exp(-(self.W_z @ hx + self.b_z)))
            r = 1 / (1 + np.exp(-(self.W_r @ hx + self.b_r)))
            rx = np.vstack([r * h, x])
            n = np.tanh(self.W_n @ rx + self.b_n)
            self.saved.append((h, hx, rx, z, r, n))
            h = (1 - z) * h + z * n
        self.h_last = h
        return self.W_out @ h + self.b_out

    def backward(self, dy):
        H = self.hidden_size
        dW_out, db_out = dy @ self.h_last.T, dy
        dW_z, dW_r, dW_n = (np.zeros_like(self.W_z) for _ in range(3))
        db_z, db_r, db_n = (np.zeros_like(self.b_z) for _ in range(3))
        dh = self.W_out.T @ dy
        for h, hx, rx, z, r, n in reversed(self.saved):
            dn = dh * z * (1 - n ** 2)
            dz = dh * (n - h) * z * (1 - z)
            drx = self.W_n.T @ dn
            dr = drx[:H] * h * r * (1 - r)
            dW_n += dn @ rx.T
            dW_z += dz @ hx.T
            dW_r += dr @ hx.T
            db_n += dn
            db_z += dz
            db_r += dr
            dh = dh * (1 - z) + drx[:H] * r + (self.W_z.T @ dz)[:H] + (self.W_r.T @ dr)[:H]
        return dW_z, dW_r, dW_n, dW_out, db_z, db_r, db_n, db_out
