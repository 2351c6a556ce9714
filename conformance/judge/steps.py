"""All steps of one layer and direction, recomputed from a subject's own values by the bounds of its cell.

Teacher forcing makes the steps independent of each other, so to the cell they are the rows of one batch: N = T·B.
Everything is float64. Where a sample has no step its inputs, states and gradients are 0, and so is all
that follows from them.
"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from conformance.cases import Case
from conformance.judge.elman_bounds import ElmanBounds
from conformance.judge.flow import Flow
from conformance.judge.gru_before_bounds import GruBeforeBounds
from conformance.judge.gru_bounds import GruBounds
from conformance.judge.known import Arithmetic, Known
from conformance.judge.lstm_bounds import LstmBounds
from conformance.judge.rounding import Precision
from conformance.judge.step_bounds import Expected, Returned, Rows, StepBounds
from conformance.subjects.observation import Place
from refrnn import Array, Weights


def bounds_of(case: Case) -> StepBounds:
    """Return the bounds of the case's cell."""
    gru = GruBounds() if case.reset == "after" else GruBeforeBounds()
    return {"rnn": ElmanBounds(case.nonlinearity), "lstm": LstmBounds(), "gru": gru}[case.cell]


class Forward(Struct, frozen=True, kw_only=True):
    """One forward step for every row: what the subject had, what the reference makes of it."""

    place: Place
    rows: Rows
    expected: Mapping[str, Expected]  # by letter, in the order of the data flow


class Backward(Struct, frozen=True, kw_only=True):
    """One backward step for every row, from the subject's own values and gradients."""

    forward: Forward
    within: Mapping[str, Known]  # what dL/dh_t alone sends to the other carried vectors
    d_h: Array  # (N, P) the subject's dL/dh_t
    returned: Returned
    to_input: Flow  # (N, I) W_ihᵀ δ, towards what the layer read


def as_weights(parameters: Mapping[str, Array]) -> Weights:
    """Return the parameters of a place, by torch's names, in float64."""
    found = {name[: name.index("_l")]: w.astype(np.float64) for name, w in parameters.items()}
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    return Weights(*(found.get(kind) for kind in kinds))  # pyright: ignore[reportArgumentType]: the first two exist


def forward_step(bounds: StepBounds, p: Precision, place: Place, rows: Rows) -> Forward:
    """Recompute every quantity of a step for every row."""
    return Forward(place=place, rows=rows, expected=bounds.forward(p, rows))


def backward_step(
    bounds: StepBounds,
    p: Precision,
    forward: Forward,
    gradients: Mapping[str, Array],
    passed: Mapping[str, Array],
) -> Backward:
    """Take one backward step for every row from all that reaches the carried vectors (N, ·), by letter.

    Where the subject shows only what later steps passed back, the rest is what dL/dh_t sends within the step.
    """
    rows, expected = forward.rows, forward.expected
    within = bounds.within(p, rows, expected, gradients["h"])
    reaching = {letter: Known.exactly(gradient) for letter, gradient in gradients.items()}
    for letter, part in passed.items():
        if letter not in reaching:
            reaching[letter] = Arithmetic(p).total(Known.exactly(part), within[letter])
    returned = bounds.backward(p, rows, expected, reaching)
    return Backward(
        forward=forward,
        within=within,
        d_h=gradients["h"],
        returned=returned,
        to_input=Arithmetic(p).through(returned.d_ih, rows.weights.ih),
    )
