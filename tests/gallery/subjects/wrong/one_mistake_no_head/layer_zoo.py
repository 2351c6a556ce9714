"""tinygrad-less: my own little layer zoo.

Every layer has forward(x) and backward(grad). Parameters are objects that own
their gradient, the optimiser walks over them.
"""
from __future__ import annotations

import numpy as np


class Parameter:
    __slots__ = ("data", "grad")

    def __init__(self, data: np.ndarray):
        self.data = data
        self.grad = np.zeros_like(data)

    def zero_grad(self) -> None:
        self.grad[...] = 0.0


class Module:
    def parameters(self) -> list[Parameter]:
        found = []
        for v in self.__dict__.values():
            if isinstance(v, Parameter):
                found.append(v)
            elif isinstance(v, Module):
                found.extend(v.parameters())
        return found

    def zero_grad(self) -> None:
        for p in self.parameters():
            p.zero_grad()

    def __call__(self, x):
        return self.forward(x)


class Dense(Module):
    def __init__(self, fan_in: int, fan_out: int):
        self.W = Parameter(np.random.randn(fan_in, fan_out) / np.sqrt(fan_in))
        self.b = Parameter(np.zeros(fan_out))

    def forward(self, x):
        self.x = x
        return x @ self.W.data + self.b.data

    def backward(self, grad):
        flat_x = self.x.reshape(-1, self.x.shape[-1])
        flat_g = grad.reshape(-1, grad.shape[-1])
        self.W.grad += flat_x.T @ flat_g
        self.b.grad += flat_g.sum(0)
        return grad @ self.W.data.T


class Recurrent(Module):
    """Vanilla tanh recurrence over (batch, time, features), returns all states."""

    def __init__(self, in_features: int, hidden_features: int):
        self.Wx = Parameter(np.random.randn(in_features, hidden_features) / np.sqrt(in_features))
        q, _ = np.linalg.qr(np.random.randn(hidden_features, hidden_features))
        self.Wh = Parameter(q)
        self.b = Parameter(np.zeros(hidden_features))

    def forward(self, x: np.ndarray) -> np.ndarray:
        B, T, _ = x.shape
        H = self.Wh.data.shape[0]
        self.x = x
        h = np.zeros((B, H))
        states = []
        for t in range(T):
            h = np.tanh(x[:, t] @ self.Wx.data + h @ self.Wh.data + self.b.data)
            states.append(h)
        self.h = np.stack(states, axis=1)
        return self.h

    def backward(self, grad: np.ndarray) -> np.ndarray:
        B, T, H = grad.shape
        dx = np.zeros_like(self.x)
        carry = np.zeros((B, H))
        for t in reversed(range(T)):
            delta = grad[:, t] * (1.0 - self.h[:, t] ** 2) + carry
            h_before = self.h[:, t - 1] if t else np.zeros((B, H))
            self.Wx.grad += self.x[:, t].T @ delta
            self.Wh.grad += h_before.T @ delta
            self.b.grad += delta.sum(0)
            dx[:, t] = delta @ self.Wx.data.T
            carry = delta @ self.Wh.data.T
        return dx


class Sequential(Module):
    def __init__(self, *layers: Module):
        for i, l in enumerate(layers):
            setattr(self, f"layer{i}", l)
        self.layers = list(layers)

    def forward(self, x):
        for l in self.layers:
            x = l(x)
        return x

    def backward(self, grad):
        for l in reversed(self.layers):
            grad = l.backward(grad)
        return grad


class SGD:
    def __init__(self, params, lr=0.01):
        self.params, self.lr = params, lr

    def step(self):
        for p in self.params:
            p.data -= self.lr * p.grad


if __name__ == "__main__":
    np.random.seed(3)
    net = Sequential(Recurrent(2, 12), Dense(12, 1))
    opt = SGD(net.parameters(), lr=0.02)
    for step in range(300):
        x = np.random.randn(16, 9, 2)
        y = np.cumsum(x[..., :1], axis=1) * 0.2
        out = net(x)
        net.zero_grad()
        net.backward(2 * (out - y) / y.size)
        opt.step()
        if step % 100 == 0:
            print(step, ((out - y) ** 2).mean())
