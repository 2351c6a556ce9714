import numpy as np


def logistic(a):
    return 1 / (1 + np.exp(-a))


def gru_forward(x, h0, params):
    """x (B, T, D), h0 (B, H); without biases."""
    h, cache, hs = h0, [], []
    for t in range(x.shape[1]):
        z = logistic(x[:, t] @ params["Wz"] + h @ params["Uz"])
        r = logistic(x[:, t] @ params["Wr"] + h @ params["Ur"])
        n = np.tanh(x[:, t] @ params["Wn"] + (r * h) @ params["Un"])
        cache.append((x[:, t], h, z, r, n))
        h = z * h + (1 - z) * n
        hs.append(h)
    return np.stack(hs, axis=1), cache


def gru_backward(dhs, cache, params):
    grads = {name: np.zeros_like(w) for name, w in params.items()}
    dh = np.zeros_like(dhs[:, 0])
    for t in range(len(cache) - 1, -1, -1):
        x, h, z, r, n = cache[t]
        dh = dh + dhs[:, t]
        dan = dh * (1 - z) * (1 - n * n)
        daz = dh * (h - n) * z * (1 - z)
        drh = dan @ params["Un"].T
        dar = drh * h * r * (1 - r)
        grads["Wz"] += x.T @ daz
        grads["Uz"] += h.T @ daz
        grads["Wr"] += x.T @ dar
        grads["Ur"] += h.T @ dar
        grads["Wn"] += x.T @ dan
        grads["Un"] += (r * h).T @ dan
        dh = dh * z + drh * r + daz @ params["Uz"].T + dar @ params["Ur"].T
    return grads
