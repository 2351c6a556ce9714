import numpy as np


class TinyRNN:
    def __init__(self, n_in=3, n_hidden=6, n_out=2):
        self.n_in, self.n_hidden, self.n_out = n_in, n_hidden, n_out
        self.win = np.random.randn(n_hidden, n_in) * .3
        self.whid = np.random.randn(n_hidden, n_hidden) * .3
        self.wout = np.random.randn(n_out, n_hidden) * .3
        self.bhid = np.zeros(n_hidden)
        self.bout = np.zeros(n_out)

    def forward(self, xs):
        h = np.zeros(self.n_hidden)
        self.xs, self.hs, self.zs, ys = xs, [h], [], []
        for x in xs:
            z = self.win @ x + self.whid @ h + self.bhid
            h = np.tanh(z)
            self.zs.append(z)
            self.hs.append(h)
            ys.append(self.wout @ h + self.bout)
        self.ys = ys
        return ys

    def loss(self, targets):
        return 0.5 * sum(((y - t) ** 2).sum() for y, t in zip(self.ys, targets))

    def backward(self, targets):
        gwin, gwhid, gwout = np.zeros_like(self.win), np.zeros_like(self.whid), np.zeros_like(self.wout)
        gbhid, gbout = np.zeros_like(self.bhid), np.zeros_like(self.bout)
        back = np.zeros(self.n_hidden)
        for t in range(len(targets) - 1, -1, -1):
            e = self.ys[t] - targets[t]
            gwout += np.outer(e, self.hs[t + 1])
            gbout += e
            d = (self.wout.T @ e + back) * (1 - self.zs[t] ** 2)
            gwin += np.outer(d, self.xs[t])
            gwhid += np.outer(d, self.hs[t])
            gbhid += 2 * d
            back = self.whid.T @ d
        return {"win": gwin, "whid": gwhid, "wout": gwout, "bhid": gbhid, "bout": gbout}
