"""For an optimiser that knows one vector of parameters: value and gradient of the objective."""
import numpy as np


class VectorRNN:
    def __init__(self, n_in, n_hidden, n_out):
        self.shapes = [(n_hidden, n_in), (n_hidden, n_hidden), (n_hidden,), (n_out, n_hidden), (n_out,)]
        self.theta = 0.1 * np.random.randn(sum(int(np.prod(s)) for s in self.shapes))

    def matrices(self, theta):
        found, at = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape))
            found.append(theta[at:at + size].reshape(shape))
            at += size
        return found

    def predict(self, x):
        A, R, a, C, c = self.matrices(self.theta)
        state, out = np.zeros(len(a)), []
        for row in x:
            state = np.tanh(A @ row + R @ state + a)
            out.append(C @ state + c)
        return np.array(out)

    def objective(self, theta, x, wanted):
        A, R, a, C, c = self.matrices(theta)
        states = [np.zeros(len(a))]
        for row in x:
            states.append(np.tanh(A @ row + R @ states[-1] + a))
        off = np.array(states[1:]) @ C.T + c - wanted
        gA, gR, ga, passed = np.zeros_like(A), np.zeros_like(R), np.zeros_like(a), 0
        for k in range(len(x), 0, -1):
            d = (C.T @ off[k - 1] + passed) * (1 - states[k] ** 2)
            gA += np.outer(d, x[k - 1])
            gR += np.outer(d, states[k - 1])
            ga += d
            passed = R.T @ d
        parts = (gA, gR, ga, off.T @ np.array(states[1:]), off.sum(0))
        return 0.5 * np.sum(off ** 2), np.concatenate([part.ravel() for part in parts])
