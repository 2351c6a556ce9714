r"""`SequenceModel`: a recurrent network, a head and a loss, put together so that they predict and train.

    output = "every"    y_t = head(output_t)       (T, B, O), (B, T, O) or (T, O): the layout of x
    output = "last"     y = head(h_n, top layer)   (B, O) or (O,)

"last" reads each direction's own final state in the top layer, both side by side when bidirectional: the
forward state after a sample's last step and the reverse state after its first, each of which has
seen the whole sequence. (The last row of `output` is something else there: its reverse half has seen
one step, and with lengths it is padding.)

With lengths, "every" hands the loss only the steps that samples have, (Σ lengths, O) in the order of
the layout, so that a mean is a mean over real steps; predictions in padding are 0.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

import numpy as np
import numpy.typing as npt

from refrnn import _checks, _parameters
from refrnn._linear import Linear
from refrnn._losses import squared_error
from refrnn._network import Network
from refrnn._rnn import LSTM, Pair
from refrnn._sgd import sgd
from refrnn._trace import Trace
from refrnn._types import Array


class Loss(Protocol):
    """Anything that takes predictions and targets and returns `(loss, dL/dy)`."""

    def __call__(self, y: Array, target: Any, /) -> tuple[np.floating[Any], Array]:  # noqa: ANN401
        """Return the loss and its gradient in the shape of y."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LossGradients:
    """One loss, the prediction it was taken of, and its gradients."""

    loss: np.floating[Any]
    prediction: Array
    """As `predict` returns it, but with the dropout of this call."""
    parameters: Mapping[str, Array]
    """By name, `rnn.…` and `head.…`, frozen ones included."""
    x: Array
    h_0: Array | tuple[Array, Array]
    """dL/dh_0; of an LSTM (dL/dh_0, dL/dc_0)."""


class SequenceModel:
    """An RNN, LSTM or GRU with a linear head and a loss, which trains by gradient descent.

    Parameters
    ----------
    rnn, head
        Both of one dtype; the head reads D·H features (D·P with projections). Training replaces their parameters.
    output
        "last": one prediction a sequence; "every": one a step.
    loss
        `squared_error` (its mean, by default), `cross_entropy`, or any function of (y, target) that returns
        (loss, dL/dy). Use functools.partial for another reduction.
    frozen
        Names of parameters that training leaves as they are. A network with one bias is one whose
        "rnn.bias_hh_l0" is zero and frozen.

    Raises
    ------
    TypeError, ValueError
        Where an argument isn't what is described here, with what to do about it.

    Examples
    --------
    >>> import numpy as np
    >>> from refrnn import RNN
    >>> rng = np.random.default_rng(0)
    >>> model = SequenceModel(RNN(2, 3, generator=rng), Linear(3, 1, generator=rng))
    >>> x, target = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [1.0]
    >>> losses = model.train([(x, target)], epochs=50, learning_rate=0.1)
    >>> bool(losses[-1] < 1e-6 < losses[0])
    True
    """

    def __init__(
        self,
        rnn: Network[Any, Any],
        head: Linear,
        *,
        output: Literal["last", "every"] = "last",
        loss: Loss = squared_error,
        frozen: Collection[str] = (),
    ) -> None:
        kind = cast("type[Network[Any, Any]]", Network)
        self.rnn = _checks.instance("rnn", rnn, kind, "Pass RNN(input_size, hidden_size), or an LSTM or GRU.")
        self.head = _checks.instance("head", head, Linear, "Pass Linear(D*H, outputs).")
        self.loss = _checks.function("loss", loss, "Pass squared_error, or a function of (y, target).")
        self.output = _checks.choice("output", output, ("last", "every"))
        width = self.rnn.output_size
        if head.in_features != width or head.dtype != rnn.dtype:
            message = (
                f"The head must read D*H = {width} features in {rnn.dtype}; got {head!r}. Build it as "
                f"Linear({width}, {head.out_features}, dtype='{rnn.dtype}')."
            )
            raise ValueError(message)
        self.frozen = self._known(frozen)

    @property
    def parameters(self) -> Mapping[str, Array]:
        """Every parameter, read-only, its name prefixed with "rnn." or "head."."""
        parts = {"rnn": self.rnn.parameters, "head": self.head.parameters}
        return _prefixed(parts)

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters."""
        return {name: array.copy() for name, array in self.parameters.items()}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Replace all parameters, frozen ones too, by copies of `state`, or none if one is refused."""
        shapes = {name: array.shape for name, array in self.parameters.items()}
        accepted = _parameters.loaded(state, shapes, self.rnn.dtype)
        for prefix, part in (("rnn.", self.rnn), ("head.", self.head)):
            mine = {name: array for name, array in accepted.items() if name.startswith(prefix)}
            part.load_state_dict({name.removeprefix(prefix): array for name, array in mine.items()})

    def predict(
        self,
        x: npt.ArrayLike,
        h_0: npt.ArrayLike | Pair | None = None,
        *,
        lengths: npt.ArrayLike | None = None,
    ) -> Array:
        """Return the head's outputs, without dropout; the arguments are those of `RNN.forward`.

        Raises
        ------
        TypeError, ValueError
            Where an argument isn't what `RNN.forward` takes.
        """
        trace = self.rnn.forward(x, h_0, lengths=lengths)
        real = self._real_steps(trace)
        return _spread(self.head(self._read(trace, real)), real)

    def gradients(
        self,
        x: npt.ArrayLike,
        target: npt.ArrayLike,
        h_0: npt.ArrayLike | Pair | None = None,
        *,
        lengths: npt.ArrayLike | None = None,
        generator: np.random.Generator | None = None,
        truncation: int | None = None,
    ) -> LossGradients:
        """Return the loss of one sequence or batch, and its gradients.

        Parameters
        ----------
        x, h_0, lengths
            As `RNN.forward` takes them.
        target
            What the loss takes: for squared errors in the shape of the prediction, for class ids without
            its last axis. With "every" and lengths it covers the padding too, where it isn't read.
        generator
            Draws dropout masks, where the RNN has dropout.
        truncation
            As `RNN.backward` takes it.

        Raises
        ------
        TypeError, ValueError
            Where an argument isn't what is described here, with what to do about it.
        """
        trace = self.rnn.forward(x, h_0, lengths=lengths, generator=generator)
        real = self._real_steps(trace)
        read = self.head.forward(self._read(trace, real))
        loss, d_y = self._lost(read.y, target if real is None else _selected(target, real))
        head = self.head.backward(read, d_y)
        if self.output == "every":
            rnn = self.rnn.backward(trace, _spread(head.x, real), truncation=truncation)
        else:
            rnn = self.rnn.backward(trace, d_h_n=self._d_h_n(trace, head.x), truncation=truncation)
        return LossGradients(
            loss=loss,
            prediction=_spread(read.y, real),
            parameters=_prefixed({"rnn": rnn.parameters, "head": head.parameters}),
            x=rnn.x,
            h_0=(rnn.h_0, rnn.c_0) if isinstance(self.rnn, LSTM) else rnn.h_0,
        )

    def descend(
        self,
        gradients: LossGradients,
        learning_rate: float,
        *,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        """Move all parameters that aren't frozen one step down their gradients; see `sgd`.

        Raises
        ------
        TypeError, ValueError
            Where `sgd` refuses an argument; nothing has changed then.
        """
        _checks.instance("gradients", gradients, LossGradients, "Pass what gradients() returned.")
        before = self.parameters
        free = {name: array for name, array in before.items() if name not in self.frozen}
        found = {name: gradients.parameters[name] for name in free}
        moved = sgd(free, found, learning_rate, clip_value=clip_value, clip_norm=clip_norm)
        self.load_state_dict({**before, **moved})

    def train(
        self,
        samples: Iterable[tuple[npt.ArrayLike, npt.ArrayLike]],
        *,
        epochs: int,
        learning_rate: float,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> Array:
        """Train on every `(x, target)`, in order, one step of descent each, for several epochs.

        A sample may be a batch. For h_0, lengths or dropout call `gradients` and `descend` in a loop.

        Returns
        -------
        For every epoch (epochs,) the sum of the samples' losses, each taken just before its step.

        Raises
        ------
        TypeError, ValueError
            Where an argument isn't what is described here, with what to do about it.
        """
        losses = np.zeros(_checks.size("epochs", epochs), self.rnn.dtype)
        pairs = _pairs(samples)
        for epoch in range(len(losses)):
            for x, target in pairs:
                found = self.gradients(x, target)
                self.descend(found, learning_rate, clip_value=clip_value, clip_norm=clip_norm)
                losses[epoch] += found.loss
        return losses

    def _known(self, names: Collection[str]) -> frozenset[str]:
        """Return the frozen names, refusing unknown ones and a bare string."""
        example = "Pass for example ['rnn.bias_hh_l0']."
        known = list(self.parameters)
        _checks.instance("frozen", names, Collection, example)
        if isinstance(names, str) or not all(name in known for name in names):
            message = (
                f"frozen must be a collection of names among {', '.join(known)}; got {names!r}. {example}"
            )
            raise ValueError(message)
        return frozenset(names)

    def _lost(self, y: Array, target: object) -> tuple[np.floating[Any], Array]:
        """Return the loss and its gradient, refusing what else a function may return."""
        found = self.loss(y, target)
        if not _checks.is_pair(found):
            message = (
                f"loss must return the loss and its gradient (loss, dL/dy); got {type(found).__name__}. Return both, "
                "the gradient in the shape of y."
            )
            raise TypeError(message)
        return found

    def _real_steps(self, trace: Trace) -> np.ndarray[Any, Any] | None:
        """Return True in the layout of x, (T, B) or (B, T), where "every" reads a step; None for all."""
        padding = trace.stack_trace.padding
        return None if padding is None or self.output == "last" else trace.layout.restored(~padding)

    def _read(self, trace: Trace, real: np.ndarray[Any, Any] | None) -> Array:
        """Return what the head reads: (…, D·H)."""
        if self.output == "every":
            return trace.output if real is None else trace.output[real]  # (Σ lengths, D·H)
        return np.concatenate(list(trace.h_n[-self.rnn.directions :]), axis=-1)  # D × (B, H) -> (B, D·H)

    def _d_h_n(self, trace: Trace, d_read: Array) -> Array | tuple[Array, None]:
        """Return dL/dh_n from the gradient of what the head read: zero below the top layer, and for an LSTM's c."""
        d_h_n = np.zeros_like(trace.h_n)
        d_h_n[-self.rnn.directions :] = np.split(d_read, self.rnn.directions, axis=-1)
        return (d_h_n, None) if isinstance(self.rnn, LSTM) else d_h_n


def _prefixed(parts: Mapping[str, Mapping[str, Array]]) -> dict[str, Array]:
    return {f"{part}.{name}": array for part, named in parts.items() for name, array in named.items()}


def _pairs(
    samples: Iterable[tuple[npt.ArrayLike, npt.ArrayLike]],
) -> list[tuple[npt.ArrayLike, npt.ArrayLike]]:
    """Return all samples in a list, since an iterator would be empty in the second epoch; refuse what are no pairs."""
    _checks.instance("samples", samples, Iterable, "Pass a list of pairs (x, target).")
    pairs = list(samples)
    if not pairs:
        message = "samples must hold at least one (x, target); got none. Without one nothing would be learnt."
        raise ValueError(message)
    for n, pair in enumerate(pairs):
        if not _checks.is_pair(pair):
            message = (
                f"samples must hold pairs (x, target) alone; got {type(pair).__name__} as sample {n}. Put every input "
                "next to its target."
            )
            raise TypeError(message)
    return pairs


def _selected(target: npt.ArrayLike, real: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the rows of `target` that belong to real steps."""
    given = _checks.natural("target", target, "an array")
    if given.shape[:2] != real.shape:
        message = (
            f"target must begin with the axes {real.shape} of x, padding included; got {given.shape}. Pad it "
            "like x."
        )
        raise ValueError(message)
    return given[real]


def _spread(rows: Array, real: np.ndarray[Any, Any] | None) -> Array:
    """Return rows of real steps at their places, 0 elsewhere; as they are where all steps are real."""
    if real is None:
        return rows
    spread = np.zeros((*real.shape, rows.shape[-1]), rows.dtype)
    spread[real] = rows
    return spread
