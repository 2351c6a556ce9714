import numpy as np


class GRULayer:
    """Gates r z n below each other, the reset gate after the product, as torch has it; (T, B, I)."""

    def __init__(self, input_size, hidden_size):
        self.H = hidden_size
        self.w_ih = np.random.randn(3 * hidden_size, input_size) * 0.2
        self.w_hh = np.random.randn(3 * hidden_size, hidden_size) * 0.2
        self.b_ih = np.zeros(3 * hidden_size)
        self.b_hh = np.zeros(3 * hidden_size)

    def forward(self, x):
        h = np.zeros((x.shape[1], self.H))
        self.cache, out = [], []
        for x_t in x:
            gi = x_t @ self.w_ih.T + self.b_ih
            gh = h @ self.w_hh.T + self.b_hh
            i_r, i_z, i_n = np.split(gi, 3, 1)
            h_r, h_z, h_n = np.split(gh, 3, 1)
            r = 1 / (1 + np.exp(-(i_r + h_r)))
            z = 1 / (1 + np.exp(-(i_z + h_z)))
            n = np.tanh(i_n + r * h_n)
            self.cache.append((x_t, h, r, z, n, h_n))
            h = (1 - z) * n + z * h
            out.append(h)
        return np.stack(out)

    def backward(self, dout):
        dw_ih, dw_hh = np.zeros_like(self.w_ih), np.zeros_like(self.w_hh)
        db_ih, db_hh = np.zeros_like(self.b_ih), np.zeros_like(self.b_hh)
        dh = np.zeros_like(dout[0])
        for t in reversed(range(len(dout))):
            x_t, h, r, z, n, h_n = self.cache[t]
            dh = dh + dout[t]
            dn = dh * (1 - z) * (1 - n ** 2)
            dz = dh * (h - n) * z * (1 - z)
            dr = dn * h_n * r * (1 - r)
            d_gi = np.hstack([dr, dz, dn])
            d_gh = np.hstack([dr, dz, dn * r])
            dw_ih += d_gi.T @ x_t
            dw_hh += d_gh.T @ h
            db_ih += d_gi.sum(0)
            db_hh += d_gh.sum(0)
            dh = dh * z + d_gh @ self.w_hh
        return dw_ih, dw_hh, db_ih, db_hh
