import numpy as np

# layer for a small deep learning library: forward(x) caches, backward(grad) returns grad wrt x


class RNNLayer:
    def __init__(self, in_features, out_features):
        s = 1.0 / np.sqrt(out_features)
        self.params = [
            np.random.uniform(-s, s, (in_features, out_features)),
            np.random.uniform(-s, s, (out_features, out_features)),
            np.random.uniform(-s, s, (out_features,)),
        ]
        self.grads = [np.zeros_like(p) for p in self.params]

    def forward(self, xs):
        # xs: (T, B, I)
        Wx, Wh, b = self.params
        h = np.zeros((xs.shape[1], Wh.shape[0]))
        self.cache = []
        out = []
        for x in xs:
            h_new = np.tanh(x @ Wx + h @ Wh + b)
            self.cache.append((x, h, h_new))
            h = h_new
            out.append(h)
        return np.stack(out)

    def backward(self, dhs):
        Wx, Wh, b = self.params
        dWx, dWh, db = (np.zeros_like(p) for p in self.params)
        dxs = np.zeros((len(dhs), dhs.shape[1], Wx.shape[0]))
        dh = np.zeros_like(dhs[0])
        for t in reversed(range(len(dhs))):
            x, h_prev, h_next = self.cache[t]
            dh = dh + dhs[t]
            dt = dh * h_next * (1 - h_next)
            db += np.sum(dt, axis=0)
            dWh += h_next.T @ dt
            dWx += x.T @ dt
            dxs[t] = dt @ Wx.T
            dh = dt @ Wh.T
        for g, new in zip(self.grads, (dWx, dWh, db)):
            g[...] = new
        return dxs
