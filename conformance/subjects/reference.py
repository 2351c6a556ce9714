"""The reference as a subject: `refrnn`'s own scan, judged by the same check as everything else."""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
from msgspec import Struct

from conformance.cases import Head, Problem, reference_network
from conformance.subjects.observation import Observation
from refrnn import Array, Linear


class Reference(Struct, frozen=True):
    """The reference's network over the whole sequence, with everything that its trace and gradients show."""

    name: str = "reference"
    description: str = "refrnn's network, every step shown"

    def run(self, problem: Problem) -> Observation:
        """Run forward and BPTT in the problem's own precision, or in float32 where that has only 16 bits."""
        return observe(problem, problem.dtype)


def observe(problem: Problem, dtype: npt.DTypeLike) -> Observation:
    """Run the reference on `problem` in any precision that holds its numbers exactly."""

    def given(values: Array | None) -> Array | None:
        return None if values is None else values.astype(dtype, copy=False)

    def of_every_letter(states: Mapping[str, Array]) -> Any:  # noqa: ANN401 - an array, or a tuple of them
        found = tuple(given(states.get(letter)) for letter in problem.case.carried)
        return found if len(found) > 1 else found[0]

    network: Any = reference_network(problem.case, dtype)
    network.load_state_dict(problem.weights)
    trace = network.forward(
        given(problem.x),
        of_every_letter(problem.given_states),
        lengths=problem.lengths,
        dropout_masks=problem.masks,
    )
    y, head_gradients, d_output = None, {}, given(problem.d_output)
    if problem.head is not None:
        y, head_gradients, d_output = _through_head(problem.head, trace.output, dtype)
    gradients = network.backward(trace, d_output, of_every_letter(problem.seen_finals))
    places, others = problem.places, problem.case.carried[1:]
    return Observation(
        output=trace.output,
        **{f"{letter}_n": getattr(trace, f"{letter}_n") for letter in problem.case.carried},
        y=y,
        d_x=gradients.x,
        **{f"d_{letter}_0": getattr(gradients, f"{letter}_0") for letter in problem.case.carried},
        parameters={**gradients.parameters, **head_gradients},
        hidden={place: trace.hidden(*place) for place in places},
        d_hidden={place: gradients.d_h(*place) for place in places},
        d_pre={place: gradients.d_a(*place) for place in places},
        inner={
            (letter, place): trace.quantity(letter, *place)
            for place in places
            for letter in trace.quantities
            if letter != "h"
        },
        d_inner={
            (letter, place): getattr(gradients, f"d_{letter}")(*place)
            for letter in others
            for place in places
        },
        d_passed={
            (letter, place): getattr(gradients, f"d_{letter}_from_next")(*place)
            for letter in others
            for place in places
        },
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
