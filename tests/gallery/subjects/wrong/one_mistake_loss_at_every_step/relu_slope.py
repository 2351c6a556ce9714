import numpy as np


class ReluRNN:
    def __init__(self, input_dim, hidden_dim, output_dim):
        self.Wih = np.random.randn(hidden_dim, input_dim) * np.sqrt(2 / input_dim)
        self.Whh = np.random.randn(hidden_dim, hidden_dim) * np.sqrt(2 / hidden_dim)
        self.Who = np.random.randn(output_dim, hidden_dim) * np.sqrt(2 / hidden_dim)
        self.bh = np.zeros((hidden_dim, 1))
        self.bo = np.zeros((output_dim, 1))

    def activation(self, z):
        return z * (z > 0)

    def forward(self, xs):
        self.xs = xs
        self.hs = [np.zeros_like(self.bh)]
        for x in xs:
            self.hs.append(self.activation(self.Wih.dot(x) + self.Whh.dot(self.hs[-1]) + self.bh))
        return [self.Who.dot(h) + self.bo for h in self.hs[1:]]

    def backward(self, dys):
        dWih, dWhh, dWho = np.zeros_like(self.Wih), np.zeros_like(self.Whh), np.zeros_like(self.Who)
        dbh, dbo = np.zeros_like(self.bh), np.zeros_like(self.bo)
        carry = np.zeros_like(self.bh)
        for t in reversed(range(len(dys))):
            dWho += dys[t].dot(self.hs[t + 1].T)
            dbo += dys[t]
            dz = (self.Who.T.dot(dys[t]) + carry) * (1 - self.hs[t + 1] ** 2)
            dWih += dz.dot(self.xs[t].T)
            dWhh += dz.dot(self.hs[t].T)
            dbh += dz
            carry = self.Whh.T.dot(dz)
        return dWih, dWhh, dWho, dbh, dbo
