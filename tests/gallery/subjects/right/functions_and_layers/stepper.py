# A recurrent cell you drive one step at a time, forwards and then backwards.
# The caller owns the time loop (I need this for variable length logs).
#
#   cell.begin(batch)
#   for x in stream:  h = cell.step(x)
#   for dh in reversed(upstream):  dx = cell.step_back(dh)
#   cell.apply(lr)

import numpy as np


class ElmanCell:
    def __init__(self, d_in, d_hid, seed=123):
        r = np.random.RandomState(seed)
        # one matrix for [x, h, 1] -- bias is its last row
        self.M = r.randn(d_in + d_hid + 1, d_hid) * 0.1
        self.d_in = d_in
        self.d_hid = d_hid
        self.gM = np.zeros_like(self.M)
        self._stack = []
        self._h = None
        self._dh = None

    def begin(self, batch, h0=None):
        self._stack.clear()
        self._h = np.zeros((batch, self.d_hid)) if h0 is None else h0
        self._dh = np.zeros((batch, self.d_hid))
        self.gM = np.zeros_like(self.M)

    def step(self, x):
        """x: (batch, d_in)"""
        v = np.hstack([x, self._h, np.ones((len(x), 1))])
        self._h = np.tanh(v @ self.M)
        self._stack.append((v, self._h))
        return self._h

    def step_back(self, dh):
        """dh: gradient of the loss w.r.t. the output of the matching step(). returns dx"""
        v, h = self._stack.pop()
        da = (dh + self._dh) * (1 - h * h)
        self.gM += v.T @ da
        dv = da @ self.M.T
        self._dh = dv[:, self.d_in:self.d_in + self.d_hid]
        return dv[:, :self.d_in]

    def apply(self, lr):
        assert not self._stack, "not everything was backpropagated"
        self.M -= lr * self.gM


class Readout:
    def __init__(self, d_hid, d_out):
        self.w = np.zeros((d_hid, d_out))
        self.c = np.zeros(d_out)

    def __call__(self, h):
        return h @ self.w + self.c


def selftest():
    rs = np.random.RandomState(0)
    cell = ElmanCell(3, 4)
    xs = rs.randn(5, 2, 3)
    k = rs.randn(5, 2, 4)

    def f():
        cell.begin(2)
        return sum((cell.step(x) * c).sum() for x, c in zip(xs, k))

    f()
    for c in k[::-1]:
        cell.step_back(c)
    g = cell.gM.copy()
    cell.M[1, 2] += 1e-6
    up = f()
    cell.M[1, 2] -= 2e-6
    dn = f()
    cell.M[1, 2] += 1e-6
    print("analytic %.8f numeric %.8f" % (g[1, 2], (up - dn) / 2e-6))


if __name__ == "__main__":
    selftest()
