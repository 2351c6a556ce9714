r"""`RNNCell`, `LSTMCell` and `GRUCell`: one step with the faces of torch.nn, for loops that the caller writes.

    trace = cell.forward(x, h)               the new state h', from x and the state before
    gradients = cell.backward(trace, d_h)    of every parameter, x and h, from d_h = dL/dh'

    symbol      shape                   meaning
    x           (B, I)                  input of this step, or (I,) unbatched
    h, h'       (B, H)                  state before and after the step, or (H,)
    W_ih, W_hh  (rows, I), (rows, H)    `weight_ih`, `weight_hh`, torch's orientation
    b_ih, b_hh  (rows,)                 `bias_ih`, `bias_hh`; rows are H, in a GRU 3H, in an LSTM 4H

The state of an LSTM is the pair (h, c). A step is a scan of one step over the cell that the whole networks run too.
Backpropagation through a loop of cells passes `gradients.h` (and `gradients.c`) of one step to the step before, and
adds up `gradients.parameters`.

References: https://docs.pytorch.org/docs/stable/generated/torch.nn.RNNCell.html and the pages of LSTMCell and GRUCell
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast

import numpy as np
import numpy.typing as npt

from refrnn import _checks, _parameters, _scan
from refrnn._cell import Arrays, Cell
from refrnn._elman import ElmanCell
from refrnn._gru import GatedRecurrentUnit
from refrnn._gru_reset_before import ResetBeforeProduct
from refrnn._lstm import LongShortTermMemory
from refrnn._packing import blocks
from refrnn._rnn import Pair
from refrnn._scan import Scan, ScanGradients, stacked
from refrnn._trace import carried, quantity
from refrnn._types import PARAMETERS, Array, Nonlinearity, Weights, read_only

Given = TypeVar("Given")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTrace:
    """What one step computed, and from what: all that its backward pass reads."""

    cell: Cell
    weights: Weights
    x: Array  # (B, I)
    scan: Scan  # of one step
    batched: bool

    @property
    def h(self) -> Array:
        """The new hidden state (B, H), or (H,) unbatched, read-only."""
        return self.quantity("h")

    @property
    def c(self) -> Array:
        """The new cell state of an LSTM (B, H), or (H,) unbatched, read-only."""
        return self.quantity("c")

    def quantity(self, name: str) -> Array:
        """Return one quantity of the step by its letter in the formulas of the cell, as `Trace.quantity` does.

        Raises
        ------
        ValueError
            If a step of this cell has no quantity of that name.
        """
        return self.restored(quantity(self.cell, self.scan, name)[0])

    def restored(self, rows: Array) -> Array:
        """Return rows (B, ·) as the caller has them, read-only."""
        return read_only(rows if self.batched else rows[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class CellGradients:
    """The gradients of a loss with respect to everything that took part in one step; arrays of it are read-only."""

    trace: CellTrace
    scan: ScanGradients
    parameters: Mapping[str, Array]
    """By torch's names, in torch's order."""
    x: Array
    """dL/dx (B, I), or (I,) unbatched."""

    @property
    def h(self) -> Array:
        """dL/dh of the state before the step: (B, H), or (H,) unbatched."""
        return self._before("h")

    @property
    def c(self) -> Array:
        """dL/dc of an LSTM's state before the step: (B, H), or (H,) unbatched."""
        return self._before("c")

    @property
    def d_c(self) -> Array:
        """All that reaches the new c of an LSTM, through the new h too: (B, H), or (H,) unbatched."""
        return self.trace.restored(carried(self.trace.cell, "c", self.scan.back)[0])

    @property
    def d_a(self) -> Array:
        """dL/da of the pre-activations, a column for each row of W_ih: (B, rows), or (rows,) unbatched."""
        return self._delta("ih")

    @property
    def d_recurrent(self) -> Array:
        """The gradient of h W_hhᵀ + b_hh, which is dL/da but in a GRU: (B, rows), or (rows,) unbatched."""
        return self._delta("hh")

    def _before(self, name: str) -> Array:
        return self.trace.restored(carried(self.trace.cell, name, self.scan.initial))

    def _delta(self, field: Literal["ih", "hh"]) -> Array:
        trace = self.trace
        factors = trace.cell.factors(
            trace.x[np.newaxis], trace.scan.previous, trace.scan.kept, self.scan.back
        )
        pairs = factors.ih if field == "ih" else factors.hh
        return trace.restored(stacked([left for left, _ in pairs], axis=-1)[0])


class SingleStep(Generic[Given, Found]):
    """What `RNNCell`, `LSTMCell` and `GRUCell` have in common: all but the cell and the arguments of constructors.

    `Given` is how a state is handed in, `Found` how it comes out: as an array, or as an LSTM's pair.
    """

    _arguments: ClassVar[tuple[str, ...]] = ("input_size", "hidden_size", "bias")
    """Of the constructor, in torch's order; each is an attribute too."""

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        *,
        bias: bool,
        dtype: npt.DTypeLike,
        generator: np.random.Generator | None,
    ) -> None:
        self.input_size = _checks.size("input_size", input_size)
        self.hidden_size = _checks.size("hidden_size", hidden_size)
        self.bias = _checks.flag("bias", bias, self._arguments)
        self.dtype: np.dtype[Any] = _checks.float_dtype("dtype", dtype)
        self._cell = cell
        bound = 1 / math.sqrt(self.hidden_size)
        self._replace(_parameters.drawn(self._shapes(), bound, self.dtype, generator))

    @property
    def parameters(self) -> Mapping[str, Array]:
        """Every parameter by torch's name, read-only; `load_state_dict` replaces them."""
        return self._parameters

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters under torch's names, in torch's order."""
        return {name: array.copy() for name, array in self._parameters.items()}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Replace all parameters by copies of `state`; what is refused is what `RNN` refuses."""
        self._replace(_parameters.loaded(state, self._shapes(), self.dtype))

    def __call__(self, x: npt.ArrayLike, h: Given | None = None) -> Found:
        """Return the new state as torch does, of an LSTM (h', c'); the arguments are those of `forward`."""
        trace = self.forward(x, h)
        found = tuple(np.array(trace.quantity(name)) for name in self._cell.carried)
        return cast("Found", found[0] if len(found) == 1 else found)

    def forward(self, x: npt.ArrayLike, h: Given | None = None) -> CellTrace:
        """Make one step and return its trace.

        Parameters
        ----------
        x
            (B, I), or (I,) for one unbatched sample, of this cell's dtype. The trace refers to it:
            don't change it before `backward`.
        h
            (B, H), or (H,) unbatched; zeros by default. Of an LSTM the pair (h, c), of which either may be None. The
            trace copies it.

        Raises
        ------
        TypeError, ValueError
            Where an argument isn't what is described here, with what to do about it.
        """
        rows, batched = self._input(x)
        before = self._states("{}", h, len(rows), batched=batched)
        w = _parameters.gathered(self._parameters, "")
        scan = _scan.forward(
            self._cell, self._cell.prepared(w), rows[np.newaxis], before, blocks(1, None), reverse=False
        )
        return CellTrace(cell=self._cell, weights=w, x=rows, scan=scan, batched=batched)

    def backward(self, trace: CellTrace, d_h: Given) -> CellGradients:
        """Carry dL/dh' back through one step.

        Parameters
        ----------
        trace
            What `forward` returned, here or of a cell with parameters of the same names, shapes and dtype. The
            gradients are those at the parameters it was computed with.
        d_h
            dL/dh' in the shape of the new hidden state. Of an LSTM the pair (dL/dh', dL/dc'), of which one may be None.

        Raises
        ------
        TypeError, ValueError
            Where `d_h` isn't what is described here, with what to do about it.
        """
        w = _checks.instance("trace", trace, CellTrace, "Pass what forward returned.").weights
        _parameters.refuse_foreign(_named(w), self._parameters)
        d_states = self._states("d_{}", d_h, len(trace.x), batched=trace.batched)
        cell, prepared, step = trace.cell, trace.cell.prepared(w), blocks(1, None)
        d_output = np.zeros((1, *d_states[0].shape), self.dtype)
        back = _scan.backward(cell, prepared, trace.scan, d_output, d_states, step, detached=None)
        found, d_x = _scan.products(cell, prepared, trace.x[np.newaxis], trace.scan, back.back, step, None)
        return CellGradients(
            trace=trace, scan=back, parameters=_named(found), x=d_x[0] if trace.batched else d_x[0, 0]
        )

    def __repr__(self) -> str:
        """Show the constructor call."""
        options = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._arguments[2:])
        sizes = f"{self.input_size}, {self.hidden_size}"
        return f"{type(self).__name__}({sizes}, {options}, dtype={str(self.dtype)!r})"

    def _replace(self, parameters: Mapping[str, Array]) -> None:
        """Take on a whole set of parameters."""
        self._parameters = parameters

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """Return every parameter's name and shape: those of a one-layer network without its suffix."""
        layer = _parameters.shapes(
            self._cell,
            input_size=self.input_size,
            hidden_size=self.hidden_size,
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

    def _states(self, word: str, value: Given | None, batch: int, *, batched: bool) -> Arrays:
        """Return states or their gradients, (B, H) for each carried vector, zeros for None.

        `word` makes the name of an argument from that of the vector.
        """
        names, found = [word.format(letter) for letter in self._cell.carried], list[Array]()
        for name, given in zip(names, _checks.parts(names, value), strict=True):
            if given is None:
                found.append(np.zeros((batch, self.hidden_size), self.dtype))
            elif batched:
                found.append(_checks.array(name, given, self.dtype, (batch, self.hidden_size)))
            else:
                found.append(_checks.array(name, given, self.dtype, (self.hidden_size,))[np.newaxis])
        return tuple(found)


class RNNCell(SingleStep[npt.ArrayLike, Array]):
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

    _arguments: ClassVar[tuple[str, ...]] = ("input_size", "hidden_size", "bias", "nonlinearity")

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
        self.nonlinearity = cast(
            "Nonlinearity", _checks.choice("nonlinearity", nonlinearity, ("tanh", "relu"))
        )
        cell = ElmanCell(self.nonlinearity)
        super().__init__(cell, input_size, hidden_size, bias=bias, dtype=dtype, generator=generator)


class LSTMCell(SingleStep[Pair, tuple[Array, Array]]):
    """One step of an LSTM with torch.nn.LSTMCell's arguments, parameter names, order of gates and results.

    Its state is the pair (h, c): that is what `forward` takes and a call returns, and d_h of `backward` is the pair of
    dL/dh' and dL/dc'.

    Parameters
    ----------
    input_size, hidden_size, bias, dtype, generator
        As `RNNCell` takes them.

    Raises
    ------
    TypeError, ValueError
        Where an argument isn't what is described here, with what to do about it.

    Examples
    --------
    >>> import numpy as np
    >>> cell = LSTMCell(3, 4, generator=np.random.default_rng(0))
    >>> trace = cell.forward(np.ones((5, 3)))  # B = 5, h = c = 0
    >>> trace.c.shape, trace.quantity("f").shape
    ((5, 4), (5, 4))
    >>> gradients = cell.backward(trace, (np.ones((5, 4)), None))
    >>> gradients.c.shape, gradients.parameters["weight_hh"].shape
    ((5, 4), (16, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,  # noqa: FBT001, FBT002
        *,
        dtype: npt.DTypeLike = np.float64,
        generator: np.random.Generator | None = None,
    ) -> None:
        cell = LongShortTermMemory()
        super().__init__(cell, input_size, hidden_size, bias=bias, dtype=dtype, generator=generator)


class GRUCell(SingleStep[npt.ArrayLike, Array]):
    """One step of a GRU with torch.nn.GRUCell's arguments, parameter names, order of gates and results.

    Parameters
    ----------
    input_size, hidden_size, bias, dtype, generator
        As `RNNCell` takes them.
    reset
        As `GRU` takes it.

    Raises
    ------
    TypeError, ValueError
        Where an argument isn't what is described here, with what to do about it.

    Examples
    --------
    >>> import numpy as np
    >>> cell = GRUCell(3, 4, generator=np.random.default_rng(0))
    >>> trace = cell.forward(np.ones((5, 3)))  # B = 5, h = 0
    >>> trace.h.shape, trace.quantity("z").shape
    ((5, 4), (5, 4))
    >>> cell.backward(trace, np.ones((5, 4))).d_recurrent.shape
    (5, 12)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,  # noqa: FBT001, FBT002
        *,
        reset: Literal["after", "before"] = "after",
        dtype: npt.DTypeLike = np.float64,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.reset = _checks.choice("reset", reset, ("after", "before"))
        cell = GatedRecurrentUnit() if self.reset == "after" else ResetBeforeProduct()
        super().__init__(cell, input_size, hidden_size, bias=bias, dtype=dtype, generator=generator)


def _named(w: Weights) -> dict[str, Array]:
    """Return parameters or their gradients by torch's names, in torch's order."""
    return {name: array for name, array in zip(PARAMETERS, w, strict=True) if array is not None}
