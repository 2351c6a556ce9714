"""`Case`: a frozen description of one experiment, checked once when it is made."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, get_args

from conformance.errors import UsageError

Cell: TypeAlias = Literal["rnn", "lstm", "gru"]
Nonlinearity: TypeAlias = Literal["tanh", "relu"]
Reset: TypeAlias = Literal["after", "before"]
Dtype: TypeAlias = Literal["f32", "f64", "f16", "bf16"]
LayoutName: TypeAlias = Literal["time-first", "batch-first", "unbatched"]
Cotangents: TypeAlias = Literal["both", "output", "h_n", "c_n", "last", "expanded", "strided"]
"""Through which of its results the loss sees the network; "last" is the output at the last step only.

"both" are the output and the final states, of an LSTM h_n and c_n. "expanded" and "strided" are cotangents of both in
memory as autograd hands them on: one number expanded with strides of 0 (the gradient of a sum), and numbers that don't
lie next to each other; so then do the numbers of weights, x and states.
"""

CARRIED: dict[Cell, tuple[str, ...]] = {"rnn": ("h",), "lstm": ("h", "c"), "gru": ("h",)}
"""The vectors that each cell carries from step to step; the first is the output."""

ARRAYS = {
    "wih": "weight_ih",
    "whh": "weight_hh",
    "bih": "bias_ih",
    "bhh": "bias_hh",
    "h0": "h_0",
    "dout": "d_output",
    "dhn": "d_h_n",
}
"""What a caller hands over beside x, by the token of the regimes that put one NaN or infinity into it."""

POISONED: dict[str, tuple[float, str]] = {
    f"{value}{token}": (float(value), array) for value in ("nan", "inf") for token, array in ARRAYS.items()
}
"""The regimes with one NaN or infinity in one array: the value, and the array."""

REGIMES = (
    "default",
    "saturated",
    "tiny",
    "subnormal",
    "zeros",
    "negzero",
    "nan",
    "inf",
    "identity",
    "positive",
    "constant",
    "ids",
    "kinks",
    "tutorial",
    "shifted",
    "filled",
    "endless",
    "uneven",
    *POISONED,
)
"""Data regimes without a number (`problem.py` says what each is); `gain…` carries one."""

OF_C = ("filled", "endless")
"""Regimes of c_0, which an LSTM alone has."""

COTANGENTS: dict[str, Cotangents] = {
    "dout": "output",
    "dhn": "h_n",
    "dcn": "c_n",
    "dlast": "last",
    "dexpanded": "expanded",
    "dstrided": "strided",
}
"""Which cotangents are given, where it isn't those of both results, laid out as they come."""

GAIN = re.compile(r"gain([0-9]+(?:\.[0-9]+)?)")
"""A gain regime; its number is written in the shortest way, so that a case has one id."""


DROPOUT = (0.0, 0.3, 0.5, 0.75, 1.0)
"""Probabilities of dropping. The factor 1 / (1 − p) of what is kept is exact, and adds no rounding, but for 0.3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One experiment: a network, its sizes, its data, its precision.

    Attributes
    ----------
    cell
        "rnn", "lstm" or "gru": which of torch.nn.RNN, LSTM and GRU it is about.
    nonlinearity, layers, bidirectional, bias
        The network, as torch.nn.RNN takes it; a nonlinearity other than tanh is for an RNN only.
    reset
        Whether the reset gate of a GRU multiplies "after" the product with W_hn, as torch's does, or "before".
    dropout
        The probability with which a value between two layers is dropped, by torch's own masks: one of `DROPOUT`.
    evaluation
        Whether the network, after a call in training mode, is in evaluation mode, where nothing is dropped.
    steps, batch, input_size, hidden_size
        T, B, I, H, each at least 1; an unbatched case has B = 1.
    proj_size
        P below H, to which an LSTM projects h; 0 for none.
    output_size
        O of an output head on the last layer's states, through which the loss then sees them; 0 for none.
    lengths
        The steps of every sample (1 to T), or empty where all have T. Where none has T, all end in padding.
    layout
        How x and output are laid out.
    h_0
        Whether an initial state is given; otherwise the network starts from zeros.
    c_0
        Whether c_0 is given beside h_0 to an LSTM; otherwise zeros stand in its place.
    cotangents
        Which upstream gradients are given.
    dtype
        "f32" or "f64", or "f16" or "bf16", which are a tier of their own (`formats.py`).
    regime
        How weights and inputs are drawn: "default" (torch's initialisation), "gain<g>" (recurrent weights
        with spectral radius about g), or one of `REGIMES`.
    seed
        Root of the case's own seed tree.

    Raises
    ------
    UsageError
        If a value is out of its range or two of them don't go together.

    Examples
    --------
    >>> Case(steps=5, batch=3, input_size=2, hidden_size=4, h_0=False, dtype="f64", seed=7).id
    'rnn-tanh-T5-B3-I2-H4-noh0-f64-s7'
    """

    cell: Cell = "rnn"
    nonlinearity: Nonlinearity = "tanh"
    reset: Reset = "after"
    layers: int = 1
    bidirectional: bool = False
    bias: bool = True
    dropout: float = 0.0
    evaluation: bool = False
    steps: int
    lengths: tuple[int, ...] = ()
    batch: int
    layout: LayoutName = "time-first"
    input_size: int
    hidden_size: int
    proj_size: int = 0
    output_size: int = 0
    h_0: bool = True
    c_0: bool = True
    cotangents: Cotangents = "both"
    dtype: Dtype
    regime: str = "default"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("layers", "steps", "batch", "input_size", "hidden_size"):
            _between(name, getattr(self, name), 1, 10**9)
        _between("output_size", self.output_size, 0, 10**9)
        _between("proj_size", self.proj_size, 0, self.hidden_size)
        _between("seed", self.seed, 0, 10**18)
        for name, kind in (
            ("cell", Cell),
            ("nonlinearity", Nonlinearity),
            ("reset", Reset),
            ("dtype", Dtype),
            ("layout", LayoutName),
            ("cotangents", Cotangents),
        ):
            _one_of(name, getattr(self, name), get_args(kind))
        if not isinstance(self.regime, str) or not self.gain or self.regime != f"gain{self.gain:g}":
            _one_of(
                "regime",
                self.regime,
                (*REGIMES, "gain<g> with a positive g of up to six digits, written shortest"),
            )
        self._check_cell()
        self._check_dropout()
        self._check_lengths()

    def _check_cell(self) -> None:
        if self.cell != "rnn" and (self.nonlinearity != "tanh" or self.dtype in ("f16", "bf16")):
            message = (
                f"A nonlinearity and 16 bits are for an rnn only; got {self.cell} with {self.nonlinearity} in "
                f"{self.dtype}."
            )
            raise UsageError(message)
        if self.reset == "before" and self.cell != "gru":
            message = f"A reset gate is for a gru only; got {self.cell} with reset = {self.reset!r}."
            raise UsageError(message)
        given = self.proj_size or not self.c_0 or self.cotangents == "c_n" or self.regime in OF_C
        if given and "c" not in self.carried:
            message = (
                f"Projections, c_0 and c_n are for an lstm only; got {self.cell} with proj_size = {self.proj_size}, "
                f"c_0 = {self.c_0}, cotangents {self.cotangents!r}, regime {self.regime!r}."
            )
            raise UsageError(message)
        if not (self.h_0 or self.c_0):
            message = "Without h_0 a case has no c_0 either; leave the latter out."
            raise UsageError(message)
        if self.regime in OF_C and not (self.h_0 and self.c_0):
            message = f"The regime {self.regime!r} is one of c_0; got a case without it."
            raise UsageError(message)
        if self.poisoned and not self._hands_over(self.poisoned[1]):
            message = f"The regime {self.regime!r} is one of {self.poisoned[1]}; got a case without it."
            raise UsageError(message)

    def _hands_over(self, array: str) -> bool:
        """Return whether an array of `ARRAYS` is given in this case."""
        given = {
            "bias_ih": self.bias,
            "bias_hh": self.bias,
            "h_0": self.h_0,
            "d_output": self.cotangents not in ("h_n", "c_n"),
            "d_h_n": self.cotangents not in ("output", "last", "c_n"),
        }
        return given.get(array, True)

    def _check_dropout(self) -> None:
        if self.dropout not in DROPOUT or (self.dropout and self.layers == 1):
            message = (
                f"dropout must be one of {', '.join(f'{p:g}' for p in DROPOUT)}, and 0 in a network of one layer; got "
                f"{self.dropout!r} with {self.layers} layers."
            )
            raise UsageError(message)
        if self.output_size and self.dtype in ("f16", "bf16"):
            message = (
                f"A case with an output head is in f32 or f64; got O = {self.output_size} in {self.dtype}."
            )
            raise UsageError(message)
        if self.evaluation and not self.dropout:
            message = "evaluation mode differs from training mode only with dropout; got none. Leave it out."
            raise UsageError(message)

    def _check_lengths(self) -> None:
        if self.layout == "unbatched" and (self.batch != 1 or self.lengths):
            message = (
                f"An unbatched case has B = 1 and no lengths; got B = {self.batch}, lengths {self.lengths}."
            )
            raise UsageError(message)
        if self.output_size and self.lengths:
            message = f"A case with an output head has no lengths; got O = {self.output_size}, lengths {self.lengths}."
            raise UsageError(message)
        if not isinstance(self.lengths, tuple):
            message = f"lengths must be a tuple of whole numbers; got {self.lengths!r}."
            raise UsageError(message)
        for length in self.lengths:
            _between("a length", length, 1, 10**9)
        if not self.lengths:
            return
        if len(self.lengths) != self.batch or max(self.lengths) > self.steps:
            message = (
                f"Lengths must be one number from 1 to T = {self.steps} for each of the B = {self.batch} samples; got "
                f"{self.lengths}."
            )
            raise UsageError(message)

    @property
    def directions(self) -> int:
        """D: 2 when bidirectional, otherwise 1."""
        return 2 if self.bidirectional else 1

    @property
    def carried(self) -> tuple[str, ...]:
        """The vectors that the network carries from step to step; the first is its output."""
        return CARRIED[self.cell]

    @property
    def state_size(self) -> int:
        """The length of h: H, or P in an LSTM with projections."""
        return self.proj_size or self.hidden_size

    def width_of(self, letter: str) -> int:
        """Return the length of a carried vector."""
        return self.state_size if letter == "h" else self.hidden_size

    def parameters_at(self, layer: int, direction: int) -> tuple[str, ...]:
        """Return torch's names of the parameters of one layer and direction, in torch's order."""
        end = f"_l{layer}_reverse" if direction else f"_l{layer}"
        kinds = ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if self.bias else ()))
        kinds += ("weight_hr",) if self.proj_size else ()
        return tuple(kind + end for kind in kinds)

    @property
    def gain(self) -> float | None:
        """The g of a "gain<g>" regime, None in the others."""
        match = GAIN.fullmatch(self.regime)
        return None if match is None else float(match[1])

    @property
    def poisoned(self) -> tuple[float, str] | None:
        """The NaN or infinity of the case's regime and the array that has it, None in the other regimes."""
        return POISONED.get(self.regime)

    @property
    def id(self) -> str:
        """The readable string that alone reproduces this case."""
        return _id(self)

    def __str__(self) -> str:
        return self.id


@lru_cache(maxsize=64)  # a case under examination is asked for its id a dozen times
def _id(case: Case) -> str:
    """Return the id of `case` by the grammar of `identifier.py`, defaults left out."""
    parts = [
        case.cell,
        case.nonlinearity if case.cell == "rnn" else "",
        "before" if case.reset == "before" else "",
        f"L{case.layers}" if case.layers > 1 else "",
        "bi" if case.bidirectional else "",
        "" if case.bias else "nobias",
        f"drop{case.dropout:g}" if case.dropout else "",
        "eval" if case.evaluation else "",
        f"T{case.steps}",
        "len" + ".".join(map(str, case.lengths)) if case.lengths else "",
        "single" if case.layout == "unbatched" else f"B{case.batch}",
        "bf" if case.layout == "batch-first" else "",
        f"I{case.input_size}",
        f"H{case.hidden_size}",
        f"proj{case.proj_size}" if case.proj_size else "",
        f"O{case.output_size}" if case.output_size else "",
        "" if case.h_0 else "noh0",
        "" if case.c_0 else "noc0",
        next((token for token, cotangents in COTANGENTS.items() if cotangents == case.cotangents), ""),
        case.dtype,
        "" if case.regime == "default" else case.regime,
        f"s{case.seed}",
    ]
    return "-".join(part for part in parts if part)


def _between(name: str, value: object, least: int, end: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < end:
        message = f"{name} must be a whole number of at least {least} and below {end:,}; got {value!r}."
        raise UsageError(message)


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        message = f"{name} must be one of {', '.join(allowed)}; got {value!r}."
        raise UsageError(message)
