"""`RNN`, `LSTM` and `GRU`: the recurrent networks of torch.nn, each a cell in the face of `Network`."""

from typing import ClassVar, Literal, cast

import numpy as np
import numpy.typing as npt

from refrnn import _checks
from refrnn._elman import ElmanCell
from refrnn._gru import GatedRecurrentUnit
from refrnn._gru_reset_before import ResetBeforeProduct
from refrnn._lstm import LongShortTermMemory
from refrnn._network import Network
from refrnn._types import Array, Nonlinearity

Pair = tuple[npt.ArrayLike | None, npt.ArrayLike | None]
"""An LSTM's h and c, or what stands for them; None for zeros."""


class RNN(Network[npt.ArrayLike, Array]):
    """An Elman RNN with torch.nn.RNN's arguments, parameter names, shapes and results.

    Parameters
    ----------
    input_size, hidden_size, num_layers
        I, H and L, each at least 1.
    nonlinearity
        "tanh" or "relu".
    bias
        Whether every layer has `bias_ih` and `bias_hh`.
    batch_first
        Whether batched x and output are (B, T, ·) instead of (T, B, ·). h_0 and h_n never are.
    dropout
        Probability with which the outputs of every layer but the last are zeroed, where a call
        passes masks or a generator; a call with neither is torch's evaluation mode.
    bidirectional
        Whether every layer also runs from the last step to the first (D = 2).
    dtype
        float32, float64 (the default: this is a reference) or long double.
    generator
        Draws the first parameters from ±1/√H, as torch does; unseeded by default.

    Raises
    ------
    TypeError, ValueError
        Where an argument isn't what is described here, with what to do about it.

    Notes
    -----
    Networks, traces and gradients can be pickled and deep-copied. Masked arrays are refused.

    Where infinities give NaN or numbers overflow, NumPy warns and torch is silent; `np.errstate` around
    a call decides.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rnn = RNN(3, 4, num_layers=2, generator=rng)
    >>> x = rng.standard_normal((7, 5, 3))  # T = 7, B = 5, I = 3
    >>> output, h_n = rnn(x)
    >>> output.shape, h_n.shape
    ((7, 5, 4), (2, 5, 4))
    >>> trace = rnn.forward(x)
    >>> gradients = rnn.backward(trace, np.ones_like(output))
    >>> gradients.parameters["weight_hh_l1"].shape
    (4, 4)
    """

    _arguments: ClassVar[tuple[str, ...]] = (
        "input_size",
        "hidden_size",
        "num_layers",
        "nonlinearity",
        "bias",
        "batch_first",
        "dropout",
        "bidirectional",
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Nonlinearity = "tanh",
        bias: bool = True,  # noqa: FBT001, FBT002
        batch_first: bool = False,  # noqa: FBT001, FBT002
        dropout: float = 0.0,
        bidirectional: bool = False,  # noqa: FBT001, FBT002
        *,
        dtype: npt.DTypeLike = np.float64,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.nonlinearity = cast(
            "Nonlinearity", _checks.choice("nonlinearity", nonlinearity, ("tanh", "relu"))
        )
        super().__init__(
            ElmanCell(self.nonlinearity),
            input_size,
            hidden_size,
            num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            dtype=dtype,
            generator=generator,
        )


class LSTM(Network[Pair, tuple[Array, Array]]):
    """An LSTM with torch.nn.LSTM's arguments, parameter names, shapes, order of gates (i f g o) and results.

    Its state is the pair (h, c): h_0 of `forward` is (h_0, c_0), `output, (h_n, c_n)` is what a call returns, and d_h_n
    of `backward` is (dL/dh_n, dL/dc_n).

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, generator
        As `RNN` takes them.
    proj_size
        P below H: h is projected to P numbers by `weight_hr` (P, H), without a bias; 0 for none.

    Raises
    ------
    TypeError, ValueError
        Where an argument isn't what is described here, with what to do about it.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> lstm = LSTM(3, 4, generator=rng)
    >>> x = rng.standard_normal((7, 5, 3))  # T = 7, B = 5, I = 3
    >>> output, (h_n, c_n) = lstm(x)
    >>> output.shape, h_n.shape, c_n.shape
    ((7, 5, 4), (1, 5, 4), (1, 5, 4))
    >>> trace = lstm.forward(x)
    >>> gradients = lstm.backward(trace, np.ones_like(output), (None, np.ones_like(c_n)))
    >>> gradients.parameters["weight_hh_l0"].shape, gradients.c_0.shape
    ((16, 4), (1, 5, 4))
    >>> trace.quantity("f", layer=0).shape  # the forget gate of every step
    (7, 5, 4)
    """

    _arguments: ClassVar[tuple[str, ...]] = (
        "input_size",
        "hidden_size",
        "num_layers",
        "bias",
        "batch_first",
        "dropout",
        "bidirectional",
        "proj_size",
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,  # noqa: FBT001, FBT002
        batch_first: bool = False,  # noqa: FBT001, FBT002
        dropout: float = 0.0,
        bidirectional: bool = False,  # noqa: FBT001, FBT002
        proj_size: int = 0,
        *,
        dtype: npt.DTypeLike = np.float64,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.proj_size = _checks.projection("proj_size", proj_size, hidden_size)
        super().__init__(
            LongShortTermMemory(self.proj_size),
            input_size,
            hidden_size,
            num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            dtype=dtype,
            generator=generator,
        )


class GRU(Network[npt.ArrayLike, Array]):
    """A GRU with torch.nn.GRU's arguments, parameter names, shapes, order of gates (r z n) and results.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, generator
        As `RNN` takes them.
    reset
        "after": the reset gate multiplies W_hn h + b_hn, as in torch; "before": it multiplies h, as in the paper and in
        most code written by hand. What else such code does otherwise is a matter of names: see `Convention`.

    Raises
    ------
    TypeError, ValueError
        Where an argument isn't what is described here, with what to do about it.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> gru = GRU(3, 4, generator=rng)
    >>> x = rng.standard_normal((7, 5, 3))  # T = 7, B = 5, I = 3
    >>> output, h_n = gru(x)
    >>> output.shape, h_n.shape
    ((7, 5, 4), (1, 5, 4))
    >>> trace = gru.forward(x)
    >>> trace.quantity("z", layer=0).shape  # the update gate of every step
    (7, 5, 4)
    >>> gradients = gru.backward(trace, np.ones_like(output))
    >>> gradients.d_a(layer=0).shape
    (7, 5, 12)
    """

    _arguments: ClassVar[tuple[str, ...]] = (
        "input_size",
        "hidden_size",
        "num_layers",
        "bias",
        "batch_first",
        "dropout",
        "bidirectional",
    )

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,  # noqa: FBT001, FBT002
        batch_first: bool = False,  # noqa: FBT001, FBT002
        dropout: float = 0.0,
        bidirectional: bool = False,  # noqa: FBT001, FBT002
        *,
        reset: Literal["after", "before"] = "after",
        dtype: npt.DTypeLike = np.float64,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.reset = _checks.choice("reset", reset, ("after", "before"))
        super().__init__(
            GatedRecurrentUnit() if self.reset == "after" else ResetBeforeProduct(),
            input_size,
            hidden_size,
            num_layers,
            bias=bias,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            dtype=dtype,
            generator=generator,
        )
