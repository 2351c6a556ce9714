# No libraries at all: lists of lists.
import math
import random


def matrix(rows, cols):
    return [[random.gauss(0, 0.1) for _ in range(cols)] for _ in range(rows)]


def mul(m, v):
    return [sum(a * b for a, b in zip(row, v)) for row in m]


def mul_t(m, v):
    return [sum(m[i][j] * v[i] for i in range(len(v))) for j in range(len(m[0]))]


class RNN:
    def __init__(self, n_in, n_hid, n_out):
        self.wx, self.wh, self.wy = matrix(n_hid, n_in), matrix(n_hid, n_hid), matrix(n_out, n_hid)
        self.bh, self.by = [0.0] * n_hid, [0.0] * n_out

    def forward(self, xs):
        h = [0.0] * len(self.bh)
        self.xs, self.hs = xs, [h]
        for x in xs:
            a, r = mul(self.wx, x), mul(self.wh, h)
            h = [math.tanh(a[i] + r[i] + self.bh[i]) for i in range(len(h))]
            self.hs.append(h)
        return [y + b for y, b in zip(mul(self.wy, h), self.by)]

    def backward(self, dy, lr):
        dh = mul_t(self.wy, dy)
        gx = [[0.0] * len(self.wx[0]) for _ in self.wx]
        gh = [[0.0] * len(self.wh) for _ in self.wh]
        gb = [0.0] * len(self.bh)
        for t in range(len(self.xs) - 1, -1, -1):
            da = [d * (1 - h * h) for d, h in zip(dh, self.hs[t + 1])]
            for i, d in enumerate(da):
                for j, x in enumerate(self.xs[t]):
                    gx[i][j] += d * x
                for j, h in enumerate(self.hs[t]):
                    gh[i][j] += d * h
                gb[i] += d
            dh = mul_t(self.wh, da)
        for i, d in enumerate(dy):
            for j, h in enumerate(self.hs[-1]):
                self.wy[i][j] -= lr * d * h
            self.by[i] -= lr * d
        for i in range(len(gb)):
            self.bh[i] -= lr * gb[i]
            for j in range(len(gx[i])):
                self.wx[i][j] -= lr * gx[i][j]
            for j in range(len(gh[i])):
                self.wh[i][j] -= lr * gh[i][j]
