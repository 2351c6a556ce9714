import numpy as np


class StatefulRNN:
    """
    Next-token model that remembers where it was: the hidden state survives
    from one call of `train_chunk` to the next, until you call `reset()`.
    Gradients stop at the chunk boundary (truncated BPTT, chunk by chunk).
    """

    def __init__(self, n_tokens, n_state, seed=None):
        rng = np.random.default_rng(seed)
        self.K, self.N = n_tokens, n_state
        self.E = rng.standard_normal((n_tokens, n_state)) * 0.1      # embedding == input weights
        self.R = rng.standard_normal((n_state, n_state)) / np.sqrt(n_state)
        self.br = np.zeros(n_state)
        self.O = rng.standard_normal((n_state, n_tokens)) * 0.1
        self.bo = np.zeros(n_tokens)
        self.reset()

    def reset(self):
        self.state = np.zeros(self.N)

    def run_chunk(self, tokens):
        """advance the state over `tokens`; returns log-probabilities (T, K)"""
        h = self.state
        self._tokens = tokens
        self._h = [h]
        logp = np.empty((len(tokens), self.K))
        for t, k in enumerate(tokens):
            h = np.tanh(self.E[k] + h @ self.R + self.br)
            self._h.append(h)
            s = h @ self.O + self.bo
            s = s - s.max()
            logp[t] = s - np.log(np.exp(s).sum())
        self.state = h
        return logp

    def chunk_grads(self, logp, targets):
        """mean cross entropy of the chunk, and its gradients"""
        T = len(targets)
        ar = np.arange(T)
        loss = -logp[ar, targets].mean()
        ds = np.exp(logp)
        ds[ar, targets] -= 1
        ds /= T

        H = np.array(self._h)
        dE, dR, dbr = np.zeros_like(self.E), np.zeros_like(self.R), np.zeros_like(self.br)
        dO = H[1:].T @ ds
        dbo = ds.sum(0)
        later = np.zeros(self.N)
        for t in ar[::-1]:
            dpre = (ds[t] @ self.O.T + later) * (1 - H[t + 1] ** 2)
            dE[self._tokens[t]] += dpre
            dR += np.outer(H[t], dpre)
            dbr += dpre
            later = self.R @ dpre
        return loss, {"E": dE, "R": dR, "br": dbr, "O": dO, "bo": dbo}

    def train_chunk(self, tokens, targets, lr=0.5):
        logp = self.run_chunk(tokens)
        loss, grads = self.chunk_grads(logp, targets)
        size = np.sqrt(sum((g ** 2).sum() for g in grads.values()))
        for k, g in grads.items():
            getattr(self, k)[...] -= lr * g * min(1, 2.0 / size)
        return loss


if __name__ == "__main__":
    song = "row row row your boat gently down the stream merrily merrily merrily merrily life is but a dream "
    alphabet = sorted(set(song))
    ids = np.array([alphabet.index(c) for c in song * 3])
    net = StatefulRNN(len(alphabet), 40, seed=4)
    for ep in range(40):
        net.reset()
        losses = [net.train_chunk(ids[i:i + 16], ids[i + 1:i + 17]) for i in range(0, len(ids) - 17, 16)]
        if ep % 10 == 0:
            print("epoch", ep, "loss", np.mean(losses))
