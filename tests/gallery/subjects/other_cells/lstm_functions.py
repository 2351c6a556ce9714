"""LSTM over a batch in two functions; the caller owns the weights."""
import numpy as np


def logistic(a):
    return 1 / (1 + np.exp(-a))


def lstm_forward(x, h0, c0, Wx, Wh, b):
    """x (N, T, D), h0 and c0 (N, H), Wx (D, 4H), Wh (H, 4H), b (4H,); gates in the order i f o g"""
    N, T, _ = x.shape
    H = h0.shape[1]
    out, tape, h, c = np.zeros((N, T, H)), [], h0, c0
    for t in range(T):
        a = x[:, t] @ Wx + h @ Wh + b
        i, f, o, g = logistic(a[:, :H]), logistic(a[:, H:2 * H]), logistic(a[:, 2 * H:3 * H]), np.tanh(a[:, 3 * H:])
        new = f * c + i * g
        squashed = np.tanh(new)
        tape.append((x[:, t], h, c, i, f, o, g, squashed))
        h, c = o * squashed, new
        out[:, t] = h
    return out, (tape, Wx, Wh)


def lstm_backward(dout, cache):
    tape, Wx, Wh = cache
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(Wx.shape[1])
    dh = dc = np.zeros((len(dout), Wh.shape[0]))
    for t in reversed(range(dout.shape[1])):
        x, h, c, i, f, o, g, squashed = tape[t]
        dh = dh + dout[:, t]
        dc = dc + dh * o * (1 - squashed ** 2)
        da = np.hstack([dc * g * i * (1 - i), dc * c * f * (1 - f), dh * squashed * o * (1 - o), dc * i * (1 - g ** 2)])
        dWx += x.T @ da
        dWh += h.T @ da
        db += da.sum(0)
        dh, dc = da @ Wh.T, dc * f
    return dWx, dWh, db
