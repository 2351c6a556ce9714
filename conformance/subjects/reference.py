"""The reference as a subject: `refrnn`'s own scan, judged by the same check as everything else."""

import numpy.typing as npt
from msgspec import Struct

from conformance.cases import Head, Problem
from conformance.subjects.observation import Observation
from refrnn import RNN, Array, Linear


class Reference(Struct, frozen=True):
    """`refrnn.RNN` over the whole sequence, with everything that its trace and gradients show."""

    name: str = "reference"
    description: str = "refrnn.RNN, every step shown"

    def run(self, problem: Problem) -> Observation:
        """Run forward and BPTT in the problem's own precision, or in float32 where that has only 16 bits."""
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
        case.dropout,
        bidirectional=case.bidirectional,
        dtype=dtype,
    )
    rnn.load_state_dict(problem.weights)
    trace = rnn.forward(
        given(problem.x), given(problem.h_0), lengths=problem.lengths, dropout_masks=problem.masks
    )
    y, head_gradients, d_output = None, {}, given(problem.d_output)
    if problem.head is not None:
        y, head_gradients, d_output = _through_head(problem.head, trace.output, dtype)
    gradients = rnn.backward(trace, d_output, given(problem.d_h_n))
    places = problem.places
    return Observation(
        output=trace.output,
        h_n=trace.h_n,
        y=y,
        d_x=gradients.x,
        d_h_0=gradients.h_0,
        parameters={**gradients.parameters, **head_gradients},
        hidden={place: trace.hidden(*place) for place in places},
        d_hidden={place: gradients.d_h(*place) for place in places},
        d_pre={place: gradients.d_a(*place) for place in places},
        step_parameters={name: gradients.step_contributions(name) for name in problem.weights},
    )


def _through_head(
    head: Head, output: Array, dtype: npt.DTypeLike
) -> tuple[Array, dict[str, Array], Array | None]:
    """Return y, the gradients of the head's parameters, and dL/doutput."""
    linear = Linear(head.weight.shape[1], head.weight.shape[0], head.bias is not None, dtype=dtype)
    linear.load_state_dict({name.removeprefix("head."): w for name, w in head.parameters.items()})
    trace = linear.forward(output)
    if head.d_y is None:
        return trace.y, {}, None
    gradients = linear.backward(trace, head.d_y.astype(dtype, copy=False))
    return trace.y, {f"head.{name}": g for name, g in gradients.parameters.items()}, gradients.x


SUBJECT = Reference()
