"""Backward passes without a forward pass, as people hand them on: of states and outputs that the caller has."""

WALK = """
import numpy as np

def {name}({arguments}):
    {before}
    g_in, g_rec, g_out, carry = 0 * {W_in}, 0 * {W_rec}, 0 * {W_out}, 0.0
    for t in reversed(range(len(xs))):
        d = {d}
        g_out += np.outer(d, {h})
        a = ({W_out}.T @ d + carry) * ({slope})
        g_in += np.outer(a, xs[t])
        g_rec += np.outer(a, {h_before})
        carry = {W_rec}{turned} @ a
    return g_in, g_rec, g_out
"""
"""One walk back over vectors, of which the seams vary."""

PLAIN = {
    "name": "back_over_time",
    "arguments": "xs, hs, ys, targets, P, Q, R",
    "before": "pass",
    "W_in": "P",
    "W_rec": "Q",
    "W_out": "R",
    "d": "ys[t] - targets[t]",
    "h": "hs[t + 1]",
    "slope": "1 - hs[t + 1] ** 2",
    "h_before": "hs[t]",
    "turned": ".T",
}
IN_A_DICT = {"h": "hs[t]", "slope": "1 - hs[t] ** 2", "h_before": "hs[t - 1]"}

NAMED = {"arguments": "xs, hs, ys, targets, W_x, W_h, W_y", "W_in": "W_x", "W_rec": "W_h", "W_out": "W_y"}

RIGHT = {
    "targets, h_0 in front": {},
    "a cotangent handed in": {"arguments": "xs, hs, dys, P, Q, R", "d": "dys[t]"},
    "h_0 under the key -1": IN_A_DICT,
    "one cache of both": {"arguments": "cache, dys, P, Q, R", "before": "xs, hs = cache", "d": "dys[t]"},
    "of relu": {"slope": "hs[t + 1] > 0"},
}
WRONG = {
    "carry-not-transposed": {"turned": ""},
    "tanh-prime-of-activated": {"slope": "1 - np.tanh(hs[t + 1]) ** 2"},
}
ANOTHER_ACTIVATION = {"sigmoid": {"slope": "hs[t + 1] * (1 - hs[t + 1])"}, "none": {"slope": "1.0"}}


def walk(seams: dict[str, str]) -> str:
    """Return the source of a walk back with some seams of its own."""
    return WALK.format(**(PLAIN | seams))


BATCHED = '''
import numpy as np

def bptt(x, h, dy, W_x, W_h, W_y):
    """Of arrays (B, T, N) in rows."""
    grads = {"W_x": 0 * W_x, "W_h": 0 * W_h, "b": np.zeros(len(W_h)), "W_y": 0 * W_y, "b_y": np.zeros(W_y.shape[1])}
    later = np.zeros((len(x), len(W_h)))
    for t in range(x.shape[1])[::-1]:
        grads["W_y"] += h[:, t + 1].T @ dy[:, t]
        grads["b_y"] += dy[:, t].sum(0)
        a = (dy[:, t] @ W_y.T + later) * (1 - h[:, t + 1] ** 2)
        grads["W_x"] += x[:, t].T @ a
        grads["W_h"] += h[:, t].T @ a
        grads["b"] += a.sum(0)
        later = a @ W_h.T
    return grads
'''

OF_IDS = '''
import numpy as np

def back_through_words(tokens, hs, ps, following, Whh, Why):
    """Of ids and probabilities, in columns."""
    V, H = Why.shape
    dWxh, dWhh, dWhy, later = np.zeros((H, V)), 0 * Whh, 0 * Why, np.zeros((H, 1))
    for t in reversed(range(len(tokens))):
        dy = np.copy(ps[t])
        dy[following[t]] -= 1
        dWhy += dy @ hs[t].T
        a = (1 - hs[t] * hs[t]) * (Why.T @ dy + later)
        dWxh[:, tokens[t]] += a[:, 0]
        dWhh += a @ hs[t - 1].T
        later = Whh.T @ a
    return dWxh, dWhh, dWhy
'''

IN_ATTRIBUTES = '''
import numpy as np

class Gradients:
    """Has the weights, and not the forward pass."""

    def __init__(self, n_in, n_hidden, n_out):
        self.A = np.random.randn(n_hidden, n_in)
        self.B = np.random.randn(n_hidden, n_hidden)
        self.C = np.random.randn(n_out, n_hidden)

    def backward(self, xs, hs, dys):
        gA, gB, gC, later = 0 * self.A, 0 * self.B, 0 * self.C, 0
        for t in reversed(range(len(xs))):
            gC += np.outer(dys[t], hs[t + 1])
            a = (self.C.T @ dys[t] + later) * (1 - hs[t + 1] ** 2)
            gA += np.outer(a, xs[t])
            gB += np.outer(a, hs[t])
            later = self.B.T @ a
        return gA, gB, gC
'''

BELOW_THE_HEAD = '''
import numpy as np

def cell_gradients(d_states, xs, states, W_x, W_h):
    """Of dL/dh at every step."""
    gx, gh, gb, later = 0 * W_x, 0 * W_h, np.zeros(len(W_h)), 0
    for t in range(len(xs))[::-1]:
        a = (d_states[t] + later) * (1 - states[t + 1] ** 2)
        gx += np.outer(a, xs[t])
        gh += np.outer(a, states[t])
        gb += a
        later = W_h.T @ a
    return gx, gh, gb
'''

LAID_OUT = {
    "batches in rows": (BATCHED, "bptt"),
    "ids": (OF_IDS, "back_through_words"),
    "weights in attributes": (IN_ATTRIBUTES, "Gradients"),
    "below the head": (BELOW_THE_HEAD, "cell_gradients"),
}
