"""A recurrent network written by hand, as a project of yours may have it, and what the suite is shown of it."""

import numpy as np

from conformance import Observation, Problem, Unsupported


class MyRNN:
    """One layer over a batch, with backpropagation through time."""

    def __init__(self, W: np.ndarray, U: np.ndarray, b: np.ndarray, c: np.ndarray, nonlinearity: str) -> None:
        self.W, self.U, self.b, self.c = W, U, b, c
        self.relu = nonlinearity == "relu"

    def forward(self, x: np.ndarray, h_0: np.ndarray) -> np.ndarray:
        """Return h_0 and the states of all steps, (T + 1, B, H)."""
        self.x, self.a, self.h = x, [], [h_0]
        for x_t in x:
            a = x_t @ self.W.T + self.b + self.h[-1] @ self.U.T + self.c
            self.a.append(a)
            self.h.append(np.maximum(a, 0) if self.relu else np.tanh(a))
        return np.array(self.h)

    def backward(self, d_output: np.ndarray, d_h_n: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return dL/dh_t and dL/da_t of all steps, (T, B, H), and dL/dh_0."""
        d_h, d_a, carried = [], [], d_h_n
        for t in reversed(range(len(self.x))):
            slope = self.a[t] >= 0 if self.relu else 1 - self.h[t + 1] ** 2
            d_h.insert(0, d_output[t] + carried)
            d_a.insert(0, d_h[0] * slope)
            carried = d_a[0] @ self.U
        return np.array(d_h), np.array(d_a), carried


class Shown:
    """The subject: runs `MyRNN` on a problem of the suite and shows what came out."""

    name = "my-rnn"
    description = "one layer over a batch, written by hand"

    def run(self, problem: Problem) -> Observation:
        """Show every step; refuse what `MyRNN` doesn't claim to do."""
        case = problem.case
        plain = case.layout == "time-first" and case.bias and not (case.lengths or case.output_size)
        if case.cell != "rnn" or case.layers > 1 or case.bidirectional or not plain:
            message = (
                "one layer of an RNN in one direction, time first, with biases, all sequences of one length"
            )
            raise Unsupported(message)
        rnn = MyRNN(*problem.weights.values(), case.nonlinearity)
        states = rnn.forward(problem.x, problem.initial_state[0])
        hidden = states[1:]
        d_output = np.zeros_like(hidden) if problem.d_output is None else problem.d_output
        d_h_n = np.zeros_like(hidden[0]) if problem.d_h_n is None else problem.d_h_n[0]
        d_h, d_a, d_h_0 = rnn.backward(d_output, d_h_n)
        d_b = d_a.sum((0, 1))
        gradients = (
            np.einsum("tbh,tbi->hi", d_a, problem.x),
            np.einsum("tbh,tbk->hk", d_a, states[:-1]),
            d_b,
            d_b,
        )
        return Observation(
            output=hidden,
            h_n=hidden[-1:],
            hidden={(0, 0): hidden},
            d_hidden={(0, 0): d_h},
            d_pre={(0, 0): d_a},
            d_x=d_a @ rnn.W,
            d_h_0=None if problem.h_0 is None else d_h_0[None],
            parameters=dict(zip(problem.weights, gradients, strict=True)),
        )
