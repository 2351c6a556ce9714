"""An RNN as people write it by hand: one sample at a time, column vectors, sums of products in a loop over time."""

import numpy as np


class ColumnRNN:
    """One layer; every gradient is summed over the samples, one after the other."""

    def __init__(self, W_ih, W_hh, b_ih, b_hh):
        self.W_ih, self.W_hh = W_ih, W_hh
        self.b = (b_ih + b_hh).reshape(-1, 1)

    def forward(self, xs, h_0):
        """Return the states of one sample, (T + 1) columns; xs is (T, I)."""
        hs = [h_0.reshape(-1, 1)]
        for x in xs:
            hs.append(np.tanh(self.W_ih @ x.reshape(-1, 1) + self.W_hh @ hs[-1] + self.b))
        return hs

    def backward(self, xs, hs, d_outputs, d_h_n):
        """Return the gradients of one sample: W_ih, W_hh, b, x and h_0."""
        dW_ih, dW_hh, db = np.zeros_like(self.W_ih), np.zeros_like(self.W_hh), np.zeros_like(self.b)
        dxs = np.zeros_like(xs)
        dh_next = d_h_n.reshape(-1, 1)
        for t in reversed(range(len(xs))):
            dh = d_outputs[t].reshape(-1, 1) + dh_next
            da = dh * (1 - hs[t + 1] ** 2)
            dW_ih += da @ xs[t].reshape(1, -1)
            dW_hh += da @ hs[t].T
            db += da
            dxs[t] = (self.W_ih.T @ da).ravel()
            dh_next = self.W_hh.T @ da
        return dW_ih, dW_hh, db, dxs, dh_next


def forward_all(rnn, x, h_0):
    """Return every sample's states; x is (T, B, I), h_0 (1, B, H)."""
    return [rnn.forward(x[:, b], h_0[0, b]) for b in range(x.shape[1])]


def gradients_all(rnn, x, h_0, d_output, d_h_n):
    """Return the gradients summed over the samples: x, h_0, W_ih, W_hh, b."""
    dW_ih, dW_hh, db = np.zeros_like(rnn.W_ih), np.zeros_like(rnn.W_hh), np.zeros_like(rnn.b)
    dx, dh_0 = np.zeros_like(x), np.zeros_like(h_0)
    for b in range(x.shape[1]):
        hs = rnn.forward(x[:, b], h_0[0, b])
        one = rnn.backward(x[:, b], hs, d_output[:, b], d_h_n[0, b])
        dW_ih += one[0]
        dW_hh += one[1]
        db += one[2]
        dx[:, b] = one[3]
        dh_0[0, b] = one[4].ravel()
    return dx, dh_0, dW_ih, dW_hh, db
