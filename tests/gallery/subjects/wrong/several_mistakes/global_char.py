import numpy as np

hidden_size = 64
vocab_size = 27
lr = 0.1

Wxh = np.random.randn(hidden_size, vocab_size) * 0.01
Whh = np.random.randn(hidden_size, hidden_size) * 0.01
Why = np.random.randn(vocab_size, hidden_size) * 0.01
bh = np.zeros((hidden_size, 1))
by = np.zeros((vocab_size, 1))


def encode(k):
    v = np.zeros((vocab_size, 1))
    v[k] = 1
    return v


def forward(inputs, hprev):
    xs, hs, ps = {}, {-1: hprev}, {}
    for t, k in enumerate(inputs):
        xs[t] = encode(k)
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        y = Why @ hs[t] + by
        ps[t] = np.exp(y) / np.sum(np.exp(y))
    return xs, hs, ps


def backward(xs, hs, ps, targets):
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros_like(bh)
    for t in reversed(range(len(xs))):
        dy = ps[t].copy()
        dy[targets[t]] -= 1
        dWhy += dy @ hs[t].T
        dby += dy
        dh = Why.T @ dy + dhnext
        draw = (1 - hs[t] ** 2) * dh
        dbh += draw
        dWxh += draw @ xs[t].T
        dWhh += draw @ hs[t].T
        dhnext = Whh @ draw
    return dWxh, dWhh, dWhy, dbh, dby


def train(inputs, targets, hprev):
    global Wxh, Whh, Why, bh, by
    xs, hs, ps = forward(inputs, hprev)
    grads = [np.clip(g, -5, 5) for g in backward(xs, hs, ps, targets)]
    Wxh, Whh, Why, bh, by = [w - lr * g for w, g in zip((Wxh, Whh, Why, bh, by), grads)]
    return -sum(np.log(ps[t][targets[t], 0]) for t in range(len(inputs))), hs[len(inputs) - 1]


text = "the quick brown fox jumps over the lazy dog " * 20
letters = " abcdefghijklmnopqrstuvwxyz"
ids = [letters.index(c) for c in text]
h = np.zeros((hidden_size, 1))
for i in range(0, len(ids) - 26, 25):
    loss, h = train(ids[i:i + 25], ids[i + 1:i + 26], h)
print(loss)
