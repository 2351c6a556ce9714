import numpy as np


class SimpleRNN:
    def __init__(self, units, return_sequences=False):
        self.units = units
        self.return_sequences = return_sequences
        self.built = False

    def build(self, input_dim):
        limit = np.sqrt(6 / (input_dim + self.units))
        self.kernel = np.random.uniform(-limit, limit, (input_dim, self.units))
        self.recurrent_kernel = np.linalg.qr(np.random.normal(size=(self.units, self.units)))[0]
        self.bias = np.zeros(self.units)
        self.built = True

    def forward(self, inputs):
        if not self.built:
            self.build(inputs.shape[-1])
        batch, steps, _ = inputs.shape
        self.inputs = inputs
        self.states = np.zeros((batch, steps + 1, self.units))
        for t in range(steps):
            z = inputs[:, t] @ self.kernel + self.states[:, t] @ self.recurrent_kernel + self.bias
            self.states[:, t + 1] = np.tanh(z)
        return self.states[:, 1:] if self.return_sequences else self.states[:, -1]

    def backward(self, grad_output):
        batch, steps, _ = self.inputs.shape
        self.grad_kernel = np.zeros_like(self.kernel)
        self.grad_recurrent_kernel = np.zeros_like(self.recurrent_kernel)
        self.grad_bias = np.zeros_like(self.bias)
        grad_inputs = np.zeros_like(self.inputs)
        grad_h = np.zeros((batch, self.units))
        if not self.return_sequences:
            grad_h = grad_h + grad_output
        for t in reversed(range(steps)):
            if self.return_sequences:
                grad_h = grad_h + grad_output[:, t]
            grad_z = grad_h * (1 - self.states[:, t + 1] ** 2)
            self.grad_kernel += self.inputs[:, t].T @ grad_z
            self.grad_recurrent_kernel += self.states[:, t].T @ grad_z
            self.grad_bias += grad_z.sum(axis=0)
            grad_inputs[:, t] = grad_z @ self.kernel.T
            grad_h = grad_z @ self.recurrent_kernel.T
        return grad_inputs
