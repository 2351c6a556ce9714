import numpy as np

input_size = 2
hidden_size = 3
output_size = 1

np.random.seed(0)
W_xh = np.random.randn(hidden_size, input_size) * 0.1
W_hh = np.random.randn(hidden_size, hidden_size) * 0.1
W_hy = np.random.randn(output_size, hidden_size) * 0.1
b_h = np.zeros((hidden_size, 1))
b_y = np.zeros((output_size, 1))


def forward(inputs):
    h = np.zeros((hidden_size, 1))
    for x in inputs:
        x = x.reshape(-1, 1)
        h = np.tanh(np.dot(W_xh, x) + np.dot(W_hh, h) + b_h)
    y = np.dot(W_hy, h) + b_y
    return y, h


def compute_loss(y, target):
    return np.sum((y - target) ** 2)


def backward(inputs, target, y, h):
    dy = y - target
    dW_hy = np.dot(dy, h.T)
    db_y = dy
    dW_xh = np.zeros_like(W_xh)
    dW_hh = np.zeros_like(W_hh)
    db_h = np.zeros_like(b_h)
    dh = np.dot(W_hy.T, dy)
    for x in reversed(inputs):
        x = x.reshape(-1, 1)
        dh_raw = (1 - np.tanh(h) ** 2) * dh
        db_h += dh_raw
        dW_xh += np.dot(dh_raw, x.T)
        dW_hh += np.dot(dh_raw, h.T)
        dh = np.dot(W_hh.T, dh_raw)
    return dW_xh, dW_hh, dW_hy, db_h, db_y


def update(dW_xh, dW_hh, dW_hy, db_h, db_y, lr=0.1):
    global W_xh, W_hh, W_hy, b_h, b_y
    W_xh = W_xh - lr * dW_xh
    W_hh = W_hh - lr * dW_hh
    W_hy = W_hy - lr * dW_hy
    b_h = b_h - lr * db_h
    b_y = b_y - lr * db_y


inputs = [np.array([1, 0]), np.array([0, 1]), np.array([1, 1])]
target = np.array([[1]])

for epoch in range(100):
    y, h = forward(inputs)
    loss = compute_loss(y, target)
    update(*backward(inputs, target, y, h))
    if epoch % 10 == 0:
        print("epoch", epoch, "loss", loss)
