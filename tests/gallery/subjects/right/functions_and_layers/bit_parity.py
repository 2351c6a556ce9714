"""Is the number of ones odd? Trains when it is run."""
import numpy as np

rng = np.random.RandomState(5)
UNITS = 10
W_in = rng.randn(2, UNITS) * 0.4
W_rec = np.eye(UNITS) * 0.9
w_out = rng.randn(UNITS, 1) * 0.4


def example(n):
    bits = rng.randint(0, 2, n)
    return [np.array([[b, 1.0 - b]]) for b in bits], bits.sum() % 2


def look(xs):
    h, trace = np.zeros((1, W_rec.shape[0])), []
    for x in xs:
        h = np.maximum(x @ W_in + h @ W_rec, 0)
        trace.append(h)
    return 1 / (1 + np.exp(-(h @ w_out)[0, 0])), trace


def learn(xs, odd, lr=0.01):
    """one step down the cross-entropy, weights changed in place"""
    global W_in, W_rec, w_out
    p, trace = look(xs)
    d = p - odd
    g_out, g_in, g_rec = d * trace[-1].T, np.zeros_like(W_in), np.zeros_like(W_rec)
    back = d * w_out.T
    for t in range(len(xs) - 1, -1, -1):
        back = back * (trace[t] > 0)
        g_in += xs[t].T @ back
        if t > 0:
            g_rec += trace[t - 1].T @ back
        back = back @ W_rec.T
    W_in -= lr * g_in
    W_rec -= lr * g_rec
    w_out -= lr * g_out
    return -(odd * np.log(p) + (1 - odd) * np.log(1 - p))


total = 0.0
for step in range(3000):
    total += learn(*example(rng.randint(2, 7)))
    if step % 500 == 499:
        print(total / 500)
        total = 0.0
