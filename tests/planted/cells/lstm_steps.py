import numpy as np


def squash(x):
    return 1 / (1 + np.exp(-x))


def lstm_step_forward(x, h_before, c_before, Wx, Wh, b):
    a = x @ Wx + h_before @ Wh + b
    a_in, a_forget, a_out, a_cand = np.split(a, 4, axis=1)
    i, f, o, g = squash(a_in), squash(a_forget), squash(a_out), np.tanh(a_cand)
    c = f * c_before + i * g
    th = np.tanh(c)
    h = o * th
    return h, c, (x, h_before, c_before, Wx, Wh, i, f, o, g, th, h)


def lstm_step_backward(dh, dc, cache):
    x, h_before, c_before, Wx, Wh, i, f, o, g, th, h = cache
    dc_all = dc + dh * o * (1 - th * th)
    da_out = dh * th * o * (1 - o)
    da_in = dc_all * g * i * (1 - i)
    da_forget = dc_all * c_before * f * (1 - f)
    da_cand = dc_all * i * (1 - g * g)
    da = np.hstack((da_in, da_forget, da_out, da_cand))
    return da @ Wx.T, da @ Wh.T, dc_all * f, x.T @ da, h_before.T @ da, da.sum(axis=0)


def lstm_forward(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    hs = np.zeros((N, T, h0.shape[1]))
    h, c, caches = h0, np.zeros_like(h0), []
    for t in range(T):
        h, c, cache = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        hs[:, t] = h
        caches.append(cache)
    return hs, caches


def lstm_backward(dhs, caches):
    N, T, H = dhs.shape
    D = caches[0][0].shape[1]
    dx, dWx, dWh, db = np.zeros((N, T, D)), np.zeros((D, 4 * H)), np.zeros((H, 4 * H)), np.zeros(4 * H)
    dh, dc = np.zeros((N, H)), np.zeros((N, H))
    for t in reversed(range(T)):
        dh_all = dhs[:, t] + dh
        dx[:, t], dh, dc, dWx_t, dWh_t, db_t = lstm_step_backward(dh_all, dc, caches[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dh, dWx, dWh, db
