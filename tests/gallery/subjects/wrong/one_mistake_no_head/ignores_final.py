"""An encoder: a decoder starts from its last state, so dL/dh_n comes back beside the gradients of its outputs."""
import numpy as np


class Encoder:
    def __init__(self, input_size, hidden_size):
        self.w_ih = np.random.randn(hidden_size, input_size) / np.sqrt(hidden_size)
        self.w_hh = np.random.randn(hidden_size, hidden_size) / np.sqrt(hidden_size)
        self.b_ih = np.random.randn(hidden_size)
        self.b_hh = np.random.randn(hidden_size)

    def forward(self, x, h_0):
        # x: (seq, batch, input)
        self.x = x
        self.h = [h_0]
        for x_t in x:
            self.h.append(np.tanh(x_t @ self.w_ih.T + self.b_ih + self.h[-1] @ self.w_hh.T + self.b_hh))
        return np.array(self.h[1:]), self.h[-1]

    def backward(self, d_output, d_h_n):
        d_w_ih, d_w_hh = np.zeros_like(self.w_ih), np.zeros_like(self.w_hh)
        d_b_ih, d_b_hh = np.zeros_like(self.b_ih), np.zeros_like(self.b_hh)
        d_x = np.zeros_like(self.x)
        d_h = np.zeros_like(d_h_n)
        for t in reversed(range(len(self.x))):
            d_h = d_h + d_output[t]
            d_a = d_h * (1 - self.h[t + 1] ** 2)
            d_w_ih += d_a.T @ self.x[t]
            d_w_hh += d_a.T @ self.h[t]
            d_b_ih += d_a.sum(axis=0)
            d_b_hh += d_a.sum(axis=0)
            d_x[t] = d_a @ self.w_ih
            d_h = d_a @ self.w_hh
        return {"x": d_x, "w_ih": d_w_ih, "w_hh": d_w_hh, "b_ih": d_b_ih, "b_hh": d_b_hh}
