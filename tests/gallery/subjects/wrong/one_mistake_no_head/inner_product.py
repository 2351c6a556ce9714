import numpy as np

class SimpleRNN(object):
    def __init__(self, input_dim, hidden_dim):
        self.W_x = np.random.randn(hidden_dim, input_dim) * 0.1
        self.W_h = np.random.randn(hidden_dim, hidden_dim) * 0.1
        self.b = np.zeros(hidden_dim)

    def forward(self, x):
        # x [T, input_dim]
        h = np.zeros(self.W_h.shape[0])
        self.hs = [h]
        self.x = x
        for t in range(x.shape[0]):
            h = np.tanh(np.dot(self.W_x, x[t]) + np.dot(self.W_h, h) + self.b)
            self.hs.append(h)
        return np.array(self.hs[1:])

    def backward(self, grad_h):
        # grad_h [T, hidden_dim]
        dW_x = np.zeros_like(self.W_x); dW_h = np.zeros_like(self.W_h); db = np.zeros_like(self.b)
        dh_next = np.zeros_like(self.b)
        for t in reversed(range(self.x.shape[0])):
            dz = (grad_h[t] + dh_next) * (1 - self.hs[t+1]**2)
            dW_x += np.outer(dz, self.x[t])
            dW_h += np.dot(dz, self.hs[t])
            db += dz
            dh_next = np.dot(self.W_h.T, dz)
        self.dW_x, self.dW_h, self.db = dW_x, dW_h, db
