"""Right cells of other kinds than torch.nn.RNN's, and mistakes to plant in their backward passes."""

from dataclasses import dataclass
from pathlib import Path

CELLS = Path(__file__).parent / "cells"


@dataclass(frozen=True)
class Planted:
    """A right cell, and for each mistake the right text and the wrong one."""

    cell: str
    names: str
    mistakes: tuple[tuple[str, str], ...]

    @property
    def right(self) -> str:
        """The source without mistakes."""
        return (CELLS / f"{self.cell}.py").read_text(encoding="utf-8")

    @property
    def wrong(self) -> str:
        """The source with all of its mistakes."""
        source = self.right
        for right, wrong in self.mistakes:
            if source.count(right) != 1:
                message = f"{right!r} occurs {source.count(right)} times in {self.cell}, not once."
                raise AssertionError(message)
            source = source.replace(right, wrong)
        return source

    @property
    def lines(self) -> set[int]:
        """The numbers of the lines that the mistakes are in."""
        pairs = zip(self.right.split("\n"), self.wrong.split("\n"), strict=True)
        return {n for n, (right, wrong) in enumerate(pairs, start=1) if right != wrong}


def rows(*mistakes: tuple[str, str]) -> Planted:
    return Planted("lstm_rows", "LSTMLayer", mistakes)


def columns(*mistakes: tuple[str, str]) -> Planted:
    return Planted("lstm_columns", "Memory", mistakes)


def steps(*mistakes: tuple[str, str]) -> Planted:
    return Planted("lstm_steps", "lstm_forward,lstm_backward", mistakes)


def gru(*mistakes: tuple[str, str]) -> Planted:
    return Planted("gru_rows", "GatedUnit", mistakes)


def gru_of_columns(*mistakes: tuple[str, str]) -> Planted:
    return Planted("gru_columns", "GRU", mistakes)


def minimal(*mistakes: tuple[str, str]) -> Planted:
    return Planted("minimal_unit", "MinimalUnit", mistakes)


PLANTED = {
    "lstm rows, forgotten cell carry": rows(("dc = dc_carry + dh", "dc = dh")),
    "lstm rows, cell carry without gate": rows(("dc_carry = dc * f", "dc_carry = dc")),
    "lstm rows, tanh' of activated": rows(("(1 - g ** 2)", "(1 - np.tanh(g) ** 2)")),
    "lstm rows, not transposed": rows(("dh_carry = da @ self.R.T", "dh_carry = dc @ self.R[:, :n]")),
    "lstm rows, two": rows(
        ("h_prev.T @ da", "h.T @ da"), ("d_o = dh * s * o * (1 - o)", "d_o = dh * s * (1 - o)")
    ),
    "lstm rows, three": rows(
        ("dbias += da.sum(axis=0)", "dbias = da.sum(axis=0)"),
        ("d_i = dc * g * i * (1 - i)", "d_i = dc * g * (1 - i ** 2)"),
        ("dh = d_out[:, t] + dh_carry", "dh = d_out[:, t]"),
    ),
    "lstm rows, four": rows(
        ("d_f = dc * c_prev", "d_f = dc * s"),
        ("d_g = dc * i * (1 - g ** 2)", "d_g = dc * i * (1 - g)"),
        ("dc_carry + dh * o * (1 - s ** 2)", "dc_carry + dh * (1 - s ** 2)"),
        ("dK += x.T @ da", "dK = x.T @ da"),
    ),
    "lstm rows, five": rows(
        ("(1 - s ** 2)", "(1 - np.tanh(s) ** 2)"),
        ("d_f = dc * c_prev * f * (1 - f)", "d_f = dc * c_prev * logistic(f) * (1 - logistic(f))"),
        ("dh * s * o * (1 - o)", "dh * s"),
        ("dc_carry = dc * f", "dc_carry = dc * i"),
        ("dR += h_prev.T @ da", "dR += h.T @ da"),
    ),
    "lstm columns, one": columns(("dcell_next = dcell * self.f[t]", "dcell_next = dcell * self.i[t]")),
    "lstm columns, wrong cell state": columns(("dcell * self.cell[t - 1]", "dcell * self.cell[t]")),
    "lstm columns, gate left out of dz": columns((" + self.Wo.T @ do", "")),
    "lstm columns, two": columns(
        ("di = dcell * self.g[t] *", "di = dcell * self.i[t] *"), ("dbo += do", "dbo += dh")
    ),
    "lstm columns, three": columns(
        ("+ dh_next\n", "\n"),
        ("(1 - squashed ** 2)", "(1 - squashed)"),
        ("dV += dys[t] @ self.h[t].T", "dV += dys[t] @ self.h[t - 1].T"),
    ),
    "lstm columns, four": columns(
        ("self.Wi.T @ di", "self.Wi.T @ df"),
        ("(1 - self.g[t] ** 2)", "(1 - np.tanh(self.g[t]) ** 2)"),
        ("dbf += df", "dbf = df"),
        ("do = dh * squashed * self.o[t] * (1 - self.o[t])", "do = dh * squashed * self.o[t]"),
    ),
    "lstm steps, one": steps(("da @ Wh.T, dc_all * f,", "da @ Wh.T, dc_all,")),
    "lstm steps, slope of the cell": steps(("(1 - th * th)", "(1 - th)")),
    "lstm steps, carry forgotten": steps(("dh_all = dhs[:, t] + dh", "dh_all = dhs[:, t]")),
    "lstm steps, two": steps(("h_before.T @ da", "h.T @ da"), ("dWh += dWh_t", "dWh = dWh_t")),
    "lstm steps, three": steps(
        ("dc_all * c_before * f * (1 - f)", "dc_all * c_before"),
        ("dc_all * i * (1 - g * g)", "dc_all * i"),
        ("dh * th * o * (1 - o)", "dh * th"),
    ),
    "gru rows, one": gru(("dq @ self.U.T + dh * z", "dq @ self.U.T")),
    "gru rows, reset gate": gru(("dq = np.concatenate((dr, dz, dk * r)", "dq = np.concatenate((dr, dz, dk)")),
    "gru rows, update gate": gru(("dz = dh * (before - k)", "dz = dh * (k - before)")),
    "gru rows, two": gru(("+ dh * z", "+ dh * (1 - z)"), ("before.T @ dq", "h.T @ dq")),
    "gru rows, three": gru(
        ("(1 - k ** 2)", "(1 - np.tanh(k) ** 2)"),
        ("dr = dk * m * r * (1 - r)", "dr = dk * m"),
        ("db_rec += dq.sum(axis=0)", "db_rec += dp.sum(axis=0)"),
    ),
    "gru columns, one": gru_of_columns((" + self.Ur.T @ dr", "")),
    "gru columns, two": gru_of_columns(
        ("dn = dh * (1 - z) *", "dn = dh * z *"), ("dn @ (r * last).T", "dn @ last.T")
    ),
    "gru columns, three": gru_of_columns(
        ("dm * r +", "dm +"),
        ("dr = dm * last * r * (1 - r)", "dr = dm * last * (1 - r)"),
        ("dbz += dz", "dbz = dz"),
    ),
    "gru columns, four": gru_of_columns(
        ("dm = self.Un.T @ dn", "dm = self.Un @ dn"),
        ("dz = dh * (last - n) * z * (1 - z)", "dz = dh * (last - n)"),
        ("dWr += dr @ self.xs[t].T", "dWr += dz @ self.xs[t].T"),
        ("dnext = dh * z + ", "dnext = "),
    ),
    "minimal unit, one": minimal(("dh * (1 - f) + dm * f", "dh * (1 - f) + dm")),
    "minimal unit, two": minimal(
        ("dy[:, t] @ self.E.T + carry", "dy[:, t] @ self.E.T"), ("gD += (f * prev).T", "gD += prev.T")
    ),
    "minimal unit, three": minimal(
        ("(1 - u ** 2)", "(1 - u)"),
        ("(dh * (u - prev) + dm * prev)", "dh * (u - prev)"),
        ("gE += self.h[t + 1].T", "gE += self.h[t].T"),
    ),
}
"""What is planted, by a name of each."""
