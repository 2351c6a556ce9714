"""Mutants of LSTM and GRU: networks with one mistake, as black boxes to be judged like any other implementation.

They measure what the checks and data of a run can catch, as the mutants of the catalogue do for Elman networks. A check
of hand-written code names them by what a patch changes: what is left of a network whose other mistakes are mended.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from msgspec import Struct

from conformance.cases import Case, Problem
from conformance.errors import Unsupported
from conformance.faults import wrong_gru, wrong_gru_before, wrong_lstm
from conformance.subjects.observation import Observation
from refrnn import Array

CELL_FAULTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"lstm": wrong_lstm.FAULTS, "gru": wrong_gru.FAULTS}
)
"""What can be wrong in networks of each cell, by id."""

CELL_NETWORKS: Mapping[str, str] = MappingProxyType({"lstm": "torch.nn.LSTM", "gru": "torch.nn.GRU"})
"""The network in which each cell's mistakes are made."""


def cell_of(fault: str) -> str:
    """Return the cell in which something of an id can be wrong, "" where nothing can."""
    return next((cell for cell, faults in CELL_FAULTS.items() if fault in faults), "")


RIGHT = ""
"""The fault of a network without any."""


class CellMutant(Struct, frozen=True):
    """A network of one layer and one direction with one mistake, or none."""

    cell: str
    fault: str = RIGHT

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"mutant:{self.fault or self.cell}"

    @property
    def description(self) -> str:
        """What is wrong with it."""
        return CELL_FAULTS[self.cell].get(self.fault, "Nothing is wrong.")

    def run(self, problem: Problem) -> Observation:
        """Run forward and backward with the mistake.

        Raises
        ------
        Unsupported
            If the case is about another cell, or about more than one plain layer.
        """
        case = problem.case
        if not is_plain(case) or case.cell != self.cell:
            message = f"This network is an {self.cell.upper()} of one layer and one direction, with biases and no more."
            raise Unsupported(message)
        run = _lstm if self.cell == "lstm" else _gru
        with np.errstate(all="ignore"):  # a wrong network may overflow where the right one doesn't
            return run(problem, self.fault)


def gradients_with(problem: Problem, fault: str) -> Mapping[str, Array]:
    """Return the gradients that a network of one layer gives with a mistake, by torch's names.

    Nothing is shown of its head: what comes through that is the gradient of the states. The reset gate of a GRU may
    come before the product; mistakes that such a GRU can't have leave it right.
    """
    with np.errstate(all="ignore"):
        return (_lstm if problem.case.cell == "lstm" else _gru)(problem, fault).parameters


def is_plain(case: Case) -> bool:
    """Return whether a case is one that these networks can run."""
    more = case.reset == "before" or case.bidirectional or case.lengths or case.output_size or case.proj_size
    return case.layers == 1 and case.bias and not more


def _lstm(problem: Problem, fault: str) -> Observation:
    w_ih, w_hh, b_ih, b_hh = (w.astype(np.float64) for w in problem.weights.values())
    x, d_output, initial, final = _data(problem)
    parameters = wrong_lstm.Parameters(w_ih, w_hh, b_ih + b_hh)
    steps = wrong_lstm.forward(parameters, x, initial["h"], initial["c"], fault)
    found = wrong_lstm.backward(parameters, steps, d_output, final["h"], final["c"], fault)
    gradients = dict(zip(problem.weights, (found["w"], found["u"], found["b"], found["b"]), strict=True))
    ends = {"h": steps[-1].h, "c": steps[-1].c}
    return _observed(problem, np.stack([s.h for s in steps]), ends, found, gradients)


def _gru(problem: Problem, fault: str) -> Observation:
    w_ih, w_hh, b_ih, b_hh = (w.astype(np.float64) for w in problem.weights.values())
    x, d_output, initial, final = _data(problem)
    parameters = wrong_gru.Parameters(w_ih, w_hh, b_ih, b_hh)
    if problem.case.reset == "before":
        steps = wrong_gru_before.forward(parameters, x, initial["h"])
        found = wrong_gru_before.backward(parameters, steps, d_output, final["h"], fault)
    else:
        steps = wrong_gru.forward(parameters, x, initial["h"], fault)
        found = wrong_gru.backward(parameters, steps, d_output, final["h"], fault)
    gradients = dict(zip(problem.weights, (found["w"], found["u"], found["b"], found["c"]), strict=True))
    return _observed(problem, np.stack([s.h for s in steps]), {"h": steps[-1].h}, found, gradients)


def _data(problem: Problem) -> tuple[Array, Array, dict[str, Array], dict[str, Array]]:
    """Return x, dL/doutput, initial states and gradients of final ones, time-major and batched, in float64."""
    layout, case = problem.layout, problem.case
    x = layout.time_major(problem.x).astype(np.float64)
    d_output = np.zeros((case.steps, case.batch, case.hidden_size))
    if problem.d_output is not None:
        d_output = layout.time_major(problem.d_output).astype(np.float64)
    initial, final = (
        {letter: states[0].astype(np.float64) for letter, states in by_letter.items()}
        for by_letter in (problem.initial_states, problem.final_cotangents)
    )
    return x, d_output, initial, final


def _observed(
    problem: Problem,
    output: Array,
    ends: Mapping[str, Array],
    found: Mapping[str, Array],
    gradients: Mapping[str, Array],
) -> Observation:
    layout, dtype = problem.layout, problem.dtype

    def state(values: Array) -> Array:
        return layout.restored_state(values[np.newaxis]).astype(dtype)

    return Observation(
        output=layout.restored(output).astype(dtype),
        **{f"{letter}_n": state(end) for letter, end in ends.items()},
        d_x=layout.restored(found["x"]).astype(dtype),
        **{f"d_{letter}_0": state(found[f"{letter}_0"]) for letter in problem.given_states},
        parameters={name: gradient.astype(dtype) for name, gradient in gradients.items()},
    )
