import numpy as np


class StatefulRNN:
    """The state lives on between calls until reset() is called."""

    def __init__(self, n_in, n_rec, n_out):
        self.w_in = np.random.randn(n_rec, n_in) / np.sqrt(n_in)
        self.w_rec = np.random.randn(n_rec, n_rec) / np.sqrt(n_rec)
        self.w_out = np.random.randn(n_out, n_rec) / np.sqrt(n_rec)
        self.b_rec = np.zeros(n_rec)
        self.b_out = np.zeros(n_out)
        self.reset()

    def reset(self):
        self.state = np.zeros(len(self.b_rec))

    def forward(self, seq):
        self.seq = np.asarray(seq)
        self.states = [self.state]
        outs = []
        for x in self.seq:
            self.state = np.tanh(self.w_in.dot(x) + self.w_rec.dot(self.state) + self.b_rec)
            self.states.append(self.state)
            outs.append(self.w_out.dot(self.state) + self.b_out)
        return np.array(outs)

    def backward(self, grad_outs):
        g = {name: np.zeros_like(getattr(self, name)) for name in ("w_in", "w_rec", "w_out", "b_rec", "b_out")}
        back = 0
        for t in reversed(range(len(self.seq))):
            g["w_out"] += np.outer(grad_outs[t], self.states[t + 1])
            g["b_out"] += grad_outs[t]
            delta = (self.w_out.T.dot(grad_outs[t]) + back) * (1 - self.states[t + 1] ** 2)
            g["w_in"] += np.outer(delta, self.seq[t])
            g["w_rec"] += np.outer(delta, self.states[t])
            g["b_rec"] += delta
            back = self.w_rec.T.dot(delta)
        return g
