r"""`Linear`: the affine head that turns hidden states into outputs, at one step or at every step.

    y  = x Wᵀ + b
    dW = d_yᵀ x       db = Σ d_y       dx = d_y W        sums over all leading axes

    symbol     shape     meaning
    x, y       (…, I), (…, O)    any leading axes, also none: (I,) gives (O,)
    W, b       (O, I), (O,)      `weight` and `bias`, torch's orientation

Reference: https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from refrnn import _checks, _parameters
from refrnn._types import Array, read_only


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearTrace:
    """What a forward pass of `Linear` read and gave."""

    parameters: Mapping[str, Array]
    x: Array  # (..., I)
    y_rows: Array  # (N, O), N the product of the leading axes

    @property
    def y(self) -> Array:
        """The outputs (…, O), read-only."""
        return read_only(self.y_rows.reshape(*self.x.shape[:-1], -1))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearGradients:
    """The gradients of a loss with respect to the parameters (`weight`, `bias`) and x."""

    parameters: Mapping[str, Array]
    x: Array


class Linear:
    """An affine map over the last axis with torch.nn.Linear's arguments, names and results.

    Parameters
    ----------
    in_features, out_features
        I and O, each at least 1.
    bias
        Whether there is a `bias`.
    dtype
        float32, float64 (the default) or long double.
    generator
        Draws the first parameters from ±1/√I, as torch does; unseeded by default.

    Raises
    ------
    TypeError, ValueError
        Where an argument isn't what is described here, with what to do about it.

    Examples
    --------
    >>> import numpy as np
    >>> head = Linear(4, 2)
    >>> head.load_state_dict({"weight": [[1, 2, 3, 4], [0, 0, 1, 0]], "bias": [0, -1]})
    >>> head([1, 1, 1, 2])
    array([14.,  0.])
    >>> trace = head.forward(np.ones((7, 5, 4)))  # T = 7, B = 5
    >>> head.backward(trace, np.ones((7, 5, 2))).parameters["bias"]
    array([35., 35.])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,  # noqa: FBT001, FBT002
        *,
        dtype: npt.DTypeLike = np.float64,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.in_features = _checks.size("in_features", in_features)
        self.out_features = _checks.size("out_features", out_features)
        self.bias = _checks.flag("bias", bias, ("in_features", "out_features", "bias"))
        self.dtype: np.dtype[Any] = _checks.float_dtype("dtype", dtype)
        bound = 1 / math.sqrt(self.in_features)
        self._parameters = _parameters.drawn(self._shapes(), bound, self.dtype, generator)

    @property
    def parameters(self) -> Mapping[str, Array]:
        """`weight` and, with a bias, `bias`, read-only; `load_state_dict` replaces them."""
        return self._parameters

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters under torch's names, in torch's order."""
        return {name: array.copy() for name, array in self._parameters.items()}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Replace all parameters by copies of `state`; what is refused is what `RNN` refuses."""
        self._parameters = _parameters.loaded(state, self._shapes(), self.dtype)

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Return y (…, O) as torch does."""
        return np.array(self.forward(x).y)

    def forward(self, x: npt.ArrayLike) -> LinearTrace:
        """Map x (…, I) to y (…, O), and return both in a trace, which refers to x.

        Raises
        ------
        TypeError, ValueError
            If x has another dtype, another last axis or an axis of length 0.
        """
        given = _checks.as_array("x", x, self.dtype)
        shape = ("N",) * (given.ndim - 1) + (self.in_features,)
        x = _checks.array("x", given, self.dtype, shape)
        y = x.reshape(-1, self.in_features) @ self._parameters["weight"].T  # (N, I) @ (I, O) -> (N, O)
        if self.bias:
            y += self._parameters["bias"]
        return LinearTrace(parameters=self._parameters, x=x, y_rows=y)

    def backward(self, trace: LinearTrace, d_y: npt.ArrayLike) -> LinearGradients:
        """Carry dL/dy (…, O) back to the parameters and x, at the parameters of the trace.

        Raises
        ------
        TypeError, ValueError
            If the trace is of another kind of layer, or `d_y` has another dtype or shape than y.
        """
        trace = _checks.instance("trace", trace, LinearTrace, "Pass what forward returned.")
        _parameters.refuse_foreign(trace.parameters, self._parameters)
        rows = _checks.array("d_y", d_y, self.dtype, trace.y.shape).reshape(trace.y_rows.shape)
        found = {"weight": rows.T @ trace.x.reshape(len(rows), -1)}  # (O, N) @ (N, I) -> (O, I)
        if self.bias:
            found["bias"] = rows.sum(axis=0)
        d_x = rows @ trace.parameters["weight"]  # (N, O) @ (O, I) -> (N, I)
        return LinearGradients(parameters=found, x=d_x.reshape(trace.x.shape))

    def __repr__(self) -> str:
        """Show the constructor call."""
        return f"Linear({self.in_features}, {self.out_features}, bias={self.bias}, dtype={str(self.dtype)!r})"

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {"weight": (self.out_features, self.in_features)}
        return shapes | {"bias": (self.out_features,)} if self.bias else shapes
