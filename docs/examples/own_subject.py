"""A library of one's own as a subject: `conformance run --suite smoke --subject own_subject.py:MyLibrary`.

The library is batch-first, has one bias, one layer and one direction, and knows no lengths.
"""

import numpy as np

from conformance import Observation, Problem, TimeMajor, Unsupported


class Library:
    """What is to be examined: an Elman network over x (B, T, I), with W (I, H), U (H, H) and b (H,)."""

    def __init__(self, W: np.ndarray, U: np.ndarray, b: np.ndarray) -> None:
        self.W, self.U, self.b = W, U, b

    def forward(self, x: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return all states (B, T + 1, H), the initial one first."""
        self.x, states = x, [h]
        for t in range(x.shape[1]):
            states.append(np.tanh(x[:, t] @ self.W + states[-1] @ self.U + self.b))
        self.h = np.stack(states, axis=1)
        return self.h

    def backward(self, d_h: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the gradients by W, U, b, x and h_0 from those by all states but the initial one (B, T, H)."""
        d_a, carried = np.empty_like(d_h), np.zeros_like(d_h[:, 0])
        for t in reversed(range(d_h.shape[1])):
            d_a[:, t] = (d_h[:, t] + carried) * (1 - self.h[:, t + 1] ** 2)
            carried = d_a[:, t] @ self.U.T
        d_W = np.einsum("bti,bth->ih", self.x, d_a)
        d_U = np.einsum("btk,bth->kh", self.h[:, :-1], d_a)
        return d_W, d_U, d_a.sum(axis=(0, 1)), d_a @ self.W.T, carried


class MyLibrary:
    """The subject: a problem in, an observation out."""

    name, description = "my library", "one layer, one direction, one bias, batch-first"

    def run(self, problem: Problem) -> Observation:
        """Run forward and backward on one problem, in its own precision."""
        case = problem.case
        if case.cell != "rnn" or case.layers > 1 or case.bidirectional or case.lengths:
            raise Unsupported("My library has an RNN of one layer, one direction and no lengths.")
        if case.nonlinearity != "tanh" or case.dtype not in ("f32", "f64"):
            raise Unsupported("My library computes tanh in float32 and float64.")
        plain, place = TimeMajor.of(problem), (0, 0)
        w_ih, w_hh, *biases = problem.weights_at(place)
        library = Library(problem.weights[w_ih].T, problem.weights[w_hh].T, plain.bias_at(place))
        states = library.forward(plain.x.swapaxes(0, 1), plain.h_0[0])
        d_h = plain.d_output.swapaxes(0, 1).copy()
        d_h[:, -1] += plain.d_h_n[0]  # h_n is the last state
        d_W, d_U, d_b, d_x, d_h_0 = library.backward(d_h)
        return plain.shown(
            output=states[:, 1:].swapaxes(0, 1),
            h_n=states[:, -1][np.newaxis],
            d_x=d_x.swapaxes(0, 1),
            d_h_0=d_h_0[np.newaxis],
            parameters={w_ih: d_W.T, w_hh: d_U.T, **dict.fromkeys(biases, d_b)},
        )
