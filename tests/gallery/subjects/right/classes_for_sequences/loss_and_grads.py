import numpy as np


def softmax_loss(scores, y, mask=None):
    """scores (N, T, V), y (N, T) -> loss summed over everything, gradient of the scores"""
    N, T, V = scores.shape
    shifted = scores - scores.max(axis=2, keepdims=True)
    probs = np.exp(shifted)
    probs /= probs.sum(axis=2, keepdims=True)
    n, t = np.arange(N)[:, None], np.arange(T)
    loss = -np.log(probs[n, t, y]).sum() / N
    d = probs.copy()
    d[n, t, y] -= 1
    return loss, d / N


class CaptionRNN:
    """Reads word ids, starts from features: h0 = features."""

    def __init__(self, vocab, hidden, seed=0):
        rng = np.random.default_rng(seed)
        self.params = {
            "W_embed": rng.normal(0, 0.1, (vocab, hidden)),
            "Wh": rng.normal(0, 0.1, (hidden, hidden)),
            "b": np.zeros(hidden),
            "W_vocab": rng.normal(0, 0.1, (hidden, vocab)),
            "b_vocab": np.zeros(vocab),
        }

    def loss(self, words, targets, h0):
        """words, targets (N, T) ids, h0 (N, H) -> loss, grads"""
        p = self.params
        N, T = words.shape
        hs = [h0]
        for t in range(T):
            hs.append(np.tanh(p["W_embed"][words[:, t]] + hs[-1] @ p["Wh"] + p["b"]))
        H = np.stack(hs[1:], axis=1)
        loss, ds = softmax_loss(H @ p["W_vocab"] + p["b_vocab"], targets)
        grads = {k: np.zeros_like(v) for k, v in p.items()}
        grads["W_vocab"] = np.einsum("nth,ntv->hv", H, ds)
        grads["b_vocab"] = ds.sum(axis=(0, 1))
        dH = ds @ p["W_vocab"].T
        dh = np.zeros_like(h0)
        for t in reversed(range(T)):
            dz = (dH[:, t] + dh) * (1 - H[:, t] ** 2)
            np.add.at(grads["W_embed"], words[:, t], dz)
            grads["Wh"] += hs[t].T @ dz
            grads["b"] += dz.sum(axis=0)
            dh = dz @ p["Wh"].T
        grads["h0"] = dh
        return loss, grads
