"""How code lays out sequences and vectors: which axis is which, in an array or in a list or dict of arrays.

A form's `axes` are letters: T steps, B samples, N features, 1 an axis of length one. A missing T means the last step
alone, a missing B one sample, a missing N one feature. Ours are always (T, B, N).
"""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from refrnn import Array

Container = Literal["array", "list", "tuple", "dict", "nested", "flat", "flat by sample"]
"""Of what a sequence is made; "nested" are plain lists of numbers, "flat" has T·B rows (or B·T)."""


class Form(Struct, frozen=True):
    """One way to lay out a sequence (T, B, N)."""

    container: Container
    axes: str
    first: int = 0  # the key or index of the first step

    def encode(self, expression: str) -> str:
        """Return the expression of what code in this form takes, from that of an array (T, B, N)."""
        if self.container == "flat":
            return f"{expression}.reshape(-1, {_simple(expression)}.shape[-1])"
        if self.container == "flat by sample":
            return f"{expression}.swapaxes(0, 1).reshape(-1, {_simple(expression)}.shape[-1])"
        present = [letter for letter in "TBN" if letter in self.axes]
        dropped = "".join(
            {"T": "[-1]", "B": "[:, 0]" if "T" in present else "[0]", "N": "[..., 0]"}[letter]
            for letter in "TBN"
            if letter not in present
        )
        text = _transposed(f"{expression}{dropped}", "".join(present), self.axes.replace("1", ""))
        text = _indexed(text, ["None" if letter == "1" else ":" for letter in self.axes])
        match self.container:
            case "list":
                return f"list({text})"
            case "tuple":
                return f"tuple({text})"
            case "dict":
                return f"dict(enumerate({text}{f', {self.first}' if self.first else ''}))"
            case "nested":
                return f"({text}).tolist()"
            case _:
                return text

    def decode(self, expression: str) -> str:
        """Return the expression of an array (n, B, N) from that of something in this form."""
        if self.container == "flat":
            return f"np.asarray({expression}).reshape(-1, p.B, np.shape({expression})[-1])"
        if self.container == "flat by sample":
            return f"np.asarray({expression}).reshape(p.B, -1, np.shape({expression})[-1]).swapaxes(0, 1)"
        text = expression
        if self.container == "dict":
            text = f"np.array([{expression}[t] for t in sorted({expression})])"
        elif self.container in ("list", "tuple", "nested") or not self.axes:  # a number may be Python's own
            text = f"np.array({expression})"
        text = _indexed(text, ["0" if letter == "1" else ":" for letter in self.axes])
        present = self.axes.replace("1", "")
        wanted = "".join(letter for letter in "TBN" if letter in present)
        text = _transposed(text, present, wanted)
        return _indexed(text, [":" if letter in wanted else "None" for letter in "TBN"])


def _simple(expression: str) -> str:
    return expression if expression.replace(".", "").replace("_", "").isalnum() else f"({expression})"


def _transposed(text: str, have: str, want: str) -> str:
    if have == want:
        return text
    text = text if text[-1] in ")]" or _simple(text) == text else f"({text})"
    if len(have) == 2:
        return f"{text}.T"
    return f"{text}.transpose({', '.join(str(have.index(letter)) for letter in want)})"


def _indexed(text: str, index: list[str]) -> str:
    return text if all(part == ":" for part in index) else f"{text}[{', '.join(index)}]"


def axes_of(shape: tuple[int, ...], steps: int, batch: int, width: int) -> Iterator[tuple[str, int]]:
    """Yield every reading of a shape as axes, and the number of steps: T, T + 1, or 0 without an axis of time."""
    for letters in _letters(shape, {"T": (steps, steps + 1), "B": (batch,), "N": (width,)}):
        if ("B" not in letters and batch != 1) or ("N" not in letters and width != 1):
            continue
        yield letters, shape[letters.index("T")] if "T" in letters else 0


def _letters(shape: tuple[int, ...], sizes: dict[str, tuple[int, ...]]) -> Iterator[str]:
    if not shape:
        yield ""
        return
    for letter, allowed in sizes.items():
        if shape[0] in allowed and (shape[0] != 1 or letter == "T"):
            for rest in _letters(shape[1:], {k: v for k, v in sizes.items() if k != letter}):
                yield letter + rest
    if shape[0] == 1:
        for rest in _letters(shape[1:], sizes):
            yield "1" + rest


def numeric(value: Any) -> Array | None:
    """Return numbers as a float array, None for everything else."""
    if isinstance(value, np.ndarray):
        return np.asarray(value) if value.dtype.kind == "f" and value.size else None
    if isinstance(value, (float, np.floating)):
        return np.asarray(value)
    return None
