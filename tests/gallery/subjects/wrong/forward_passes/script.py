# Binary addition, everything in one script.
import numpy as np

np.random.seed(0)
n_in, n_hid, n_out = 2, 16, 1
alpha = 0.1
W1 = 2 * np.random.random((n_in, n_hid)) - 1
Wh = 2 * np.random.random((n_hid, n_hid)) - 1
W2 = 2 * np.random.random((n_hid, n_out)) - 1

largest = 2 ** 7
for j in range(2000):
    a, b = np.random.randint(largest, size=2)
    c = a + b
    bits = [np.array([int(d) for d in format(v, "08b")])[::-1] for v in (a, b, c)]
    hs, outs = [np.zeros((1, n_hid))], []
    error = 0.0
    for t in range(8):
        x = np.array([[bits[0][t], bits[1][t]]])
        h = np.tanh(x @ W1 + hs[-1] @ Wh)
        o = h @ W2
        hs.append(h)
        outs.append(o)
        error += float((o - bits[2][t]) ** 2)
    dW1, dWh, dW2 = np.zeros_like(W1), np.zeros_like(Wh), np.zeros_like(W2)
    dh_next = np.zeros((1, n_hid))
    for t in reversed(range(8)):
        x = np.array([[bits[0][t], bits[1][t]]])
        do = 2 * (outs[t] - bits[2][t])
        dW2 += hs[t + 1].T @ do
        da = (do @ W2.T + dh_next) * (1 - hs[t + 1] ** 2)
        dW1 += x.T @ da
        dWh += hs[t].T @ da
        dh_next = da @ Wh.T
    W1 -= alpha * dW1
    Wh -= alpha * dWh
    W2 -= alpha * dW2
    if j % 200 == 0:
        print(j, error)
