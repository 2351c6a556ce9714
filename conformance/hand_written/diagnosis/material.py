"""What a search works on: the arrays of one piece of evidence, batched and time-major."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from conformance.cases import Problem
from conformance.faults import RIGHT, Choices
from conformance.faults.call import Call, first_call
from conformance.hand_written.diagnosis.evidence import Evidence
from refrnn import Array, Weights

CLIPS = (1.0, 5.0)
"""Where hand-written networks clip gradients, by value or by norm."""


class Material(Struct, frozen=True, kw_only=True):
    """One piece of evidence, laid out as the simulation is.

    Attributes
    ----------
    call
        The arguments of the call.
    states, y, h_n
        What was shown of the forward pass: (T, B, H), (T, B, O) and (B, H).
    parameters
        The gradients shown, by torch's names.
    inner
        Those of x (T, B, I), of h_0 (B, H), and of single steps (T, B, H): "d_x", "d_h_0", "d_hidden", "d_pre".
    """

    problem: Problem
    call: Call
    weights: Weights
    states: Array | None
    y: Array | None
    h_n: Array | None
    parameters: Mapping[str, Array]
    inner: Mapping[str, Array]
    rate: float | None
    early: bool
    single: bool
    crossed: bool
    assumed: Choices

    @classmethod
    def of(cls, evidence: Evidence) -> "Material":
        """Lay out `evidence`."""
        problem, shown, place = evidence.problem, evidence.observation, (0, 0)
        major, state = problem.layout.time_major, problem.layout.batched_state
        inner = {
            "d_x": None if shown.d_x is None else major(shown.d_x),
            "d_h_0": None if shown.d_h_0 is None else state(shown.d_h_0)[0],
            "d_hidden": shown.d_hidden.get(place),
            "d_pre": shown.d_pre.get(place),
        }
        states = shown.hidden.get(place)
        if states is None and shown.output is not None:
            states = major(shown.output)
        weights = list(problem.weights_at(place).values())
        return cls(
            problem=problem,
            call=first_call(problem, RIGHT),
            weights=Weights(*([*weights, None, None][:4])),
            states=states,
            y=None if shown.y is None else major(shown.y),
            h_n=None if shown.h_n is None else state(shown.h_n)[0],
            parameters={name: np.asarray(g, np.float64) for name, g in shown.parameters.items()},
            inner={name: np.asarray(g, np.float64) for name, g in inner.items() if g is not None},
            rate=evidence.rate,
            early=evidence.early,
            single=evidence.single,
            crossed=evidence.crossed,
            assumed=evidence.assumed,
        )

    @property
    def early_rate(self) -> float | None:
        """The rate with which parameters may have been changed before they were used, None where they weren't."""
        return self.rate if self.early else None

    @property
    def limit(self) -> float | None:
        """Where the gradients of parameters are cut off: at the largest of them, if that is such a limit exactly."""
        sizes = [np.abs(g).max(initial=0.0) for g in self.parameters.values()]
        largest = float(np.max(sizes, initial=0.0))
        return largest if largest in CLIPS else None

    @property
    def norm(self) -> float:
        """The common norm of the gradients of all parameters."""
        return float(np.sqrt(sum(float((g * g).sum()) for g in self.parameters.values())))

    @property
    def seen(self) -> Array:
        """The cotangent of what the loss sees: (T, B, O) or (T, B, H)."""
        return self.call.d_output

    @property
    def d_h_n(self) -> Array:
        """dL/dh_n: (B, H)."""
        return self.call.d_h_n[0]
