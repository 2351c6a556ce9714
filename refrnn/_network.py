"""`Network`: torch's face of a recurrent network over the stack, in its layouts, with nothing hidden in between.

    trace = rnn.forward(x, h_0)                        every state of every step
    gradients = rnn.backward(trace, d_output, d_h_n)   of every parameter, x, h_0, and every step

The object holds parameters and sizes only. What the forward pass computed is in the trace, and the backward pass reads
nothing else. `RNN`, `LSTM` and `GRU` (`_rnn.py`) differ by their cell and their arguments alone.

An LSTM's state is a pair. Where others take and give h_0, h_n and dL/dh_n, it takes and gives (h_0, c_0), (h_n, c_n)
and (dL/dh_n, dL/dc_n).
"""

import math
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar, cast

import numpy as np
import numpy.typing as npt

from refrnn import _checks, _parameters, _segments, _stack
from refrnn._cell import Arrays, Cell
from refrnn._layout import Layout
from refrnn._segments import DOutput, SegmentedGradients, SegmentedTrace
from refrnn._stack import Stack, StackTrace
from refrnn._trace import Gradients, Trace
from refrnn._types import Array

Given = TypeVar("Given")
"""How a state is handed in: an array, or an LSTM's pair of arrays."""
Found = TypeVar("Found")
"""How it comes out."""


class Network(Generic[Given, Found]):
    """What `RNN`, `LSTM` and `GRU` have in common: all but the cell and the arguments of their constructors."""

    _arguments: ClassVar[tuple[str, ...]]
    """Of the constructor, in torch's order; each is an attribute too."""

    output_size: int
    """Features of `output` at each step: D·H, or D·P in an LSTM with projections."""

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        *,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        dtype: npt.DTypeLike,
        generator: np.random.Generator | None,
    ) -> None:
        self.input_size = _checks.size("input_size", input_size)
        self.hidden_size = _checks.size("hidden_size", hidden_size)
        self.num_layers = _checks.size("num_layers", num_layers)
        self.bias = _checks.flag("bias", bias, self._arguments)
        self.batch_first = _checks.flag("batch_first", batch_first, self._arguments)
        self.dropout = _checks.probability("dropout", dropout)
        self.bidirectional = _checks.flag("bidirectional", bidirectional, self._arguments)
        self.dtype: np.dtype[Any] = _checks.float_dtype("dtype", dtype)
        if self.dropout > 0 and self.num_layers == 1:
            warnings.warn(
                "dropout acts between layers, so with num_layers=1 it does nothing; leave it out or add "
                "layers.",
                stacklevel=3,
            )
        self._cell = cell
        self._widths = cell.widths(self.hidden_size)
        self._initial, self._final = (
            [word.format(name) for name in cell.carried] for word in ("{}_0", "d_{}_n")
        )
        self.output_size = self.directions * self._widths[0]
        bound = 1 / math.sqrt(self.hidden_size)
        self._replace(_parameters.drawn(self._shapes(), bound, self.dtype, generator))

    @property
    def directions(self) -> int:
        """D: 2 when bidirectional, otherwise 1."""
        return 2 if self.bidirectional else 1

    @property
    def parameters(self) -> Mapping[str, Array]:
        """Every parameter by torch's name, read-only; `load_state_dict` replaces them."""
        return self._parameters

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters under torch's names, in torch's order."""
        return {name: array.copy() for name, array in self._parameters.items()}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Replace all parameters by copies of `state`: arrays, lists or a torch state dict.

        Raises
        ------
        ValueError
            If names are missing or unknown, or a shape isn't exactly the parameter's.
        TypeError
            If a value isn't real, or can't be held in this network's dtype without losing digits. Plain
            Python floats take that dtype on.
        """
        self._replace(_parameters.loaded(state, self._shapes(), self.dtype))

    def __call__(
        self,
        x: npt.ArrayLike,
        h_0: Given | None = None,
        *,
        lengths: npt.ArrayLike | None = None,
        dropout_masks: npt.ArrayLike | None = None,
        generator: np.random.Generator | None = None,
    ) -> tuple[Array, Found]:
        """Return `output, h_n` as torch does, an LSTM `output, (h_n, c_n)`; the arguments are those of `forward`."""
        trace = self.forward(x, h_0, lengths=lengths, dropout_masks=dropout_masks, generator=generator)
        final = tuple(trace.layout.restored_state(state) for state in trace.stack_trace.finals())
        return np.array(trace.output), cast("Found", final[0] if len(final) == 1 else final)

    def forward(
        self,
        x: npt.ArrayLike,
        h_0: Given | None = None,
        *,
        lengths: npt.ArrayLike | None = None,
        dropout_masks: npt.ArrayLike | None = None,
        generator: np.random.Generator | None = None,
    ) -> Trace:
        """Run the network over a whole sequence and return the trace of every step.

        Parameters
        ----------
        x
            (T, B, I), (B, T, I) with batch_first, or (T, I) for one unbatched sample, of this
            network's dtype, which plain Python numbers take on. The trace refers to it, as torch does: don't
            change it before `backward`.
        h_0
            (L·D, B, H), or (L·D, H) unbatched; zeros by default. Of an LSTM the pair (h_0, c_0), of which either may
            be None; h_0 is (L·D, B, P) with projections.
        lengths
            (B,) whole numbers from 1 to T in any order: steps beyond a sample's length are padding. They
            are never read, `output` is exactly 0 there, and h_n is each sample's own final state.
        dropout_masks
            (L-1, T, B, D·H) booleans (D·P with projections), True where an output of a layer is kept.
        generator
            Draws these masks, in the order of the layers, where they aren't given.

        Raises
        ------
        TypeError, ValueError
            Where an argument isn't what is described here, with what to do about it.
        """
        layout, x = self._sequence(x)
        steps, batch, _ = x.shape
        if lengths is not None:
            layout.refuse_lengths()
            lengths = _checks.lengths(lengths, steps, batch)
        masks = self._masks(steps, batch, dropout_masks, generator)
        trace = _stack.forward(
            self._stack, x, self._states(self._initial, h_0, layout, batch), lengths=lengths, masks=masks
        )
        return Trace(stack_trace=trace, layout=layout)

    def backward(
        self,
        trace: Trace,
        d_output: npt.ArrayLike | None = None,
        d_h_n: Given | None = None,
        *,
        truncation: int | None = None,
    ) -> Gradients:
        """Carry gradients of a loss back through `trace` (BPTT).

        Parameters
        ----------
        trace
            What `forward` returned, here or of a network with parameters of the same names, shapes and
            dtype. The gradients are those at the parameters it was computed with.
        d_output, d_h_n
            dL/doutput and dL/dh_n in the shapes of `output` and `h_n`; None stands for zeros,
            and at least one must be given. Of an LSTM `d_h_n` is the pair (dL/dh_n, dL/dc_n), of which either may
            be None. What `d_output` holds in padding is not read.
        truncation
            None for full BPTT, or k: states are treated as constants after every k steps of a
            sample's scan, as if `h.detach()` (and `c.detach()`) had been called there. In reverse it starts
            at the sample's last step.

        Raises
        ------
        TypeError, ValueError
            Where an argument isn't what is described here, with what to do about it.
        """
        layout, inner = self._opened(trace)
        steps, batch, _ = inner.x.shape
        _refuse_no_gradient(d_output, d_h_n)
        if d_output is None:
            d_y = np.zeros((steps, batch, self.output_size), self.dtype)
        else:
            shape = layout.shape(steps, batch, self.output_size)
            d_y = layout.time_major(_checks.array("d_output", d_output, self.dtype, shape))
        if truncation is not None:
            truncation = _checks.size("truncation", truncation)
        d_final = self._states(self._final, d_h_n, layout, batch)
        found = _stack.backward(inner, d_y, d_final, truncation=truncation)
        return Gradients(trace=trace, stack_gradients=found)

    def forward_in_segments(
        self, x: npt.ArrayLike, h_0: Given | None = None, *, steps: int | None = None
    ) -> SegmentedTrace:
        """Run the network over a whole sequence and keep the states at the start of every segment only.

        Parameters
        ----------
        x, h_0
            As `forward` takes them.
        steps
            Of a segment, a multiple of 256; by default the one next to √T, so that memory grows with √T.

        Raises
        ------
        TypeError, ValueError
            Where an argument isn't what is described here, or the network is bidirectional.

        Examples
        --------
        >>> import numpy as np
        >>> import refrnn
        >>> rng = np.random.default_rng(0)
        >>> rnn, x = refrnn.RNN(3, 4, generator=rng), rng.standard_normal((10_000, 3))
        >>> trace = rnn.forward_in_segments(x)
        >>> trace.steps, len(trace.starts), trace.nbytes
        (256, 40, 1312)
        >>> gradients = rnn.backward_in_segments(trace, d_h_n=np.ones((1, 4)))
        >>> gradients.parameters["weight_hh_l0"].shape
        (4, 4)
        """
        if self.bidirectional:
            message = (
                "Segments run from the first to the last, and a reverse direction would need the last one first; "
                "got a bidirectional network. Use forward."
            )
            raise ValueError(message)
        layout, x = self._sequence(x)
        initial = self._states(self._initial, h_0, layout, x.shape[1])
        return _segments.forward(self._stack, layout, x, initial, steps=steps)

    def backward_in_segments(
        self,
        trace: SegmentedTrace,
        d_output: DOutput | None = None,
        d_h_n: Given | None = None,
        *,
        input_gradient: bool = False,
    ) -> SegmentedGradients:
        """Carry gradients of a loss back through `trace`, with the bits of `backward`, in little memory.

        Parameters
        ----------
        trace
            What `forward_in_segments` returned.
        d_output
            dL/doutput in the shape of `output`; or a function `(first step, output of a segment) -> dL/doutput of
            it`, which is called for every segment, so that nothing of the sequence's length need be held.
        d_h_n
            dL/dh_n in the shape of `h_n`, of an LSTM the pair. At least one of the two must be given.
        input_gradient
            Whether dL/dx, as large as x, is wanted.

        Raises
        ------
        TypeError, ValueError
            Where an argument isn't what is described here, with what to do about it.
        """
        trace = _checks.instance("trace", trace, SegmentedTrace, "Pass what forward_in_segments returned.")
        _parameters.refuse_foreign(trace.stack.parameters, self._parameters)
        _refuse_no_gradient(d_output, d_h_n)
        d_final = self._states(self._final, d_h_n, trace.layout, trace.x.shape[1])
        return _segments.backward(trace, d_output, d_final, input_gradient=input_gradient)

    def __repr__(self) -> str:
        """Show the constructor call."""
        options = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._arguments[2:])
        sizes = f"{self.input_size}, {self.hidden_size}"
        return f"{type(self).__name__}({sizes}, {options}, dtype={str(self.dtype)!r})"

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return _parameters.shapes(
            self._cell,
            input_size=self.input_size,
            hidden_size=self.hidden_size,
            layers=self.num_layers,
            directions=self.directions,
            bias=self.bias,
        )

    def _replace(self, parameters: Mapping[str, Array]) -> None:
        """Take on a whole set of parameters."""
        self._parameters = parameters
        self._stack = Stack.of(self._cell, parameters, self.num_layers, self.directions, self.dropout)

    def _opened(self, trace: Trace) -> tuple[Layout, StackTrace]:
        """Return what a trace holds, refusing that of a network of another kind."""
        inner = _checks.instance("trace", trace, Trace, "Pass what forward returned.").stack_trace
        _parameters.refuse_foreign(inner.stack.parameters, self._parameters)
        return trace.layout, inner

    def _sequence(self, x: npt.ArrayLike) -> tuple[Layout, Array]:
        """Return the layout of x, and x itself as (T, B, I)."""
        given = _checks.as_array("x", x, self.dtype)
        layout = Layout.of(given, batch_first=self.batch_first)
        shape = layout.shape("T", "B", self.input_size)
        return layout, layout.time_major(_checks.array("x", given, self.dtype, shape))

    def _states(self, names: list[str], value: Given | None, layout: Layout, batch: int) -> Arrays:
        """Return initial states or gradients of final ones, (L·D, B, ·) for each carried vector, zeros for None."""
        count, found = self.num_layers * self.directions, list[Array]()
        for name, given, width in zip(names, _checks.parts(names, value), self._widths, strict=True):
            if given is None:
                found.append(np.zeros((count, batch, width), self.dtype))
            else:
                shape = layout.state_shape(count, batch, width)
                found.append(layout.batched_state(_checks.array(name, given, self.dtype, shape)))
        return tuple(found)

    def _masks(
        self,
        steps: int,
        batch: int,
        masks: npt.ArrayLike | None,
        generator: np.random.Generator | None,
    ) -> np.ndarray[Any, Any] | None:
        """Return the dropout masks of this call (L-1, T, B, D·P), or None without dropout."""
        if masks is None and generator is None:
            return None
        shape = (self.num_layers - 1, steps, batch, self.output_size)
        if masks is None:
            _checks.generator(generator)
            if self.dropout == 0 or self.num_layers == 1:
                return None
            return cast("np.random.Generator", generator).random(shape) >= self.dropout
        if self.dropout == 0 or generator is not None:
            message = (
                f"dropout_masks replace the generator of a network with dropout; got dropout={self.dropout} "
                f"and generator={generator!r}. Set dropout to the probability the masks were drawn with, "
                "and pass no generator."
            )
            raise ValueError(message)
        given = _checks.natural("dropout_masks", masks, "booleans")
        if given.dtype != np.bool_ or given.shape != shape:
            message = (
                f"dropout_masks must be booleans (L-1, T, B, D*H) = {shape}, True where a value is kept; got "
                f"{given.dtype} {given.shape}. Compare torch's mask with 0 to get one."
            )
            raise ValueError(message)
        return given.copy()


def _refuse_no_gradient(d_output: object, d_h_n: object) -> None:
    if d_output is not None:
        return
    if d_h_n is None or (
        _checks.is_pair(d_h_n) and all(part is None for part in cast("list[object]", d_h_n))
    ):
        message = "backward needs d_output, d_h_n or both; got neither. Pass the gradient of the loss."
        raise ValueError(message)
