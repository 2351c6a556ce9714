# binary addition with a sigmoid recurrent net
# bits go in from the least significant one, two at a time; sum bits come out
import numpy as np

np.random.seed(0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class AdderNet:
    def __init__(self, n_inputs=2, n_hidden=16, n_outputs=1):
        self.syn_in = 2 * np.random.random((n_inputs, n_hidden)) - 1
        self.syn_rec = 2 * np.random.random((n_hidden, n_hidden)) - 1
        self.syn_out = 2 * np.random.random((n_hidden, n_outputs)) - 1
        self.n_hidden = n_hidden

    def forward(self, bits):
        """bits (T, n_inputs) -> probabilities (T, n_outputs). No biases anywhere."""
        self.bits = bits
        self.hid = [np.zeros(self.n_hidden)]
        self.out = []
        for b in bits:
            self.hid.append(sigmoid(b @ self.syn_in + self.hid[-1] @ self.syn_rec))
            self.out.append(sigmoid(self.hid[-1] @ self.syn_out))
        self.out = np.array(self.out)
        return self.out

    def loss(self, target):
        """binary cross entropy, summed over everything"""
        return -np.sum(target * np.log(self.out) + (1 - target) * np.log(1 - self.out))

    def backward(self, target):
        up_in = np.zeros_like(self.syn_in)
        up_rec = np.zeros_like(self.syn_rec)
        up_out = np.zeros_like(self.syn_out)
        future = np.zeros(self.n_hidden)
        for t in range(len(self.bits) - 1, -1, -1):
            h, h_prev = self.hid[t + 1], self.hid[t]
            out_delta = self.out[t] - target[t]        # sigmoid and cross entropy cancel nicely
            hid_delta = (future + self.syn_out @ out_delta) * h * (1 - h)
            up_out += np.outer(h, out_delta)
            up_rec += np.outer(h_prev, hid_delta)
            up_in += np.outer(self.bits[t], hid_delta)
            future = self.syn_rec @ hid_delta
        return up_in, up_rec, up_out


def to_bits(n, width=8):
    return np.array([(n >> i) & 1 for i in range(width)], dtype=float)


def main(rounds=10000, alpha=0.1):
    net = AdderNet()
    for r in range(rounds):
        a, b = np.random.randint(0, 128, 2)
        x = np.stack([to_bits(a), to_bits(b)], axis=1)
        y = to_bits(a + b)[:, None]
        p = net.forward(x)
        d_in, d_rec, d_out = net.backward(y)
        net.syn_in -= alpha * d_in
        net.syn_rec -= alpha * d_rec
        net.syn_out -= alpha * d_out
        if r % 1000 == 0:
            guess = int(sum(2 ** i * round(float(q)) for i, q in enumerate(p[:, 0])))
            print("loss %.4f   %d + %d = %d" % (net.loss(y), a, b, guess))


if __name__ == "__main__":
    main()
