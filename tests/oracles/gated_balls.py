"""One step of an LSTM or GRU in ball arithmetic, forward and backward, from numbers that a subject shows.

The formulas are those of torch's documentation and of the chain rule, written out unit by unit; no code is shared with
the reference or the judge. `value` looks a number up: ("h'", unit), ("dh", unit), ("weight_ih", row, input), …
"""

from collections.abc import Callable, Iterator

from flint import arb

Value = Callable[..., arb]
Exact = tuple[str, int, arb]
"""A quantity, a unit, and what it is exactly."""


def sigmoid(a: arb) -> arb:
    return 1 / (1 + (-a).exp())


def affine(value: Value, which: str, row: int, inputs: str, width: int) -> arb:
    """Return row · inputs + bias, of W_ih or W_hh."""
    return sum(
        (value(f"weight_{which}", row, k) * value(inputs, k) for k in range(width)),
        value(f"bias_{which}", row),
    )


def lstm(value: Value, width: int, hidden: int) -> Iterator[Exact]:
    for k in range(hidden):
        for n, letter in enumerate("ifgo"):
            row = n * hidden + k
            a = affine(value, "ih", row, "x", width) + affine(value, "hh", row, "h'", hidden)
            yield letter, k, a.tanh() if letter == "g" else sigmoid(a)
        i, f, g, o, c, c_prev = (value(letter, k) for letter in ("i", "f", "g", "o", "c", "c'"))
        dh, dc, t = value("dh", k), value("dc", k), c.tanh()
        yield "c", k, f * c_prev + i * g
        yield "h", k, o * t
        yield "dL/da_i", k, dc * g * i * (1 - i)
        yield "dL/da_f", k, dc * c_prev * f * (1 - f)
        yield "dL/da_g", k, dc * i * (1 - g * g)
        yield "dL/da_o", k, dh * t * o * (1 - o)


def gru(value: Value, width: int, hidden: int) -> Iterator[Exact]:
    for k in range(hidden):
        share = [affine(value, "ih", n * hidden + k, "x", width) for n in range(3)]
        recurrent = [affine(value, "hh", n * hidden + k, "h'", hidden) for n in range(3)]
        yield "r", k, sigmoid(share[0] + recurrent[0])
        yield "z", k, sigmoid(share[1] + recurrent[1])
        yield "m", k, recurrent[2]
        r, z, m, n, h_prev, dh = (value(letter, k) for letter in ("r", "z", "m", "n", "h'", "dh"))
        yield "n", k, (share[2] + r * m).tanh()
        yield "h", k, (1 - z) * n + z * h_prev
        d_n = dh * (1 - z) * (1 - n * n)
        yield "dL/da_n", k, d_n
        yield "dL/da_r", k, d_n * m * r * (1 - r)
        yield "dL/da_z", k, dh * (h_prev - n) * z * (1 - z)
