"""Letter by letter with a GRU: one function gives the loss, its gradients and the last state."""
import numpy as np


def sig(a):
    return 1 / (1 + np.exp(-a))


class Verse:
    def __init__(self, vocab_size, hidden_size):
        shapes = {g + k: (hidden_size, n) for k in "zrn" for g, n in (("W", vocab_size), ("U", hidden_size), ("b", 1))}
        self.p = {name: np.random.randn(*shape) * 0.1 for name, shape in shapes.items()}
        self.p["Wy"] = np.random.randn(vocab_size, hidden_size) * 0.1

    def loss_fun(self, inputs, targets, h):
        p, loss, tape = self.p, 0.0, []
        for i, k in zip(inputs, targets):
            x = np.zeros((p["Wz"].shape[1], 1))
            x[i] = 1
            z, r = (sig(p["W" + g] @ x + p["U" + g] @ h + p["b" + g]) for g in "zr")
            n = np.tanh(p["Wn"] @ x + p["Un"] @ (r * h) + p["bn"])
            before, h = h, (1 - z) * h + z * n
            y = p["Wy"] @ h
            prob = np.exp(y - y.max()) / np.exp(y - y.max()).sum()
            loss -= np.log(prob[k, 0])
            tape.append((x, before, z, r, n, h, prob, k))
        g, dh = {name: np.zeros_like(w) for name, w in p.items()}, np.zeros_like(h)
        for x, before, z, r, n, after, prob, k in reversed(tape):
            dy = prob.copy()
            dy[k] -= 1
            g["Wy"] += dy @ after.T
            dh = dh + p["Wy"].T @ dy
            dz, dn = dh * (n - before) * z * (1 - z), dh * z * (1 - n * n)
            through = p["Un"].T @ dn
            dr = through * before * r * (1 - r)
            for gate, da, state in (("z", dz, before), ("r", dr, before), ("n", dn, r * before)):
                g["W" + gate] += da @ x.T
                g["U" + gate] += da @ state.T
                g["b" + gate] += da
            dh = dh * (1 - z) + through * r + p["Uz"].T @ dz + p["Ur"].T @ dr
        return loss, g, h
