import numpy as np


def dot(a, b):
    return np.dot(a, b)


class Layer:
    def __init__(self, shape):
        self.value = np.random.randn(*shape) * 0.1
        self.grad = np.zeros(shape)


class RNN:
    """inputs: list of rows (1, n)"""

    def __init__(self, n, m, k):
        self.Wx, self.Wh, self.bh = Layer((n, m)), Layer((m, m)), Layer((1, m))
        self.Wy, self.by = Layer((m, k)), Layer((1, k))

    def forward(self, inputs):
        h = np.zeros((1, self.bh.value.shape[1]))
        self.trace = []
        outputs = []
        for x in inputs:
            new = np.tanh(dot(x, self.Wx.value) + dot(h, self.Wh.value) + self.bh.value)
            self.trace.append((x, h, new))
            h = new
            outputs.append(dot(h, self.Wy.value) + self.by.value)
        return outputs

    def backward(self, douts):
        for p in (self.Wx, self.Wh, self.bh, self.Wy, self.by):
            p.grad = np.zeros_like(p.value)
        dh = 0
        for (x, h, new), dy in zip(reversed(self.trace), reversed(douts)):
            self.Wy.grad += dot(new.T, dy)
            self.by.grad += dy
            dz = (dot(dy, self.Wy.value.T) + dh) * (1 - new * new)
            self.Wx.grad += dot(x.T, dz)
            self.Wh.grad += dot(h.T, dz)
            self.bh.grad += dz
            dh = dot(dz, self.Wh.value.T)
