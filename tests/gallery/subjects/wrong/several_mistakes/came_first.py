# rnn from scratch, take 3 (take 1 and 2 did not learn anything lol)
# task: remember which of the numbers came FIRST, tell me at the end
import numpy as np

np.random.seed(0)

n_in = 4
n_hid = 9
n_out = 3

W_xh = np.random.randn(n_in, n_hid) * 0.3
W_hh = np.random.randn(n_hid, n_hid) * 0.3
W_hy = np.random.randn(n_hid, n_out) * 0.3
b_h = np.zeros((1, n_hid))
b_y = np.zeros((1, n_out))

hs = []
xs = []
probs = None


def forward(seq):
    """seq is a list of (1, n_in) rows"""
    global hs, xs, probs
    xs = seq
    hs = [np.zeros((1, n_hid))]
    for x in seq:
        hs.append(np.tanh(x @ W_xh + hs[-1] @ W_hh + b_h))
    logits = hs[-1] @ W_hy + b_y
    e = np.exp(logits - logits.max())
    probs = e / e.sum()
    return probs


def loss(label):
    return -np.log(probs[0, label])


def backward(label):
    """gradients for W_xh, W_hh, W_hy, b_h, b_y (in that order)"""
    dlogits = probs.copy()
    dlogits[0, label] -= 1

    dW_xh = np.zeros_like(W_xh)
    dW_hh = np.zeros_like(W_hh)
    db_h = np.zeros_like(b_h)
    dW_hy = hs[-1].T @ dlogits
    db_y = dlogits

    dh_next = np.zeros((1, n_hid))
    for t in range(len(xs), 0, -1):
        dh = dlogits @ W_hy.T + dh_next
        dz = dh * (1 - hs[t] ** 2)
        dW_xh += xs[t - 1].T @ dz
        dW_hh += hs[t].T @ dz
        db_h += dz
        dh_next = dz @ W_hh.T
    return dW_xh, dW_hh, dW_hy, db_h, db_y


def make_example(T=5):
    label = np.random.randint(n_out)
    seq = []
    for t in range(T):
        x = np.zeros((1, n_in))
        x[0, label if t == 0 else np.random.randint(n_in)] = 1
        seq.append(x)
    return seq, label


# ---- train -----
lr = 0.05
avg = 1.1
for i in range(1500):
    seq, label = make_example()
    forward(seq)
    avg = 0.99 * avg + 0.01 * loss(label)
    g1, g2, g3, g4, g5 = backward(label)
    W_xh -= lr * g1
    W_hh -= lr * g2
    W_hy -= lr * g3
    b_h -= lr * g4
    b_y -= lr * g5
    if i % 500 == 0:
        print(i, avg)
print("final", avg)
