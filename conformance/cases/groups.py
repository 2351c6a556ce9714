"""Groups of cases: which kind of trouble a case reaches, told from the case alone."""

from collections.abc import Callable

from conformance.cases.case import Case
from conformance.cases.formats import FORMATS

LONG = 100
"""Steps from which errors had time to grow."""

VECTOR_WIDTH = 16
"""Units from which the libraries' blocked and vectorised products are at work."""

GROUPS: dict[str, Callable[[Case], bool]] = {
    "LSTM": lambda case: case.cell == "lstm",
    "GRU": lambda case: case.cell == "gru",
    "16 bits": lambda case: not FORMATS[case.dtype].decides,
    "variable lengths": lambda case: bool(case.lengths),
    "long sequences": lambda case: case.steps >= LONG,
    "strained data": lambda case: case.regime != "default",
    "sizes": lambda case: (
        case.batch > LONG
        or case.hidden_size == 1
        or case.hidden_size >= VECTOR_WIDTH
        or case.input_size in (1, case.hidden_size)
    ),
    "calls": lambda case: not case.h_0 or case.cotangents != "both" or 1 in (case.steps, case.batch),
    "dropout": lambda case: case.dropout > 0,
    "options": lambda _: True,
}
"""What puts a case into a group; the first that holds counts."""


def group_of(case: Case) -> str:
    """Return the name of the group that `case` belongs to.

    >>> from conformance.cases import parse_id
    >>> group_of(parse_id("rnn-tanh-T500-B2-I4-H5-f64-gain10-s0"))
    'long sequences'
    """
    return next(name for name, belongs in GROUPS.items() if belongs(case))
