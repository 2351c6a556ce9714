import numpy as np


def init_params(D, H, O, rng=np.random):
    return {"W_in": rng.randn(D, H) * 0.1, "W_rec": rng.randn(H, H) * 0.1, "W_out": rng.randn(H, O) * 0.1,
            "b_rec": np.zeros(H), "b_out": np.zeros(O)}


def forward(params, x):
    """x: (T, B, D)"""
    T, B, D = x.shape
    h = np.zeros((T + 1, B, params["W_rec"].shape[0]))
    for t in range(T):
        h[t + 1] = np.tanh(x[t] @ params["W_in"] + h[t] @ params["W_rec"] + params["b_rec"])
    y = h[1:] @ params["W_out"] + params["b_out"]
    return y, (x, h)


def backward(params, cache, dy):
    x, h = cache
    T, B, D = x.shape
    grads = {k: np.zeros_like(v) for k, v in params.items()}
    grads["W_out"] = np.einsum("tbh,tbo->ho", h[1:], dy)
    grads["b_out"] = dy.sum((0, 1))
    dh = np.zeros_like(h[0])
    for t in range(T - 1, -1, -1):
        dh = dh + dy[t] @ params["W_out"].T
        dz = dh * (1 - h[t + 1] ** 2)
        grads["W_in"] += x[t].T @ dz
        grads["W_rec"] += h[t].T @ dz
        grads["b_rec"] += dz.sum(0)
        dh = dz @ params["W_rec"].T
    for k in ("W_in", "W_rec", "b_rec"):
        grads[k] /= T  # average over the time steps
    return grads
