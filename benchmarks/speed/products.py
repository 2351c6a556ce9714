"""The matrix products of an RNN and nothing else: what no program can go below that calls NumPy for them.

In batch form, over the rows of samples that have a step, as `refrnn` takes them: the input's share of all steps at
once, one product a step for what has to wait for the step before, and the parameters' gradients at the end. No
activation, no bias, no sum beside a product; what is multiplied has the right sizes and otherwise no meaning.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from workloads import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The arrays of one direction of one layer: N steps of all samples together, B at most at a time."""

    x: np.ndarray  # (N, I)
    h: np.ndarray  # (N, H)
    delta: np.ndarray  # (N, rows): H rows of the weights, 3H in a GRU, 4H in an LSTM
    there: list[
        tuple[np.ndarray, np.ndarray]
    ]  # of each step forward what is multiplied (b, H), and room (b, rows)
    back: list[tuple[np.ndarray, np.ndarray]]  # of each step back (b, rows), and room (b, H)
    w_ih: np.ndarray  # (rows, I)
    w_hh: np.ndarray  # (rows, H)

    def forward(self) -> None:
        """Multiply as a forward pass does."""
        self.x.dot(self.w_ih.T)
        w = self.w_hh.T
        for h, out in self.there:
            h.dot(w, out)

    def backward(self) -> None:
        """Multiply as a backward pass does."""
        w = np.asfortranarray(self.w_hh)
        for delta, out in self.back:
            delta.dot(w, out)
        self.delta.T.dot(self.x)
        self.delta.T.dot(self.h)
        self.delta.dot(self.w_ih)


def product_calls(module: torch.nn.RNNBase, problem: Problem) -> Mapping[str, Callable[[], None]]:
    """Return what is timed of the products alone."""
    scans = list(_scans(module, problem))

    def forward() -> None:
        for scan in scans:
            scan.forward()

    def both() -> None:
        forward()
        for scan in scans:
            scan.backward()

    return {"forward": forward, "both": both}


def _scans(module: torch.nn.RNNBase, problem: Problem) -> Iterator[Scan]:
    """Yield every layer and direction."""
    steps, batch, _ = problem.x.shape
    lengths = np.full(batch, steps) if problem.lengths is None else problem.lengths
    samples = (np.arange(steps)[:, np.newaxis] < lengths).sum(axis=1).tolist()
    rng = np.random.default_rng(0)
    for name, parameter in module.named_parameters():
        if name.startswith("weight_ih"):
            w_ih = parameter.detach().numpy()
            w_hh = module.get_parameter(name.replace("_ih", "_hh")).detach().numpy()
            (rows, inputs), hidden, n = w_ih.shape, w_hh.shape[1], sum(samples)
            sizes = ((n, inputs), (n, hidden), (n, rows), (batch, hidden), (batch, rows))
            x, h, delta, one, step = (rng.uniform(-1, 1, size).astype(w_ih.dtype) for size in sizes)
            outs = np.empty_like(step), np.empty_like(one)
            there, back = (
                [(array[:b], out[:b]) for b in samples] for array, out in zip((one, step), outs, strict=True)
            )
            yield Scan(x=x, h=h, delta=delta, there=there, back=back, w_ih=w_ih, w_hh=w_hh)
