"""`RNN`: torch.nn.RNN's face over the stack, in its layouts, with nothing hidden in between.

    trace = rnn.forward(x, h_0)                        every hidden state
    gradients = rnn.backward(trace, d_output, d_h_n)   of every parameter, x, h_0, and every step

The object holds parameters and sizes only. What the forward pass computed is in the trace, and
the backward pass reads nothing else.
"""

import math
import warnings
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from refrnn import _checks, _parameters, _segments, _stack
from refrnn._elman import ElmanCell
from refrnn._layout import Layout
from refrnn._segments import DOutput, SegmentedGradients, SegmentedTrace
from refrnn._stack import Stack, StackTrace
from refrnn._trace import Gradients, Trace
from refrnn._types import Array, Nonlinearity


class RNN:
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
        self.input_size = _checks.size("input_size", input_size)
        self.hidden_size = _checks.size("hidden_size", hidden_size)
        self.num_layers = _checks.size("num_layers", num_layers)
        self.nonlinearity = _checks.choice("nonlinearity", nonlinearity, ("tanh", "relu"))
        self.bias = _checks.flag("bias", bias)
        self.batch_first = _checks.flag("batch_first", batch_first)
        self.dropout = _checks.probability("dropout", dropout)
        self.bidirectional = _checks.flag("bidirectional", bidirectional)
        self.dtype: np.dtype[Any] = _checks.float_dtype("dtype", dtype)
        if self.dropout > 0 and self.num_layers == 1:
            warnings.warn(
                "dropout acts between layers, so with num_layers=1 it does nothing; leave it out or add "
                "layers.",
                stacklevel=2,
            )
        self._cell = ElmanCell(cast("Nonlinearity", self.nonlinearity))
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
        h_0: npt.ArrayLike | None = None,
        *,
        lengths: npt.ArrayLike | None = None,
        dropout_masks: npt.ArrayLike | None = None,
        generator: np.random.Generator | None = None,
    ) -> tuple[Array, Array]:
        """Return `output, h_n` as torch does; the arguments are those of `forward`."""
        trace = self.forward(x, h_0, lengths=lengths, dropout_masks=dropout_masks, generator=generator)
        return np.array(trace.output), np.array(trace.h_n)

    def forward(
        self,
        x: npt.ArrayLike,
        h_0: npt.ArrayLike | None = None,
        *,
        lengths: npt.ArrayLike | None = None,
        dropout_masks: npt.ArrayLike | None = None,
        generator: np.random.Generator | None = None,
    ) -> Trace:
        """Run the network over a whole sequence and return the trace of every hidden state.

        Parameters
        ----------
        x
            (T, B, I), (B, T, I) with batch_first, or (T, I) for one unbatched sample, of this
            network's dtype, which plain Python numbers take on. The trace refers to it, as torch does: don't
            change it before `backward`.
        h_0
            (L·D, B, H), or (L·D, H) unbatched; zeros by default.
        lengths
            (B,) whole numbers from 1 to T in any order: steps beyond a sample's length are padding. They
            are never read, `output` is exactly 0 there, and h_n is each sample's own final state.
        dropout_masks
            (L-1, T, B, D·H) booleans, True where an output of a layer is kept.
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
            self._stack, x, self._state("h_0", h_0, layout, batch), lengths=lengths, masks=masks
        )
        return Trace(stack_trace=trace, layout=layout)

    def backward(
        self,
        trace: Trace,
        d_output: npt.ArrayLike | None = None,
        d_h_n: npt.ArrayLike | None = None,
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
            and at least one must be given. What `d_output` holds in padding is not read.
        truncation
            None for full BPTT, or k: hidden states are treated as constants after every k steps of a
            sample's scan, as if `h.detach()` had been called there. In reverse it starts at the sample's
            last step.

        Raises
        ------
        TypeError, ValueError
            Where an argument isn't what is described here, with what to do about it.
        """
        layout, inner = self._opened(trace)
        steps, batch, _ = inner.x.shape
        _refuse_no_gradient(d_output, d_h_n)
        width = self.directions * self.hidden_size
        if d_output is None:
            d_y = np.zeros((steps, batch, width), self.dtype)
        else:
            shape = layout.shape(steps, batch, width)
            d_y = layout.time_major(_checks.array("d_output", d_output, self.dtype, shape))
        if truncation is not None:
            truncation = _checks.size("truncation", truncation)
        found = _stack.backward(inner, d_y, self._state("d_h_n", d_h_n, layout, batch), truncation=truncation)
        return Gradients(trace=trace, stack_gradients=found)

    def forward_in_segments(
        self, x: npt.ArrayLike, h_0: npt.ArrayLike | None = None, *, steps: int | None = None
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
        >>> rng = np.random.default_rng(0)
        >>> rnn, x = RNN(3, 4, generator=rng), rng.standard_normal((10_000, 3))
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
        state = self._state("h_0", h_0, layout, x.shape[1])
        return _segments.forward(self._stack, layout, x, state, steps=steps)

    def backward_in_segments(
        self,
        trace: SegmentedTrace,
        d_output: DOutput | None = None,
        d_h_n: npt.ArrayLike | None = None,
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
            dL/dh_n in the shape of `h_n`. At least one of the two must be given.
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
        carry = self._state("d_h_n", d_h_n, trace.layout, trace.x.shape[1])
        return _segments.backward(trace, d_output, carry, input_gradient=input_gradient)

    def __repr__(self) -> str:
        """Show the constructor call."""
        return (
            f"RNN({self.input_size}, {self.hidden_size}, num_layers={self.num_layers}, "
            f"nonlinearity={self.nonlinearity!r}, bias={self.bias}, batch_first={self.batch_first}, "
            f"dropout={self.dropout}, bidirectional={self.bidirectional}, dtype={str(self.dtype)!r})"
        )

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return _parameters.shapes(
            input_size=self.input_size,
            hidden_size=self.hidden_size,
            gates=self._cell.gates,
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

    def _state(self, name: str, value: npt.ArrayLike | None, layout: Layout, batch: int) -> Array:
        """Return h_0 or dL/dh_n as (L·D, B, H), zeros for None."""
        count = self.num_layers * self.directions
        if value is None:
            return np.zeros((count, batch, self.hidden_size), self.dtype)
        shape = layout.state_shape(count, batch, self.hidden_size)
        return layout.batched_state(_checks.array(name, value, self.dtype, shape))

    def _masks(
        self,
        steps: int,
        batch: int,
        masks: npt.ArrayLike | None,
        generator: np.random.Generator | None,
    ) -> np.ndarray[Any, Any] | None:
        """Return the dropout masks of this call (L-1, T, B, D·H), or None without dropout."""
        shape = (self.num_layers - 1, steps, batch, self.directions * self.hidden_size)
        if masks is None:
            generator = _checks.generator(generator)
            if generator is None or self.dropout == 0 or self.num_layers == 1:
                return None
            return generator.random(shape) >= self.dropout
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
    if d_output is None and d_h_n is None:
        message = "backward needs d_output, d_h_n or both; got neither. Pass the gradient of the loss."
        raise ValueError(message)
