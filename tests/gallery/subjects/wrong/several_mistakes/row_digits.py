import numpy as np
# Classify 8x8 digits by reading them one row at a time.
# batch first: images are (batch, rows, pixels). hidden state after the last row -> softmax over classes.

class RowRNN:
    def __init__(self, n_pixels = 8, n_hidden = 32, n_classes = 10):
        self.n_hidden = n_hidden
        self.Wxh = np.random.randn(n_pixels, n_hidden) * np.sqrt(1/n_pixels)
        self.Whh = np.random.randn(n_hidden, n_hidden) * np.sqrt(1/n_hidden)
        self.bh  = np.zeros((1, n_hidden))
        self.Why = np.random.randn(n_hidden, n_classes) * np.sqrt(1/n_hidden)
        self.by  = np.zeros((1, n_classes))

    def forward(self, images):
        batch, rows, _ = images.shape
        self.images = images
        self.h = np.zeros((rows+1, batch, self.n_hidden))
        for r in range(rows):
            self.h[r+1] = np.tanh(images[:, r, :] @ self.Wxh + self.h[r] @ self.Whh + self.bh)
        z = self.h[rows] @ self.Why + self.by
        z = np.exp(z - z.max(axis=1, keepdims=True))
        self.probs = z / z.sum(axis=1, keepdims=True)
        return self.probs

    def cross_entropy(self, labels):
        return -np.log(self.probs[range(len(labels)), labels]).mean()

    def backward(self, labels):
        batch, rows, _ = self.images.shape
        dz = self.probs.copy()
        dz[range(batch), labels] -= 1
        dz = dz / batch

        self.dWhy = self.h[rows].T @ dz
        self.dby = dz.sum(axis=0, keepdims=True)
        self.dWxh = np.zeros_like(self.Wxh)
        self.dWhh = np.zeros_like(self.Whh)
        self.dbh = np.zeros_like(self.bh)

        dh = dz @ self.Why.T
        for r in range(rows-1, -1, -1):
            da = dh * (1 - self.h[r+1]**2)
            self.dWhh += self.h[r].T @ da
            self.dWxh = self.images[:, r, :].T @ da
            self.dbh += da.sum(axis=0, keepdims=True)
            dh = da @ self.Whh

    def sgd(self, lr):
        self.Wxh -= lr * self.dWxh
        self.Whh -= lr * self.dWhh
        self.bh  -= lr * self.dbh
        self.Why -= lr * self.dWhy
        self.by  -= lr * self.dby


def fake_digits(n, rng):
    # no internet in the lab: ten fixed 8x8 patterns + noise
    protos = np.random.RandomState(0).rand(10, 8, 8)
    y = rng.randint(0, 10, n)
    return protos[y] + 0.3 * rng.randn(n, 8, 8), y


if __name__ == '__main__':
    rng = np.random.RandomState(10)
    net = RowRNN()
    for it in range(601):
        x, y = fake_digits(64, rng)
        p = net.forward(x)
        if it % 200 == 0:
            print('iter', it, 'loss', net.cross_entropy(y), 'acc', (p.argmax(1) == y).mean())
        net.backward(y)
        net.sgd(0.1)
