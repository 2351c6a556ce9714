"""Small networks with the scripts that train them, in the parts of which people write them, and their check as used."""

from pathlib import Path
from typing import Any

from support.apart import apart

from conformance.hand_written.by_example import checked_as_used
from conformance.hand_written.request import Request
from conformance.record.check import CheckRecord

NETWORK = """
import numpy as np

class Net:
    def __init__(self, vocabulary, n_hidden, optimizer):
        n = len(vocabulary)
        self.index = {word: k for k, word in enumerate(vocabulary)}
        self.W = np.random.randn(n_hidden, n) * 0.01
        self.U = np.random.randn(n_hidden, n_hidden) * 0.01
        self.V = np.random.randn(n, n_hidden) * 0.01
        self.b, self.c = np.zeros((n_hidden, 1)), np.zeros((n, 1))
        self.optimizer = optimizer
        self.h = np.zeros((n_hidden, 1))

    def forward(self, words):
        self.x, self.hs, self.ps = [], [self.h], []
        for word in words:
            x = np.zeros((len(self.index), 1))
            x[self.index[word]] = 1
            self.x.append(x)
            self.hs.append(np.tanh(self.W @ x + self.U @ self.hs[-1] + self.b))
            y = np.exp(self.V @ self.hs[-1] + self.c)
            self.ps.append(y / y.sum())

    def loss(self, words):
        return -sum(np.log(p[self.index[word], 0]) for p, word in zip(self.ps, words))

    def backward(self, words):
        dW, dU, dV = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.V)
        db, dc, carried = np.zeros_like(self.b), np.zeros_like(self.c), np.zeros_like(self.h)
        for t in reversed(range(len(words))):
            dy = self.ps[t].copy()
            dy[self.index[words[t]]] -= 1
            dV += dy @ self.hs[t + 1].T
            dc += dy
            da = (self.V.T @ dy + carried) * (1 - self.hs[t + 1] ** 2)
            dW += da @ self.x[t].T
            dU += da @ self.hs[t].T
            db += da
            carried = self.U.T @ da
        return dW, dU, dV, db, dc

    def fit(self, text, length, epochs):
        for epoch in range(epochs):
            for p in range(0, len(text) - length, length):
                words, following = text[p:p + length], text[p + 1:p + length + 1]
                self.forward(words)
                print(epoch, self.loss(following))
                self.optimizer.step([self.W, self.U, self.V, self.b, self.c], self.backward(following))
                self.h = self.hs[-1]
"""

DESCENT = """
class Optimizer:
    def step(self, parameters, gradients):
        for p, g in zip(parameters, gradients):
            p -= 0.1 * g
"""

DRIVER = """
from net import Net
import matplotlib.pyplot as plt

text = open("corpus.txt").read().split()[:200]
net = Net(sorted(set(text)), 9, Optimizer())
net.fit(text, length=6, epochs=300)
plt.plot([1, 2])
"""

MISTAKE = ("carried = self.U.T @ da", "carried = self.U @ da")


def asked(
    folder: Path, network: str, driver: str, target: str = "net.py:Net", name: str = "train.py"
) -> tuple[CheckRecord | None, list[str]]:
    """Return what a script next to a network shows of it, and what was run in vain."""
    (folder / "net.py").write_text(network, encoding="utf-8")
    (folder / name).write_text(driver, encoding="utf-8")
    return apart(asked_here, str(folder / target))


def asked_here(target: str) -> tuple[CheckRecord | None, list[str]]:
    """Return what the scripts around a target show of it, and what was run in vain."""
    return checked_as_used(Request.on_the_command_line(target), lambda _: None)


def as_used(*args: Any, **kwargs: Any) -> CheckRecord | None:
    """Return what a script next to a network shows of it, asked the same way."""
    return asked(*args, **kwargs)[0]


def changed(text: str, *changes: tuple[str, str]) -> str:
    """Return a text with parts of it replaced, each of which must be there."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text
