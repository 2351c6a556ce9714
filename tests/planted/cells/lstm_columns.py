import numpy as np


def sig(z):
    return 1 / (1 + np.exp(-z))


class Memory:
    """One matrix for each gate over [h; x], columns, states in dicts, a linear read-out."""

    def __init__(self, inputs, hidden, outputs):
        width = hidden + inputs
        self.Wf = np.random.randn(hidden, width) * 0.1
        self.Wi = np.random.randn(hidden, width) * 0.1
        self.Wg = np.random.randn(hidden, width) * 0.1
        self.Wo = np.random.randn(hidden, width) * 0.1
        self.bf = np.zeros((hidden, 1))
        self.bi = np.zeros((hidden, 1))
        self.bg = np.zeros((hidden, 1))
        self.bo = np.zeros((hidden, 1))
        self.V = np.random.randn(outputs, hidden) * 0.1
        self.c = np.zeros((outputs, 1))
        self.hidden = hidden

    def forward(self, inputs):
        self.z, self.f, self.i, self.g, self.o, self.cell, self.h = {}, {}, {}, {}, {}, {}, {}
        self.h[-1] = np.zeros((self.hidden, 1))
        self.cell[-1] = np.zeros((self.hidden, 1))
        ys = []
        for t, x in enumerate(inputs):
            self.z[t] = np.vstack((self.h[t - 1], x))
            self.f[t] = sig(self.Wf @ self.z[t] + self.bf)
            self.i[t] = sig(self.Wi @ self.z[t] + self.bi)
            self.g[t] = np.tanh(self.Wg @ self.z[t] + self.bg)
            self.o[t] = sig(self.Wo @ self.z[t] + self.bo)
            self.cell[t] = self.f[t] * self.cell[t - 1] + self.i[t] * self.g[t]
            self.h[t] = self.o[t] * np.tanh(self.cell[t])
            ys.append(self.V @ self.h[t] + self.c)
        return ys

    def backward(self, dys):
        dWf, dWi, dWg, dWo = (np.zeros_like(w) for w in (self.Wf, self.Wi, self.Wg, self.Wo))
        dbf, dbi, dbg, dbo = (np.zeros_like(b) for b in (self.bf, self.bi, self.bg, self.bo))
        dV, dc = np.zeros_like(self.V), np.zeros_like(self.c)
        dh_next, dcell_next = np.zeros((self.hidden, 1)), np.zeros((self.hidden, 1))
        for t in reversed(range(len(dys))):
            dV += dys[t] @ self.h[t].T
            dc += dys[t]
            dh = self.V.T @ dys[t] + dh_next
            squashed = np.tanh(self.cell[t])
            do = dh * squashed * self.o[t] * (1 - self.o[t])
            dcell = dcell_next + dh * self.o[t] * (1 - squashed ** 2)
            df = dcell * self.cell[t - 1] * self.f[t] * (1 - self.f[t])
            di = dcell * self.g[t] * self.i[t] * (1 - self.i[t])
            dg = dcell * self.i[t] * (1 - self.g[t] ** 2)
            dWf += df @ self.z[t].T
            dWi += di @ self.z[t].T
            dWg += dg @ self.z[t].T
            dWo += do @ self.z[t].T
            dbf += df
            dbi += di
            dbg += dg
            dbo += do
            dz = self.Wf.T @ df + self.Wi.T @ di + self.Wg.T @ dg + self.Wo.T @ do
            dh_next = dz[: self.hidden]
            dcell_next = dcell * self.f[t]
        return dWf, dWi, dWg, dWo, dbf, dbi, dbg, dbo, dV, dc
