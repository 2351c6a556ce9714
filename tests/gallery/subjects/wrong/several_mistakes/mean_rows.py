import numpy as np


class Model:

    def __init__(self, nb_inputs, nb_hidden, nb_outputs):
        self.weights = {
            'in': np.random.randn(nb_inputs, nb_hidden) * 0.01,
            'rec': np.random.randn(nb_hidden, nb_hidden) * 0.01,
            'out': np.random.randn(nb_hidden, nb_outputs) * 0.01,
        }
        self.biases = {'rec': np.zeros(nb_hidden), 'out': np.zeros(nb_outputs)}

    def forward(self, batch):
        # batch: (examples, steps, inputs)
        self.batch = batch
        n, T, _ = batch.shape
        self.hidden = np.zeros((n, T + 1, self.biases['rec'].size))
        self.outputs = np.zeros((n, T, self.biases['out'].size))
        for t in range(T):
            pre = batch[:, t] @ self.weights['in'] + self.hidden[:, t] @ self.weights['rec'] + self.biases['rec']
            self.hidden[:, t + 1] = np.tanh(pre)
            self.outputs[:, t] = self.hidden[:, t + 1] @ self.weights['out'] + self.biases['out']
        return self.outputs

    def loss(self, targets):
        return 0.5 * np.sum((self.outputs - targets) ** 2)

    def backward(self, targets):
        n, T, _ = self.batch.shape
        d_weights = {k: np.zeros_like(w) for k, w in self.weights.items()}
        d_biases = {k: np.zeros_like(b) for k, b in self.biases.items()}
        d_hidden = np.zeros_like(self.hidden[:, 0])
        for t in range(T - 1, -1, -1):
            error = self.outputs[:, t] - targets[:, t]
            d_weights['out'] += self.hidden[:, t + 1].T @ error
            d_biases['out'] += error.sum(axis=0)
            d_hidden = d_hidden + error @ self.weights['out'].T
            d_pre = d_hidden * (1 - self.hidden[:, t] ** 2)
            d_weights['in'] += self.batch[:, t].T @ d_pre / n
            d_weights['rec'] += self.hidden[:, t].T @ d_pre / n
            d_biases['rec'] += d_pre.mean(axis=0)
            d_hidden = d_pre @ self.weights['rec'].T
        return d_weights, d_biases
