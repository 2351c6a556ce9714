import numpy as np

BACK = 4


def rnn_forward(x, Wx, Wh, b, Wy, c):
    """x (T, n) -> prediction from the last state"""
    h = [np.zeros(len(b))]
    for t in range(len(x)):
        h.append(np.tanh(Wx @ x[t] + Wh @ h[t] + b))
    return Wy @ h[-1] + c, h


def rnn_backward(dy, x, h, Wx, Wh, b, Wy, c):
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    dWy, dc = np.outer(dy, h[-1]), dy
    dh = Wy.T @ dy
    T = len(x)
    for t in range(T - 1, T - 1 - BACK, -1):
        da = dh * (1 - h[t + 1] ** 2)
        dWx += np.outer(da, x[t])
        dWh += np.outer(da, h[t])
        db += da
        dh = Wh.T @ da
    return dWx, dWh, db, dWy, dc
