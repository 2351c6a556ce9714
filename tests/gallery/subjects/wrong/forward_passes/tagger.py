"""Sequence tagging model used by the anomaly-flagging prototype.

The network is an Elman RNN,

    h_t = tanh(x_t W_x + h_{t-1} W_h + b_h)
    s_t = h_t W_s + b_s
    p_t = softmax(s_t)

applied to a batch of equally long sequences; the loss is the mean (over batch and time)
cross entropy of p_t against the integer tag at time t.
"""
from __future__ import annotations

import logging
from typing import Dict, Tuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
log = logging.getLogger(__name__)


class SequenceTagger:
    """Tags every element of a sequence.

    Args:
        n_features: size of one sequence element.
        n_units: number of recurrent units.
        n_tags: number of different tags.
        seed: seed of the weight initialisation.
    """

    def __init__(self, n_features: int, n_units: int, n_tags: int, *, seed: int = 2024) -> None:
        rng = np.random.default_rng(seed)
        self.params: Dict[str, Array] = {
            "W_x": rng.normal(0.0, n_features ** -0.5, (n_features, n_units)),
            "W_h": self._orthogonal(rng, n_units),
            "b_h": np.zeros(n_units),
            "W_s": rng.normal(0.0, n_units ** -0.5, (n_units, n_tags)),
            "b_s": np.zeros(n_tags),
        }

    @staticmethod
    def _orthogonal(rng: np.random.Generator, n: int) -> Array:
        q, r = np.linalg.qr(rng.standard_normal((n, n)))
        return q * np.sign(np.diag(r))

    def forward(self, x: Array) -> Tuple[Array, Array]:
        """Runs the network.

        Args:
            x: (batch, time, n_features)

        Returns:
            probabilities (batch, time, n_tags) and hidden states (batch, time + 1, n_units),
            the initial one first.
        """
        p = self.params
        batch, time, _ = x.shape
        h = np.zeros((batch, time + 1, p["W_h"].shape[0]))
        scores = np.zeros((batch, time, p["b_s"].size))
        for t in range(time):
            h[:, t + 1] = np.tanh(x[:, t] @ p["W_x"] + h[:, t] @ p["W_h"] + p["b_h"])
            scores[:, t] = h[:, t] @ p["W_s"] + p["b_s"]
        scores -= scores.max(axis=-1, keepdims=True)
        e = np.exp(scores)
        return e / e.sum(axis=-1, keepdims=True), h

    def loss_and_gradients(self, x: Array, tags: NDArray[np.int64]) -> Tuple[float, Dict[str, Array]]:
        """Mean cross entropy and its gradient with respect to every parameter."""
        p = self.params
        batch, time, _ = x.shape
        probs, h = self.forward(x)
        rows = np.arange(batch)[:, None]
        cols = np.arange(time)[None, :]
        loss = -float(np.mean(np.log(probs[rows, cols, tags])))

        d_scores = probs.copy()
        d_scores[rows, cols, tags] -= 1.0
        d_scores /= batch * time

        grads = {k: np.zeros_like(v) for k, v in p.items()}
        d_h = np.zeros((batch, p["W_h"].shape[0]))
        for t in range(time - 1, -1, -1):
            d_a = d_h * (1.0 - h[:, t + 1] ** 2)
            grads["W_x"] += x[:, t].T @ d_a
            grads["W_h"] += h[:, t].T @ d_a
            grads["b_h"] += d_a.sum(axis=0)
            grads["W_s"] += h[:, t].T @ d_scores[:, t]
            grads["b_s"] += d_scores[:, t].sum(axis=0)
            d_h = d_a @ p["W_h"].T + d_scores[:, t] @ p["W_s"].T
        return loss, grads

    def fit(self, x: Array, tags: NDArray[np.int64], *, epochs: int = 100, lr: float = 0.5) -> None:
        for epoch in range(epochs):
            loss, grads = self.loss_and_gradients(x, tags)
            for name, g in grads.items():
                self.params[name] -= lr * g
            if epoch % 20 == 0:
                log.info("epoch %d loss %.4f", epoch, loss)

    def predict(self, x: Array) -> NDArray[np.int64]:
        probs, _ = self.forward(x)
        return probs.argmax(axis=-1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rng = np.random.default_rng(1)
    xs = rng.normal(size=(64, 12, 3))
    ys = (np.cumsum(xs[..., 0], axis=1) > 0).astype(int)
    SequenceTagger(3, 16, 2).fit(xs, ys)
