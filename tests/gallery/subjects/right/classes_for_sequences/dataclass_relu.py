from dataclasses import dataclass, field, fields
from typing import Tuple
import numpy as np


@dataclass
class Weights:
    inp: np.ndarray
    rec: np.ndarray
    out: np.ndarray
    bias: np.ndarray
    out_bias: np.ndarray

    @classmethod
    def irnn(cls, n_in: int, n_rec: int, n_out: int, rng) -> "Weights":
        """Identity recurrent matrix, Le/Jaitly/Hinton style."""
        return cls(
            inp=rng.normal(scale=0.1, size=(n_rec, n_in)),
            rec=np.eye(n_rec) * 0.9,
            out=rng.normal(scale=0.1, size=(n_out, n_rec)),
            bias=np.zeros(n_rec),
            out_bias=np.zeros(n_out),
        )

    def zeros_like(self) -> "Weights":
        return Weights(**{f.name: np.zeros_like(getattr(self, f.name)) for f in fields(self)})


@dataclass
class IRNN:
    n_in: int
    n_rec: int
    n_out: int
    seed: int = 0
    w: Weights = field(init=False)

    def __post_init__(self):
        self.w = Weights.irnn(self.n_in, self.n_rec, self.n_out, np.random.default_rng(self.seed))

    def run(self, seq: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """seq (T, n_in).  Returns (prediction from the final state, all states incl. the initial one)."""
        hs = np.zeros((len(seq) + 1, self.n_rec))
        for t, x in enumerate(seq, start=1):
            hs[t] = np.maximum(0.0, self.w.inp @ x + self.w.rec @ hs[t - 1] + self.w.bias)
        return self.w.out @ hs[-1] + self.w.out_bias, hs

    def loss_and_grad(self, seq: np.ndarray, target: np.ndarray) -> Tuple[float, Weights]:
        pred, hs = self.run(seq)
        err = pred - target
        loss = float(err @ err)

        g = self.w.zeros_like()
        derr = 2.0 * err
        g.out += np.outer(derr, hs[-1])
        g.out_bias += derr
        back = self.w.out.T @ derr
        for t in range(len(seq), 0, -1):
            back = np.where(hs[t] > 0, back, 0.0)
            g.inp += np.outer(back, seq[t - 1])
            g.rec += np.outer(back, hs[t - 1])
            g.bias += back
            back = self.w.rec.T @ back
        return loss, g


def adding_problem(rng, T):
    vals = rng.uniform(0, 1, T)
    mark = np.zeros(T)
    mark[rng.choice(T, 2, replace=False)] = 1
    return np.stack([vals, mark], 1), np.array([vals @ mark])


if __name__ == "__main__":
    rng = np.random.default_rng(11)
    net = IRNN(2, 24, 1)
    running = 0.3
    for step in range(1500):
        seq, tgt = adding_problem(rng, 10)
        loss, g = net.loss_and_grad(seq, tgt)
        norm = np.sqrt(sum(np.sum(getattr(g, f.name) ** 2) for f in fields(g)))
        k = 0.01 * min(1.0, 1.0 / (norm + 1e-12))
        for f in fields(g):
            getattr(net.w, f.name)[...] -= k * getattr(g, f.name)
        running = 0.99 * running + 0.01 * loss
        if step % 300 == 0:
            print(step, round(running, 4))
