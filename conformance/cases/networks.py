"""The reference's network of a case."""

from typing import Any

import numpy as np
import numpy.typing as npt

from conformance.cases.case import Case
from refrnn import GRU, LSTM, RNN

NETWORKS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
"""The reference's network with each cell."""


def reference_network(
    case: Case, dtype: npt.DTypeLike, generator: np.random.Generator | None = None
) -> RNN | LSTM | GRU:
    """Return the network of `case` with parameters that are drawn as torch draws them."""
    options: dict[str, Any] = {"proj_size": case.proj_size} if case.proj_size else {}
    if case.cell == "rnn":
        options["nonlinearity"] = case.nonlinearity
    if case.cell == "gru":
        options["reset"] = case.reset
    return NETWORKS[case.cell](
        case.input_size,
        case.hidden_size,
        case.layers,
        bias=case.bias,
        batch_first=case.layout == "batch-first",
        dropout=case.dropout,
        bidirectional=case.bidirectional,
        dtype=dtype,
        generator=generator,
        **options,
    )
