import numpy as np
from numba import njit


@njit
def affine(W, x, b):
    return np.dot(W, x) + b


class Cell:
    def forward(self, x, prev, U, W, b):
        self.x, self.prev = x, prev
        self.s = np.tanh(affine(U, x, b) + np.dot(W, prev))
        return self.s

    def backward(self, ds, U, W):
        dz = (1.0 - np.square(self.s)) * ds
        return np.outer(dz, self.x), np.outer(dz, self.prev), dz, np.dot(W.T, dz), np.dot(U.T, dz)


class Network:
    """One cell object a time step, all with the same weights."""

    def __init__(self, dim_x, dim_s, dim_o):
        self.U = np.random.uniform(-0.3, 0.3, (dim_s, dim_x))
        self.W = np.random.uniform(-0.3, 0.3, (dim_s, dim_s))
        self.V = np.random.uniform(-0.3, 0.3, (dim_o, dim_s))
        self.b = np.zeros(dim_s)
        self.c = np.zeros(dim_o)

    def forward(self, x):
        self.cells = []
        s, outputs = np.zeros(self.b.shape), []
        for t in range(len(x)):
            cell = Cell()
            s = cell.forward(x[t], s, self.U, self.W, self.b)
            self.cells.append(cell)
            outputs.append(np.dot(self.V, s) + self.c)
        return np.array(outputs)

    def backward(self, do):
        dU, dW, dV = np.zeros(self.U.shape), np.zeros(self.W.shape), np.zeros(self.V.shape)
        db, dc = np.zeros(self.b.shape), np.zeros(self.c.shape)
        ds = np.zeros(self.b.shape)
        for cell, d in zip(reversed(self.cells), do[::-1]):
            dV += np.outer(d, cell.s)
            dc += d
            gU, gW, gb, ds, _ = cell.backward(np.dot(self.V.T, d) + ds, self.U, self.W)
            dU += gU
            dW += gW
            db += gb
        return dU, dV, dW, db, dc

    def sgd(self, x, y, rate):
        out = self.forward(x)
        for p, g in zip((self.U, self.V, self.W, self.b, self.c), self.backward(2 * (out - y))):
            p -= rate * g
