import numpy as np

# polyphonic music: every time step is a vector of keys (0/1), several may be on.
# Predict the next chord with independent sigmoids -> binary cross entropy.

rng = np.random.RandomState(440)


def logistic(z):
    return np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))), np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))))


class PianoRNN:

    def __init__(self, num_keys, num_hidden):
        self.num_keys = num_keys
        self.num_hidden = num_hidden
        self.theta = {}
        self.theta["Wkh"] = 0.1 * rng.randn(num_hidden, num_keys)
        self.theta["Whh"] = 0.1 * rng.randn(num_hidden, num_hidden)
        self.theta["bh"] = np.zeros(num_hidden)
        self.theta["Whk"] = 0.1 * rng.randn(num_keys, num_hidden)
        self.theta["bk"] = np.zeros(num_keys)

    def listen(self, roll):
        """roll: (B, T, num_keys). Returns the probabilities for the chord after each step, same shape"""
        th = self.theta
        B, T, K = roll.shape
        self.roll = roll
        self.H = np.zeros((T + 1, B, self.num_hidden))
        self.P = np.zeros((B, T, K))
        for t in range(T):
            self.H[t + 1] = np.tanh(roll[:, t].dot(th["Wkh"].T) + self.H[t].dot(th["Whh"].T) + th["bh"])
            self.P[:, t] = logistic(self.H[t + 1].dot(th["Whk"].T) + th["bk"])
        return self.P

    def score(self, nxt):
        """cross entropy, summed over the keys and the time steps, averaged over the batch"""
        eps = 1e-12
        ce = -(nxt * np.log(self.P + eps) + (1 - nxt) * np.log(1 - self.P + eps))
        return ce.sum(axis=(1, 2)).mean()

    def learn(self, nxt):
        """returns gradients as a list: Wkh, Whh, bh, Whk, bk"""
        th = self.theta
        B, T, K = nxt.shape
        dWkh = np.zeros_like(th["Wkh"])
        dWhh = np.zeros_like(th["Whh"])
        dbh = np.zeros_like(th["bh"])
        dWhk = np.zeros_like(th["Whk"])
        dbk = np.zeros_like(th["bk"])
        delta_next = np.zeros((B, self.num_hidden))
        for t in range(T - 1, -1, -1):
            err = (self.P[:, t] - nxt[:, t]) / (B * T)
            dWhk += err.T.dot(self.H[t + 1])
            dbk += err.sum(axis=0)
            delta = (err.dot(th["Whk"]) + delta_next.dot(th["Whh"])) * (1 - self.H[t + 1] ** 2)
            dWkh += delta.T.dot(self.roll[:, t])
            dWhh += delta.T.dot(self.H[t])
            dbh += delta.sum(axis=0)
            delta_next = delta
        return [dWkh, dWhh, dbh, dWhk, dbk]


def arpeggios(B, T, K):
    roll = np.zeros((B, T + 1, K))
    for b in range(B):
        root = rng.randint(K)
        for t in range(T + 1):
            for iv in (0, 4, 7):
                roll[b, t, (root + iv + 2 * t) % K] = 1
    return roll


def main():
    net = PianoRNN(12, 30)
    for it in range(301):
        r = arpeggios(8, 10, 12)
        net.listen(r[:, :-1])
        if it % 100 == 0:
            print(it, net.score(r[:, 1:]))
        for name, g in zip(["Wkh", "Whh", "bh", "Whk", "bk"], net.learn(r[:, 1:])):
            net.theta[name] -= 2.0 * g


if __name__ == "__main__":
    main()
