import numpy as np


def logistic(v):
    return 1.0 / (1.0 + np.exp(-v))


class LSTMLayer:
    """All gates in one matrix, a batch of rows."""

    def __init__(self, n_in, n_units):
        self.n = n_units
        self.K = np.random.randn(n_in, 4 * n_units) * 0.1
        self.R = np.random.randn(n_units, 4 * n_units) * 0.1
        self.bias = np.zeros(4 * n_units)

    def forward(self, x):
        batch, steps, _ = x.shape
        n = self.n
        h, c = np.zeros((batch, n)), np.zeros((batch, n))
        self.tape = []
        out = np.zeros((batch, steps, n))
        for t in range(steps):
            a = x[:, t] @ self.K + h @ self.R + self.bias
            i = logistic(a[:, :n])
            f = logistic(a[:, n : 2 * n])
            g = np.tanh(a[:, 2 * n : 3 * n])
            o = logistic(a[:, 3 * n :])
            c_next = f * c + i * g
            s = np.tanh(c_next)
            h_next = o * s
            self.tape.append((x[:, t], h, c, i, f, g, o, s, h_next))
            h, c = h_next, c_next
            out[:, t] = h
        return out

    def backward(self, d_out):
        batch, steps, n = d_out.shape
        dK, dR, dbias = np.zeros_like(self.K), np.zeros_like(self.R), np.zeros_like(self.bias)
        dx = np.zeros((batch, steps, self.K.shape[0]))
        dh_carry, dc_carry = np.zeros((batch, n)), np.zeros((batch, n))
        for t in range(steps - 1, -1, -1):
            x, h_prev, c_prev, i, f, g, o, s, h = self.tape[t]
            dh = d_out[:, t] + dh_carry
            dc = dc_carry + dh * o * (1 - s ** 2)
            d_o = dh * s * o * (1 - o)
            d_f = dc * c_prev * f * (1 - f)
            d_i = dc * g * i * (1 - i)
            d_g = dc * i * (1 - g ** 2)
            da = np.concatenate([d_i, d_f, d_g, d_o], axis=1)
            dK += x.T @ da
            dR += h_prev.T @ da
            dbias += da.sum(axis=0)
            dx[:, t] = da @ self.K.T
            dh_carry = da @ self.R.T
            dc_carry = dc * f
        return dx, dK, dR, dbias
