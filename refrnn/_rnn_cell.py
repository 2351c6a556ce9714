r"""`RNNCell`: one Elman step with torch.nn.RNNCell's face, for loops that the caller writes.

    trace = cell.forward(x, h)               h' = f(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh)
    gradients = cell.backward(trace, d_h)    of every parameter, x and h, from d_h = dL/dh'

    symbol      shape     meaning
    x           (B, I)    input of this step, or (I,) unbatched
    h, h'       (B, H)    hidden state before and after the step, or (H,)
    W_ih, W_hh  (H, I), (H, H)    `weight_ih`, `weight_hh`, torch's orientation
    b_ih, b_hh  (H,)      `bias_ih`, `bias_hh`

The formulas are those of `_elman.py`, which `RNN` runs too. Backpropagation through a loop of cells passes
`gradients.h` of one step to the step before, and adds up `gradients.parameters`.

Reference: https://docs.pytorch.org/docs/stable/generated/torch.nn.RNNCell.html
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from refrnn import _checks, _parameters
from refrnn._elman import ElmanCell
from refrnn._types import Array, Nonlinearity, Weights, read_only


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTrace:
    """What one step computed, and from what: all that its backward pass reads."""

    weights: Weights
    x: Array  # (B, I)
    h_before: Array  # (B, H)
    h_after: Array  # (B, H)
    batched: bool

    @property
    def h(self) -> Array:
        """The new hidden state (B, H), or (H,) unbatched, read-only."""
        return read_only(self.h_after if self.batched else self.h_after[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class CellGradients:
    """The gradients of a loss with respect to everything that took part in one step."""

    parameters: Mapping[str, Array]
    """By torch's names, in torch's order."""
    x: Array
    """dL/dx (B, I), or (I,) unbatched."""
    h: Array
    """dL/dh of the state before the step: (B, H), or (H,) unbatched."""


class RNNCell:
    """One step of an Elman RNN with torch.nn.RNNCell's arguments, parameter names and results.

    Parameters
    ----------
    input_size, hidden_size
        I and H, each at least 1.
    bias
        Whether there are `bias_ih` and `bias_hh`.
    nonlinearity
        "tanh" or "relu".
    dtype
        float32, float64 (the default) or long double.
    generator
        Draws the first parameters from ±1/√H, as torch does; unseeded by default.

    Raises
    ------
    TypeError, ValueError
        Where an argument isn't what is described here, with what to do about it.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> cell = RNNCell(3, 4, generator=rng)
    >>> trace = cell.forward(rng.standard_normal((5, 3)))  # B = 5, h = 0
    >>> trace.h.shape
    (5, 4)
    >>> gradients = cell.backward(trace, np.ones((5, 4)))
    >>> gradients.x.shape, gradients.parameters["weight_hh"].shape
    ((5, 3), (4, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,  # noqa: FBT001, FBT002
        nonlinearity: Nonlinearity = "tanh",
        *,
        dtype: npt.DTypeLike = np.float64,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.input_size = _checks.size("input_size", input_size)
        self.hidden_size = _checks.size("hidden_size", hidden_size)
        self.bias = _checks.flag("bias", bias)
        self.nonlinearity = _checks.choice("nonlinearity", nonlinearity, ("tanh", "relu"))
        self.dtype: np.dtype[Any] = _checks.float_dtype("dtype", dtype)
        self._cell = ElmanCell(cast("Nonlinearity", self.nonlinearity))
        bound = 1 / math.sqrt(self.hidden_size)
        self._parameters = _parameters.drawn(self._shapes(), bound, self.dtype, generator)

    @property
    def parameters(self) -> Mapping[str, Array]:
        """Every parameter by torch's name, read-only; `load_state_dict` replaces them."""
        return self._parameters

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters under torch's names, in torch's order."""
        return {name: array.copy() for name, array in self._parameters.items()}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Replace all parameters by copies of `state`; what is refused is what `RNN` refuses."""
        self._parameters = _parameters.loaded(state, self._shapes(), self.dtype)

    def __call__(self, x: npt.ArrayLike, h: npt.ArrayLike | None = None) -> Array:
        """Return the new hidden state as torch does; the arguments are those of `forward`."""
        return np.array(self.forward(x, h).h)

    def forward(self, x: npt.ArrayLike, h: npt.ArrayLike | None = None) -> CellTrace:
        """Make one step and return its trace.

        Parameters
        ----------
        x
            (B, I), or (I,) for one unbatched sample, of this cell's dtype. The trace refers to it:
            don't change it before `backward`.
        h
            (B, H), or (H,) unbatched; zeros by default. The trace copies it.

        Raises
        ------
        TypeError, ValueError
            Where an argument isn't what is described here, with what to do about it.
        """
        rows, batched = self._input(x)
        before = np.zeros((len(rows), self.hidden_size), self.dtype)
        if h is not None:
            before[...] = self._state("h", h, len(rows), batched=batched)
        p = self._parameters
        w = Weights(p["weight_ih"], p["weight_hh"], p.get("bias_ih"), p.get("bias_hh"))
        after = np.empty_like(before)
        self._cell.input_share(rows, w, after)
        self._cell.forward_step(after, before, w.hh.T, after)
        return CellTrace(weights=w, x=rows, h_before=before, h_after=after, batched=batched)

    def backward(self, trace: CellTrace, d_h: npt.ArrayLike) -> CellGradients:
        """Carry dL/dh' back through one step.

        Parameters
        ----------
        trace
            What `forward` returned, here or of a cell with parameters of the same names, shapes and dtype. The
            gradients are those at the parameters it was computed with.
        d_h
            dL/dh' in the shape of the new hidden state.

        Raises
        ------
        TypeError, ValueError
            Where `d_h` isn't what is described here, with what to do about it.
        """
        w = _checks.instance("trace", trace, CellTrace, "Pass what forward returned.").weights
        _parameters.refuse_foreign(_named(w), self._parameters)
        arriving = self._state("d_h", d_h, len(trace.x), batched=trace.batched)
        d_a, leaving = self._cell.slope(trace.h_after), np.empty_like(trace.h_after)
        self._cell.backward_step(arriving, d_a, w.hh, leaving)
        found = self._cell.parameter_gradients(d_a, trace.x, trace.h_before, w)
        d_x = self._cell.input_gradient(d_a, w)
        return CellGradients(
            parameters=_named(found),
            x=d_x if trace.batched else d_x[0],
            h=leaving if trace.batched else leaving[0],
        )

    def __repr__(self) -> str:
        """Show the constructor call."""
        return (
            f"RNNCell({self.input_size}, {self.hidden_size}, bias={self.bias}, "
            f"nonlinearity={self.nonlinearity!r}, dtype={str(self.dtype)!r})"
        )

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """Return every parameter's name and shape: those of a one-layer `RNN` without its suffix."""
        layer = _parameters.shapes(
            input_size=self.input_size,
            hidden_size=self.hidden_size,
            gates=self._cell.gates,
            layers=1,
            directions=1,
            bias=self.bias,
        )
        return {name.removesuffix("_l0"): shape for name, shape in layer.items()}

    def _input(self, x: npt.ArrayLike) -> tuple[Array, bool]:
        """Return x as (B, I), and whether it came as a batch."""
        given = _checks.as_array("x", x, self.dtype)
        if given.ndim == 1:
            return _checks.array("x", given, self.dtype, (self.input_size,))[np.newaxis], False
        return _checks.array("x", given, self.dtype, ("B", self.input_size)), True

    def _state(self, name: str, value: npt.ArrayLike, batch: int, *, batched: bool) -> Array:
        """Return h or dL/dh' as (B, H)."""
        if batched:
            return _checks.array(name, value, self.dtype, (batch, self.hidden_size))
        return _checks.array(name, value, self.dtype, (self.hidden_size,))[np.newaxis]


def _named(w: Weights) -> dict[str, Array]:
    """Return parameters or their gradients by torch's names, in torch's order."""
    named = zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), w, strict=True)
    return {name: array for name, array in named if array is not None}
