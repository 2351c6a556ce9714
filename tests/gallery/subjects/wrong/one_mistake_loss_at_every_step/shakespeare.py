"""
char rnn homework (week 7)
trains on a little bit of hamlet, then babbles
"""
import numpy as np

TEXT = """to be, or not to be, that is the question:
whether 'tis nobler in the mind to suffer
the slings and arrows of outrageous fortune,
or to take arms against a sea of troubles"""


class CharRNN:

    def __init__(self, vocab_size, hidden_size, seed=42):
        rs = np.random.RandomState(seed)
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.U = rs.randn(hidden_size, vocab_size) * 0.01    # input -> hidden
        self.W = rs.randn(hidden_size, hidden_size) * 0.01   # hidden -> hidden
        self.V = rs.randn(vocab_size, hidden_size) * 0.01    # hidden -> logits
        self.b = np.zeros((hidden_size, 1))
        self.c = np.zeros((vocab_size, 1))

    def forward(self, idxs, h_prev):
        """idxs: list of ints.  returns everything the backward pass needs"""
        x, h, p = {}, {-1: np.copy(h_prev)}, {}
        for t, ix in enumerate(idxs):
            x[t] = np.zeros((self.vocab_size, 1))
            x[t][ix] = 1
            h[t] = np.tanh(self.U.dot(x[t]) + self.W.dot(h[t - 1]) + self.b)
            o = self.V.dot(h[t]) + self.c
            e = np.exp(o - o.max())
            p[t] = e / e.sum()
        return x, h, p

    def loss(self, p, targets):
        return sum(-np.log(p[t][k, 0]) for t, k in enumerate(targets))

    def backward(self, x, h, p, targets):
        g = {name: np.zeros_like(getattr(self, name)) for name in "UWVbc"}
        dh_next = np.zeros((self.hidden_size, 1))
        for t in range(len(targets) - 1, -1, -1):
            do = np.copy(p[t])
            do[targets[t]] -= 1
            g["V"] += do.dot(h[t].T)
            g["c"] += do
            dh = self.V.T.dot(do) + dh_next
            dz = dh * (1 - np.tanh(h[t]) ** 2)     # tanh'(z) = 1 - tanh(z)^2
            g["b"] += dz
            g["U"] += dz.dot(x[t].T)
            g["W"] += dz.dot(h[t - 1].T)
            dh_next = self.W.T.dot(dz)
        return g

    def sample(self, h, seed_ix, n):
        out = []
        ix = seed_ix
        for _ in range(n):
            _, hs, ps = self.forward([ix], h)
            h = hs[0]
            ix = np.random.choice(self.vocab_size, p=ps[0].ravel())
            out.append(ix)
        return out


if __name__ == "__main__":
    chars = sorted(set(TEXT))
    stoi = {c: i for i, c in enumerate(chars)}
    net = CharRNN(len(chars), 48)
    mem = {k: np.zeros_like(getattr(net, k)) for k in "UWVbc"}
    pos, h = 0, np.zeros((48, 1))
    smooth = -np.log(1.0 / len(chars)) * 20
    for it in range(2000):
        if pos + 21 >= len(TEXT):
            pos, h = 0, np.zeros((48, 1))
        a = [stoi[c] for c in TEXT[pos:pos + 20]]
        b = [stoi[c] for c in TEXT[pos + 1:pos + 21]]
        x, hs, p = net.forward(a, h)
        h = hs[19]
        smooth = 0.999 * smooth + 0.001 * net.loss(p, b)
        grads = net.backward(x, hs, p, b)
        for k, d in grads.items():
            d = np.clip(d, -5, 5)
            mem[k] += d * d
            w = getattr(net, k)
            w -= 0.1 * d / np.sqrt(mem[k] + 1e-8)
        pos += 20
        if it % 500 == 0:
            print(it, smooth)
            print("".join(chars[i] for i in net.sample(h, a[0], 120)))
