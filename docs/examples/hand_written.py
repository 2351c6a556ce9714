"""Two hand-written networks with real mistakes, in the styles in which such code is written.

They are here to be found out: their forward passes are right, their gradients aren't. Each mistake carries
a comment that begins with MISTAKE; nothing else is wrong.
"""

from collections.abc import Iterable, Sequence

import numpy as np

# ---------------------------------------------------------------- a class over lists of columns


class SumLearner:
    """A many-to-one network: a list of (I, 1) columns goes in, one (O, 1) column comes out."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        learning_rate: float,
        rng: np.random.Generator,
    ) -> None:
        self.learning_rate = learning_rate
        self.Wxh = 0.01 * rng.standard_normal((hidden_size, input_size))
        self.Whh = 0.01 * rng.standard_normal((hidden_size, hidden_size))
        self.Why = 0.01 * rng.standard_normal((output_size, hidden_size))
        self.bh = np.zeros((hidden_size, 1))
        self.by = np.zeros((output_size, 1))

    def forward(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Run over the columns and keep inputs and states for `backward`."""
        self.inputs = inputs
        self.hs = {-1: np.zeros(self.bh.shape)}
        for t, x in enumerate(inputs):
            self.hs[t] = np.tanh(self.Wxh @ x + self.Whh @ self.hs[t - 1] + self.bh)
        return self.Why @ self.hs[len(inputs) - 1] + self.by

    def backward(self, d_y: np.ndarray, *, learn: bool = True) -> dict[str, np.ndarray]:
        """Backpropagate dL/dy and, when learning, update the weights in place."""
        last = len(self.inputs) - 1
        grads = {name: np.zeros_like(getattr(self, name)) for name in ("Wxh", "Whh", "Why", "bh", "by")}
        grads["Why"] += d_y @ self.hs[last].T
        grads["by"] += d_y
        dh_next = np.zeros_like(self.hs[last])
        for t in reversed(range(len(self.inputs))):
            dh = (
                self.Why.T @ d_y + dh_next
            )  # MISTAKE: y reads the last state only, so this belongs to t = last
            d_raw = (1 - np.tanh(self.hs[t]) ** 2) * dh  # MISTAKE: hs[t] is a tanh already: 1 - hs[t] ** 2
            grads["Wxh"] += d_raw @ self.inputs[t].T
            grads["Whh"] += d_raw @ self.hs[t - 1].T
            grads["bh"] += d_raw
            dh_next = self.Whh.T @ d_raw
        if learn:
            for name, grad in grads.items():
                setattr(self, name, getattr(self, name) - self.learning_rate * grad)
        return grads

    def train(self, samples: Iterable[tuple[Sequence[np.ndarray], np.ndarray]], epochs: int) -> list[float]:
        """Return the sum of squared errors of every epoch."""
        losses = []
        for _ in range(epochs):
            loss = 0.0
            for inputs, target in samples:
                y = self.forward(inputs)
                loss += float(np.sum((y - target) ** 2))
                self.backward(2 * (y - target))
            losses.append(loss)
        return losses

    def predict(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Return the output for one sequence."""
        return self.forward(inputs)


# ---------------------------------------------------------------- functions over module globals

rng = np.random.default_rng(0)
input_size, hidden_size, output_size = 2, 3, 1

W_xh = rng.standard_normal((hidden_size, input_size))
W_hh = rng.standard_normal((hidden_size, hidden_size))
W_hy = rng.standard_normal((output_size, hidden_size))
b_h = np.zeros((hidden_size, 1))
b_y = np.zeros((output_size, 1))

Five = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def forward(inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the output and the last state."""
    h = np.zeros((hidden_size, 1))
    for x in inputs:
        h = np.tanh(W_xh @ x + W_hh @ h + b_h)
    return W_hy @ h + b_y, h


def squared_loss(y: np.ndarray, target: np.ndarray) -> float:
    """Return the sum of squared errors."""
    return float(np.sum((y - target) ** 2))


def backward(inputs: Sequence[np.ndarray], target: np.ndarray, y: np.ndarray, h: np.ndarray) -> Five:
    """Return what is meant to be the gradients of the squared loss."""
    d_W_xh, d_W_hh, d_b_h = np.zeros_like(W_xh), np.zeros_like(W_hh), np.zeros_like(b_h)
    d_y = y - target  # MISTAKE: the squared loss has the derivative 2 * (y - target)
    d_W_hy, d_b_y = d_y @ h.T, d_y
    d_h = W_hy.T @ d_y
    for x in reversed(inputs):
        # MISTAKE: h is the last state at every step, here and two lines below, where h_{t-1} belongs
        d_raw = d_h * (1 - np.tanh(h) ** 2)  # MISTAKE: h is a tanh already: 1 - h ** 2
        d_W_xh += d_raw @ x.T
        d_W_hh += d_raw @ h.T
        d_b_h += d_raw
        d_h = W_hh.T @ d_raw
    return d_W_xh, d_W_hh, d_W_hy, d_b_h, d_b_y


def update(gradients: Five, learning_rate: float) -> None:
    """Move the module's weights down the gradients."""
    global W_xh, W_hh, W_hy, b_h, b_y  # noqa: PLW0603 - this is how such code is written
    d_W_xh, d_W_hh, d_W_hy, d_b_h, d_b_y = gradients
    W_xh = W_xh - learning_rate * d_W_xh
    W_hh = W_hh - learning_rate * d_W_hh
    W_hy = W_hy - learning_rate * d_W_hy
    b_h = b_h - learning_rate * d_b_h
    b_y = b_y - learning_rate * d_b_y
