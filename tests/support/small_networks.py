"""A small right network whose parts tests replace, and its check."""

from pathlib import Path

from support.apart import apart

from conformance.hand_written.checking.target import checked_target
from conformance.hand_written.request import Request
from conformance.record.check import CheckRecord

RIGHT = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.Wx, self.Wh = np.random.randn(n_hidden, n_in) * 0.1, np.random.randn(n_hidden, n_hidden) * 0.1
        self.Wy, self.bh, self.by = np.random.randn(n_out, n_hidden) * 0.1, np.zeros(n_hidden), np.zeros(n_out)
        {attributes}
    def forward(self, xs):
        self.xs, self.hs = xs, [np.zeros(len(self.bh))]
        for x in xs:
            self.hs.append(np.tanh(self.Wx @ x + self.Wh @ self.hs[-1] + self.bh))
        {outputs}
    def backward(self, dys{arguments}):
        dWx, dWh, dWy = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.Wy)
        dbh, dby, carried = np.zeros_like(self.bh), np.zeros_like(self.by), np.zeros_like(self.bh)
        for t in reversed(range(len(self.xs))):
            dWy += np.outer(dys[t], self.hs[t + 1])
            dby += dys[t]
            da = (self.Wy.T @ dys[t] + carried) * (1 - self.hs[t + 1] ** 2)
            dWx += np.outer(da, self.xs[t])
            dWh += np.outer(da, self.hs[t])
            dbh += da
            carried = self.Wh.T @ da
        {end}
"""

OUTPUTS = "return np.array([self.Wy @ h + self.by for h in self.hs[1:]])"

GRADIENTS = "return dWx, dWh, dWy, dbh, dby"

PARAMETERS = "(self.Wx, self.Wh, self.Wy, self.bh, self.by)"

MISTAKE = ("carried = self.Wh.T @ da", "carried = self.Wh @ da")
"""W_hh isn't transposed on the way back."""


def network(
    end: str = GRADIENTS, *, arguments: str = "", outputs: str = OUTPUTS, attributes: str = "self.name = ''"
) -> str:
    """Return the text of a network with its own end of the backward pass; lines are indented here."""
    parts = {"end": end, "outputs": outputs, "attributes": attributes}
    indented = {name: text.replace("\n", "\n" + 8 * " ") for name, text in parts.items()}
    return RIGHT.format(arguments=arguments, **indented)


def update(line: str, *, arguments: str = ", lr=0.01", attributes: str = "self.name = ''") -> str:
    """Return the text of a network that changes every parameter p by a line that reads its gradient g."""
    end = f"for p, g in zip({PARAMETERS}, (dWx, dWh, dWy, dbh, dby)):\n    {line}"
    return network(end, arguments=arguments, attributes=attributes)


def changed(text: str, *changes: tuple[str, str]) -> str:
    """Return `text` with each of some parts replaced, all of which must be there."""
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


def checked(folder: Path, text: str, names: str = "Net") -> CheckRecord:
    """Check the network of these names in this text."""
    return apart(checked_here, folder, text, names)


def checked_here(folder: Path, text: str, names: str = "Net") -> CheckRecord:
    """Do so in this process, a part of which is replaced."""
    path = folder / "network.py"
    path.write_text(text, encoding="utf-8")
    target = f"{path}:{names}"
    return checked_target(target, "", Request.on_the_command_line(target), lambda _: None)


def broken(record: CheckRecord) -> str:
    """Return what a network does to its caller that it must not do."""
    return " ".join(contract.sentence for contract in record.contracts if contract.holds is False)


def told(record: CheckRecord) -> str:
    """Return the notes of a check."""
    return " ".join(record.notes)


def named(record: CheckRecord) -> list[str]:
    """Return the mistakes that a check names."""
    return [] if record.diagnosis is None else [fault.id for fault in record.diagnosis.faults]


LSTM = """
import numpy as np
s = lambda a: 1 / (1 + np.exp(-a))
class Net:
    def __init__(self, n_in, n):
        self.W, self.U, self.b = np.zeros((n_in, 4 * n)), np.zeros((n, 4 * n)), np.zeros(4 * n)

    def forward(self, xs, {handed}):
        h, c = {start}
        self.kept, hs = [], []
        for x in xs:
            i, f, g, o = np.split(x @ self.W + h @ self.U + self.b, 4, axis=1)
            i, f, g, o, before, memory = s(i), s(f), np.tanh(g), s(o), h, c
            c = f * c + i * g
            h = o * np.tanh(c)
            self.kept.append((x, before, memory, i, f, g, o, np.tanh(c)))
            hs.append(h)
        return {given}

    def backward(self, dhs):
        gW, gU, gb, dh, dc = 0 * self.W, 0 * self.U, 0 * self.b, 0, 0
        for d, (x, before, memory, i, f, g, o, u) in zip(dhs[::-1], self.kept[::-1]):
            dh = dh + d
            dc = dc + dh * o * (1 - u * u)
            gates = dc * g * i * (1 - i), dc * memory * f * (1 - f), dc * i * (1 - g * g), dh * u * o * (1 - o)
            da = np.hstack(gates)
            gW, gU, gb = gW + x.T @ da, gU + before.T @ da, gb + da.sum(0)
            dh, dc = da @ self.U.T, dc * f
        return gW, gU, gb
"""


def lstm(handed: str, start: str, given: str) -> str:
    """Return a right LSTM by what its forward pass is handed, where it starts from, and what it gives."""
    return LSTM.format(handed=handed, start=start, given=given)
