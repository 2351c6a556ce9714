"""What is timed: sizes, layers, directions and lengths, and the arrays drawn for them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Workload(NamedTuple):
    """Steps, batch, inputs, hidden units, layers, directions, and whether lengths vary from 1 to T."""

    T: int
    B: int
    I: int  # noqa: E741 (the letter of the formulas)
    H: int
    layers: int = 1
    directions: int = 1
    varied: bool = False

    @property
    def remark(self) -> str:
        """What a table says beside the sizes."""
        stacked = f"{self.layers} layers, {self.directions} directions" if self.layers > 1 else ""
        return "variable lengths" if self.varied else stacked


GRID = (
    Workload(10, 1, 4, 5),
    Workload(10, 5, 9, 4),
    Workload(20, 8, 16, 32),
    Workload(50, 32, 64, 128),
    Workload(100, 64, 128, 256),
    Workload(1000, 1, 32, 64),
    Workload(200, 64, 256, 512),
    Workload(50, 16, 32, 64, layers=2, directions=2),
    Workload(50, 32, 64, 128, varied=True),
    Workload(10_000, 1, 32, 64),
)
"""Against torch."""

BY_HAND = (
    Workload(20, 32, 4, 8),
    Workload(20, 32, 16, 32),
    Workload(50, 32, 32, 64),
    Workload(50, 32, 64, 128),
)
"""Against code that takes one sample at a time; all at B = 32."""

TINY = (Workload(4, 2, 3, 5), Workload(4, 2, 3, 5, layers=2, directions=2), Workload(4, 3, 3, 5, varied=True))
"""For a look at whether it all runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One set of inputs and cotangents of the output and the final states."""

    x: np.ndarray
    h_0: np.ndarray
    d_output: np.ndarray
    d_h_n: np.ndarray
    c_0: np.ndarray | None  # an LSTM's
    d_c_n: np.ndarray | None
    lengths: np.ndarray | None  # longest first, which spares torch the sorting

    @classmethod
    def drawn(cls, work: Workload, dtype: str, cell: str) -> "Problem":
        """Draw everything from the standard normal distribution, and lengths evenly."""
        rng = np.random.default_rng(0)
        state = (work.layers * work.directions, work.B, work.H)
        output = (work.T, work.B, work.directions * work.H)
        shapes = {"x": (work.T, work.B, work.I), "h_0": state, "d_output": output, "d_h_n": state}
        shapes |= {"c_0": state, "d_c_n": state} if cell == "LSTM" else {}
        lengths = None
        if work.varied:
            lengths = np.sort(rng.integers(1, work.T, work.B, endpoint=True))[::-1].copy()
            lengths[0] = work.T
        arrays = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}
        return cls(**({"c_0": None, "d_c_n": None} | arrays), lengths=lengths)

    @property
    def initial(self) -> tuple[np.ndarray, ...]:
        """h_0, and an LSTM's c_0."""
        return (self.h_0,) if self.c_0 is None else (self.h_0, self.c_0)

    @property
    def d_final(self) -> tuple[np.ndarray, ...]:
        """dL/dh_n, and an LSTM's dL/dc_n."""
        return (self.d_h_n,) if self.d_c_n is None else (self.d_h_n, self.d_c_n)
