import numpy as np


class Lstm:
    """Gates i f g o, two biases, (T, B, I), as torch lays them out."""

    def __init__(self, input_size, hidden_size):
        self.hidden_size = hidden_size
        self.weight_ih = np.random.uniform(-0.3, 0.3, (4 * hidden_size, input_size))
        self.weight_hh = np.random.uniform(-0.3, 0.3, (4 * hidden_size, hidden_size))
        self.bias_ih = np.zeros(4 * hidden_size)
        self.bias_hh = np.zeros(4 * hidden_size)

    def forward(self, x):
        T, B, _ = x.shape
        H = self.hidden_size
        self.x = x
        self.h, self.c = np.zeros((T + 1, B, H)), np.zeros((T + 1, B, H))
        self.memory = np.zeros((T, B, 4 * H))
        for t in range(T):
            a = x[t] @ self.weight_ih.T + self.bias_ih + self.h[t] @ self.weight_hh.T + self.bias_hh
            i, f, g, o = np.split(a, 4, axis=1)
            i, f, o = (1 / (1 + np.exp(-k)) for k in (i, f, o))
            g = np.tanh(g)
            self.memory[t] = np.hstack([i, f, g, o])
            self.c[t + 1] = f * self.c[t] + i * g
            self.h[t + 1] = o * np.tanh(self.c[t + 1])
        return self.h[1:]

    def backward(self, d_output):
        T, B, H = d_output.shape
        self.grad_weight_ih = np.zeros_like(self.weight_ih)
        self.grad_weight_hh = np.zeros_like(self.weight_hh)
        self.grad_bias = np.zeros_like(self.bias_ih)
        d_x = np.zeros_like(self.x)
        d_h, d_c = np.zeros((B, H)), np.zeros((B, H))
        for t in range(T - 1, -1, -1):
            i, f, g, o = np.split(self.memory[t], 4, axis=1)
            d_h = d_h + d_output[t]
            tanh_c = np.tanh(self.c[t + 1])
            d_c = d_c + d_h * o * (1 - tanh_c ** 2)
            d_i = d_c * g * i * (1 - i)
            d_f = d_c * self.c[t] * f * (1 - f)
            d_g = d_c * i * (1 - g ** 2)
            d_o = d_h * tanh_c * o * (1 - o)
            d_a = np.hstack([d_f, d_i, d_g, d_o])
            self.grad_weight_ih += d_a.T @ self.x[t]
            self.grad_weight_hh += d_a.T @ self.h[t]
            self.grad_bias += d_a.sum(axis=0)
            d_x[t] = d_a @ self.weight_ih
            d_h = d_a @ self.weight_hh
            d_c = d_c * f
        self.grad_bias_ih = self.grad_bias
        self.grad_bias_hh = self.grad_bias.copy()
        return d_x
