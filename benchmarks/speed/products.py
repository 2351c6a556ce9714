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
    steps: list[
        tuple[np.ndarray, np.ndarray]
    ]  # what is multiplied (b, H) at each step, and room for the product
    w_ih: np.ndarray  # (H, I)
    w_hh: np.ndarray  # (H, H)

    def forward(self) -> None:
        """Multiply as a forward pass does."""
        self.x.dot(self.w_ih.T)
        w = self.w_hh.T
        for h, out in self.steps:
            h.dot(w, out)

    def backward(self) -> None:
        """Multiply as a backward pass does."""
        w = np.asfortranarray(self.w_hh)
        for h, out in self.steps:
            h.dot(w, out)
        self.h.T.dot(self.x)
        self.h.T.dot(self.h)
        self.h.dot(self.w_ih)


def product_calls(module: torch.nn.RNN, problem: Problem) -> Mapping[str, Callable[[], None]]:
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


def _scans(module: torch.nn.RNN, problem: Problem) -> Iterator[Scan]:
    """Yield every layer and direction."""
    steps, batch, _ = problem.x.shape
    lengths = np.full(batch, steps) if problem.lengths is None else problem.lengths
    samples = (np.arange(steps)[:, np.newaxis] < lengths).sum(axis=1).tolist()
    rng = np.random.default_rng(0)
    for name, parameter in module.named_parameters():
        if name.startswith("weight_ih"):
            w_ih = parameter.detach().numpy()
            w_hh = module.get_parameter(name.replace("_ih", "_hh")).detach().numpy()
            hidden, inputs = w_ih.shape
            sizes = ((sum(samples), inputs), (sum(samples), hidden), (batch, hidden), (batch, hidden))
            x, h, one, out = (rng.uniform(-1, 1, size).astype(w_ih.dtype) for size in sizes)
            yield Scan(x=x, h=h, steps=[(one[:b], out[:b]) for b in samples], w_ih=w_ih, w_hh=w_hh)
