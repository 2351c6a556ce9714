import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class GatedUnit:
    """As torch has it: the candidate's recurrent share goes through the reset gate."""

    def __init__(self, input_dim, hidden_dim):
        self.W = np.random.randn(input_dim, 3 * hidden_dim) * 0.1
        self.U = np.random.randn(hidden_dim, 3 * hidden_dim) * 0.1
        self.b_in = np.zeros(3 * hidden_dim)
        self.b_rec = np.zeros(3 * hidden_dim)
        self.hidden_dim = hidden_dim

    def forward(self, xs):
        n = self.hidden_dim
        h = np.zeros((xs.shape[1], n))
        self.saved, states = [], []
        for x in xs:
            p = x @ self.W + self.b_in
            q = h @ self.U + self.b_rec
            r = sigmoid(p[:, :n] + q[:, :n])
            z = sigmoid(p[:, n : 2 * n] + q[:, n : 2 * n])
            m = q[:, 2 * n :]
            k = np.tanh(p[:, 2 * n :] + r * m)
            before = h
            h = (1 - z) * k + z * before
            self.saved.append((x, before, r, z, m, k, h))
            states.append(h)
        return np.array(states)

    def backward(self, dstates):
        dW, dU = np.zeros_like(self.W), np.zeros_like(self.U)
        db_in, db_rec = np.zeros_like(self.b_in), np.zeros_like(self.b_rec)
        carry = np.zeros_like(dstates[0])
        for t in range(len(dstates) - 1, -1, -1):
            x, before, r, z, m, k, h = self.saved[t]
            dh = dstates[t] + carry
            dk = dh * (1 - z) * (1 - k ** 2)
            dz = dh * (before - k) * z * (1 - z)
            dr = dk * m * r * (1 - r)
            dp = np.concatenate((dr, dz, dk), axis=1)
            dq = np.concatenate((dr, dz, dk * r), axis=1)
            dW += x.T @ dp
            dU += before.T @ dq
            db_in += dp.sum(axis=0)
            db_rec += dq.sum(axis=0)
            carry = dq @ self.U.T + dh * z
        return {"W": dW, "U": dU, "b_in": db_in, "b_rec": db_rec}
