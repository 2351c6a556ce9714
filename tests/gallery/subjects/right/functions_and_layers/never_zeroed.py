import numpy as np


class RNNLayer:
    def __init__(self, n_in, n_out):
        self.weight_x = np.random.randn(n_in, n_out) * 0.1
        self.weight_h = np.random.randn(n_out, n_out) * 0.1
        self.bias = np.zeros((1, n_out))
        self.grad_weight_x = np.zeros_like(self.weight_x)
        self.grad_weight_h = np.zeros_like(self.weight_h)
        self.grad_bias = np.zeros_like(self.bias)

    def forward(self, x):
        # x: batch first
        self.x = x
        self.h = np.zeros((x.shape[0], x.shape[1] + 1, self.bias.shape[1]))
        for t in range(x.shape[1]):
            self.h[:, t + 1, :] = np.tanh(x[:, t, :] @ self.weight_x + self.h[:, t, :] @ self.weight_h + self.bias)
        return self.h[:, 1:, :]

    def backward(self, grad):
        grad_x = np.zeros_like(self.x)
        running = np.zeros_like(grad[:, 0, :])
        for t in reversed(range(self.x.shape[1])):
            running = running + grad[:, t, :]
            local = running * (1 - self.h[:, t + 1, :] ** 2)
            self.grad_weight_x += self.x[:, t, :].T @ local
            self.grad_weight_h += self.h[:, t, :].T @ local
            self.grad_bias += local.sum(axis=0, keepdims=True)
            grad_x[:, t, :] = local @ self.weight_x.T
            running = local @ self.weight_h.T
        return grad_x
