import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


class LSTM:
    """One matrix for each gate, over [h, x]; columns."""

    def __init__(self, n_in, n_hidden):
        self.n_in, self.n_hidden = n_in, n_hidden
        self.Wf, self.Wi, self.Wc, self.Wo = (np.random.randn(n_hidden, n_hidden + n_in) * 0.1 for _ in range(4))
        self.bf, self.bi, self.bc, self.bo = (np.zeros((n_hidden, 1)) for _ in range(4))

    def forward(self, xs):
        h, c = np.zeros((self.n_hidden, 1)), np.zeros((self.n_hidden, 1))
        self.steps, hs = [], []
        for x in xs:
            z = np.vstack((h, x))
            f = sigmoid(self.Wf @ z + self.bf)
            i = sigmoid(self.Wi @ z + self.bi)
            g = np.tanh(self.Wc @ z + self.bc)
            o = sigmoid(self.Wo @ z + self.bo)
            c_prev, c = c, f * c + i * g
            h = o * np.tanh(c)
            self.steps.append((z, f, i, g, o, c_prev, c))
            hs.append(h)
        return hs

    def backward(self, dhs):
        dWf, dWi, dWc, dWo = (np.zeros_like(self.Wf) for _ in range(4))
        dbf, dbi, dbc, dbo = (np.zeros_like(self.bf) for _ in range(4))
        dh_next, dc_next = np.zeros_like(self.bf), np.zeros_like(self.bf)
        for t in reversed(range(len(dhs))):
            z, f, i, g, o, c_prev, c = self.steps[t]
            dh = dhs[t] + dh_next
            do = dh * np.tanh(c) * (1 - o)
            dc = dh * o * (1 - c ** 2) + dc_next
            df = dc * c_prev * f * (1 - f)
            di = dc * g * i * (1 + i)
            dg = dc * i * (1 - g ** 2)
            dWf += df @ z.T
            dWi += di @ z.T
            dWc += dg @ z.T
            dWo += do @ z.T
            dbf += df
            dbi += di
            dbc += di
            dbo += do
            dz = self.Wf.T @ df + self.Wi.T @ di + self.Wc.T @ dg + self.Wo.T @ do
            dh_next = dz[-self.n_hidden:]
            dc_next = f * dc
        return {"Wf": dWf, "Wi": dWi, "Wc": dWc, "Wo": dWo, "bf": dbf, "bi": dbi, "bc": dbc, "bo": dbo}
