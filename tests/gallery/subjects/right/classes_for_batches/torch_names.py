import numpy as np


class RNN:
    """Like torch.nn.RNN, in NumPy: x is (T, B, I)."""

    def __init__(self, input_size, hidden_size):
        k = 1 / np.sqrt(hidden_size)
        self.weight_ih = np.random.uniform(-k, k, (hidden_size, input_size))
        self.weight_hh = np.random.uniform(-k, k, (hidden_size, hidden_size))
        self.bias_ih = np.random.uniform(-k, k, hidden_size)
        self.bias_hh = np.random.uniform(-k, k, hidden_size)

    def forward(self, x, h0=None):
        T, B, _ = x.shape
        h = np.zeros((B, self.weight_hh.shape[0])) if h0 is None else h0
        hs = [h]
        for t in range(T):
            h = np.tanh(x[t] @ self.weight_ih.T + self.bias_ih + h @ self.weight_hh.T + self.bias_hh)
            hs.append(h)
        self._saved = x, np.stack(hs)
        return np.stack(hs[1:]), h

    def backward(self, grad_output, grad_hn=None):
        x, hs = self._saved
        grads = dict(
            weight_ih=np.zeros_like(self.weight_ih),
            weight_hh=np.zeros_like(self.weight_hh),
            bias_ih=np.zeros_like(self.bias_ih),
            bias_hh=np.zeros_like(self.bias_hh),
        )
        dh = np.zeros_like(hs[0]) if grad_hn is None else grad_hn.copy()
        dx = np.empty_like(x)
        for t in range(len(x) - 1, -1, -1):
            dh = dh + grad_output[t]
            dz = dh * (1.0 - hs[t + 1] ** 2)
            grads['weight_ih'] += dz.T @ x[t]
            grads['weight_hh'] += dz.T @ hs[t]
            grads['bias_ih'] += dz.sum(0)
            grads['bias_hh'] += dz.sum(0)
            dx[t] = dz @ self.weight_ih
            dh = dz @ self.weight_hh
        return dx, dh, grads
