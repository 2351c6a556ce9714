# Two-layer RNN for the reber-grammar exercise.
# Layer 1 feeds layer 2, softmax on top predicts the next symbol.
import numpy as np

np.random.seed(12)


def softmax(v):
    v = v - np.max(v)
    e = np.exp(v)
    return e / np.sum(e)


class TwoLayerRNN:
    def __init__(self, nsym, nh1, nh2):
        self.nsym, self.nh1, self.nh2 = nsym, nh1, nh2
        # first floor
        self.A1 = np.random.randn(nh1, nsym) * 0.1
        self.R1 = np.random.randn(nh1, nh1) * 0.1
        self.b1 = np.zeros(nh1)
        # second floor
        self.A2 = np.random.randn(nh2, nh1) * 0.1
        self.R2 = np.random.randn(nh2, nh2) * 0.1
        self.b2 = np.zeros(nh2)
        # roof
        self.V = np.random.randn(nsym, nh2) * 0.1
        self.d = np.zeros(nsym)

    def names(self):
        return ["A1", "R1", "b1", "A2", "R2", "b2", "V", "d"]

    def forward(self, xs):
        """xs: (T, nsym) one-hot rows"""
        T = len(xs)
        self.xs = xs
        self.h1 = np.zeros((T + 1, self.nh1))
        self.h2 = np.zeros((T + 1, self.nh2))
        self.p = np.zeros((T, self.nsym))
        for t in range(T):
            # index t-1 at t=0 is the last row, which is still zero at that point
            self.h1[t] = np.tanh(self.A1 @ xs[t] + self.R1 @ self.h1[t - 1] + self.b1)
            self.h2[t] = np.tanh(self.A2 @ self.h1[t] + self.R2 @ self.h2[t - 1] + self.b2)
            self.p[t] = softmax(self.V @ self.h2[t] + self.d)
        return self.p

    def cost(self, ys):
        return -np.sum(np.log(self.p[np.arange(len(ys)), ys]))

    def backward(self, ys):
        """ys: integer targets. Sets self.gA1, self.gR1, ..."""
        for n in self.names():
            setattr(self, "g" + n, np.zeros_like(getattr(self, n)))
        c1 = np.zeros(self.nh1)
        c2 = np.zeros(self.nh2)
        for t in reversed(range(len(ys))):
            e = self.p[t].copy()
            e[ys[t]] -= 1.0
            self.gV += np.outer(e, self.h2[t])
            self.gd += e

            # second floor
            dh2 = self.V.T @ e + c2
            da2 = dh2 * (1 - self.h2[t] ** 2)
            self.gA2 += np.outer(da2, self.h1[t])
            self.gR2 += np.outer(da2, self.h2[t - 1])
            self.gb2 += da2
            c2 = self.R2.T @ da2

            # first floor
            dh1 = self.A2.T @ dh2 + c1
            da1 = dh1 * (1 - self.h1[t] ** 2)
            self.gA1 += np.outer(da1, self.xs[t])
            self.gR1 += np.outer(da1, self.h1[t - 1])
            self.gb1 += da1
            c1 = self.R1.T @ da1

    def update(self, lr, maxnorm=5.0):
        for n in self.names():
            g = getattr(self, "g" + n)
            norm = np.linalg.norm(g)
            if norm > maxnorm:
                g = g * maxnorm / norm
            setattr(self, n, getattr(self, n) - lr * g)


GRAPH = {0: [("T", 1), ("P", 2)], 1: [("S", 1), ("X", 3)], 2: [("T", 2), ("V", 4)],
         3: [("X", 2), ("S", 5)], 4: [("P", 3), ("V", 5)]}
SYMS = "BTPSXVE"


def reber():
    s, state = "B", 0
    while state != 5:
        sym, state = GRAPH[state][np.random.randint(2)]
        s += sym
    return s + "E"


if __name__ == "__main__":
    net = TwoLayerRNN(7, 14, 10)
    eye = np.eye(7)
    avg = None
    for it in range(3000):
        ix = [SYMS.index(c) for c in reber()]
        net.forward(eye[ix[:-1]])
        c = net.cost(ix[1:]) / (len(ix) - 1)
        avg = c if avg is None else 0.99 * avg + 0.01 * c
        net.backward(np.array(ix[1:]))
        net.update(0.05)
        if it % 500 == 0:
            print("%5d  nats/symbol %.3f" % (it, avg))
