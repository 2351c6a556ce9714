"""The small types that the modules of `refrnn` share, each with the reason it exists."""

from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.floating[Any]]
"""Any floating array: one code path serves float32, float64 and long double."""

Nonlinearity: TypeAlias = Literal["tanh", "relu"]
"""torch.nn.RNN's two choices."""

DTYPES = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.longdouble))
"""The precisions in which the reference runs."""


class Weights(NamedTuple):
    """The parameters of one direction of one layer (or their gradients), in torch's order."""

    ih: Array  # (rows, I): H rows, 3H in a GRU, 4H in an LSTM
    hh: Array  # (rows, P): P = H but in an LSTM with projections
    b_ih: Array | None  # (rows,), None without biases
    b_hh: Array | None
    hr: Array | None = None  # (P, H), in an LSTM with projections


PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
"""torch's names of the fields of `Weights`, before the layer and direction are added."""


def read_only(array: Array) -> Array:
    """Return a view of `array` through which it can't be written."""
    view = array.view()
    view.setflags(write=False)
    return view
