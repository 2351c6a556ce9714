"""The reference as a subject: `refrnn`'s own scan, judged by the same check as everything else."""

from dataclasses import dataclass

import numpy.typing as npt

from conformance.cases import Problem
from conformance.observation import Observation
from refrnn import RNN, Array


@dataclass(frozen=True, slots=True)
class Reference:
    """`refrnn.RNN` over the whole sequence, with everything that its trace and gradients show."""

    name: str = "reference"
    description: str = "refrnn.RNN, every step shown"

    def run(self, problem: Problem) -> Observation:
        """Run forward and BPTT in the problem's own precision."""
        return observe(problem, problem.dtype)


def observe(problem: Problem, dtype: npt.DTypeLike) -> Observation:
    """Run the reference on `problem` in any precision that holds its numbers exactly."""

    def given(values: Array | None) -> Array | None:
        return None if values is None else values.astype(dtype, copy=False)

    case = problem.case
    rnn = RNN(
        case.input_size,
        case.hidden_size,
        case.layers,
        case.nonlinearity,
        case.bias,
        case.layout == "batch-first",
        bidirectional=case.bidirectional,
        dtype=dtype,
    )
    rnn.load_state_dict(problem.weights)
    trace = rnn.forward(given(problem.x), given(problem.h_0), lengths=problem.lengths)
    gradients = rnn.backward(trace, given(problem.d_output), given(problem.d_h_n))
    places = problem.places
    return Observation(
        output=trace.output,
        h_n=trace.h_n,
        d_x=gradients.x,
        d_h_0=gradients.h_0,
        parameters=gradients.parameters,
        hidden={place: trace.hidden(*place) for place in places},
        d_hidden={place: gradients.d_h(*place) for place in places},
        d_pre={place: gradients.d_a(*place) for place in places},
        step_parameters={name: gradients.step_contributions(name) for name in problem.weights},
    )


SUBJECT = Reference()
