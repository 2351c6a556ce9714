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
    """The four parameters of one direction of one layer (or their gradients)."""

    ih: Array  # (gates * H, I)
    hh: Array  # (gates * H, H)
    b_ih: Array | None  # (gates * H,), None without biases
    b_hh: Array | None


def read_only(array: Array) -> Array:
    """Return a view of `array` through which it can't be written."""
    view = array.view()
    view.setflags(write=False)
    return view
