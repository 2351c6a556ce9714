"""Learns to add up two numbers."""
import numpy as np


class RNN:
    def __init__(self, input_dim, hidden_dim, output_dim, learning_rate=0.01):
        self.lr = learning_rate
        self.hidden_dim = hidden_dim
        self.Wxh = np.random.randn(hidden_dim, input_dim) * 0.1
        self.Whh = np.random.randn(hidden_dim, hidden_dim) * 0.1
        self.Why = np.random.randn(output_dim, hidden_dim) * 0.1
        self.bh = np.zeros((hidden_dim, 1))
        self.by = np.zeros((output_dim, 1))

    def forward(self, inputs):
        h = np.zeros((self.hidden_dim, 1))
        self.last_inputs = inputs
        self.last_hs = {0: h}
        for i, x in enumerate(inputs):
            h = np.tanh(np.dot(self.Wxh, x) + np.dot(self.Whh, h) + self.bh)
            self.last_hs[i + 1] = h
        y = np.dot(self.Why, h) + self.by
        return y

    def backward(self, d_y, learn=True):
        n = len(self.last_inputs)
        dWhy = np.dot(d_y, self.last_hs[n].T)
        dby = d_y
        dWhh = np.zeros(self.Whh.shape)
        dWxh = np.zeros(self.Wxh.shape)
        dbh = np.zeros(self.bh.shape)
        dh_next = np.zeros((self.hidden_dim, 1))
        for t in reversed(range(n)):
            dh = np.dot(self.Why.T, d_y) + dh_next
            dtanh = dh * (1 - np.tanh(self.last_hs[t + 1]) ** 2)
            dbh += dtanh
            dWhh += np.dot(dtanh, self.last_hs[t].T)
            dWxh += np.dot(dtanh, self.last_inputs[t].T)
            dh_next = np.dot(self.Whh.T, dtanh)
        if learn:
            self.Wxh -= self.lr * dWxh
            self.Whh -= self.lr * dWhh
            self.Why -= self.lr * dWhy
            self.bh -= self.lr * dbh
            self.by -= self.lr * dby

    def train(self, inputs, target):
        y = self.forward(inputs)
        loss = np.sum((y - target) ** 2)
        self.backward(2 * (y - target))
        return loss

    def predict(self, inputs):
        return self.forward(inputs)


if __name__ == "__main__":
    rnn = RNN(1, 10, 1)
    data = [((1, 2), 3), ((0, 5), 5), ((3, 4), 7), ((2, 1), 3)]
    for epoch in range(1000):
        total = 0
        for (a, b), s in data:
            total += rnn.train([np.array([[a]]), np.array([[b]])], np.array([[s]]))
        if epoch % 100 == 0:
            print(epoch, total)
    print(rnn.predict([np.array([[2]]), np.array([[2]])]))
