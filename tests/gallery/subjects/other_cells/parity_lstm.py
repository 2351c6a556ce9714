import numpy as np

# LSTM, gates stacked in one big matrix in the order  i f o g
# z = W [x ; h] + b,  W is (4H, D+H)


def sigm(a):
    return 1.0 / (1.0 + np.exp(-a))


class LSTM(object):
    def __init__(self, input_dim, hidden_dim, output_dim, rng=None):
        rng = rng or np.random.default_rng(7)
        D, H, O = input_dim, hidden_dim, output_dim
        self.D, self.H, self.O = D, H, O
        self.params = dict(
            W=rng.normal(0, 1 / np.sqrt(D + H), (4 * H, D + H)),
            b=np.zeros(4 * H),
            Wy=rng.normal(0, 1 / np.sqrt(H), (O, H)),
            by=np.zeros(O),
        )
        self.params["b"][H:2 * H] = 1.0        # remember by default

    def forward(self, X):
        """X (T, D) -> Y (T, O)"""
        H = self.H
        W, b, Wy, by = (self.params[k] for k in ("W", "b", "Wy", "by"))
        h, c = np.zeros(H), np.zeros(H)
        self.tape = []
        Y = []
        for x in X:
            xh = np.concatenate([x, h])
            z = W @ xh + b
            i, f, o = sigm(z[:H]), sigm(z[H:2*H]), sigm(z[2*H:3*H])
            g = np.tanh(z[3*H:])
            c_old = c
            c = f * c_old + i * g
            tc = np.tanh(c)
            h = o * tc
            self.tape.append((xh, i, f, o, g, c_old, tc, h))
            Y.append(Wy @ h + by)
        return np.array(Y)

    def loss(self, Y, T):
        return 0.5 * ((Y - T) ** 2).sum()

    def backward(self, dY):
        H, D = self.H, self.D
        W, Wy = self.params["W"], self.params["Wy"]
        grads = {k: np.zeros_like(v) for k, v in self.params.items()}
        dh_next, dc_next = np.zeros(H), np.zeros(H)
        for (xh, i, f, o, g, c_old, tc, h), dy in zip(reversed(self.tape), dY[::-1]):
            grads["Wy"] += np.outer(dy, h)
            grads["by"] += dy
            dh = Wy.T @ dy + dh_next
            dc = dc_next + dh * o * (1 - tc ** 2)
            dz = np.concatenate([
                dc * g * i * (1 - i),
                dc * c_old * f * (1 - f),
                dh * tc * o * (1 - o),
                dc * i * (1 - g ** 2),
            ])
            grads["W"] += np.outer(dz, xh)
            grads["b"] += dz
            dxh = W.T @ dz
            dh_next = dxh[D:]
            dc_next = dc * f
        return grads


def train():
    net = LSTM(1, 10, 1)
    rng = np.random.default_rng(0)
    for it in range(500):
        x = rng.integers(0, 2, (12, 1)).astype(float)
        target = np.cumsum(x, 0) % 2           # running parity
        y = net.forward(x)
        g = net.backward(y - target)
        for k in net.params:
            net.params[k] -= 0.02 * np.clip(g[k], -1, 1)
        if it % 100 == 0:
            print(it, net.loss(y, target))


if __name__ == "__main__":
    train()
