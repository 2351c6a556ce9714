"""The results of a run by name: what every subject has to show, time-major and batched."""

from collections.abc import Iterable

from msgspec import Struct

from conformance.cases import Problem
from conformance.judge.comparison import Finding, Phase
from conformance.judge.local_backward import PARAMETERS
from conformance.judge.local_forward import STATE, STEP
from conformance.judge.local_head import HEAD_PARAMETERS, OUTPUT
from conformance.subjects.observation import Observation, Place
from refrnn import Array


class Result(Struct, frozen=True, kw_only=True):
    """One public quantity of one place (None where it has none), with what a comparison needs to name it."""

    phase: Phase
    quantity: str
    place: Place | None
    axes: tuple[str, ...]
    value: Array


def results(problem: Problem, observation: Observation) -> dict[str, Result]:
    """Return every result that `observation` shows, by a name of its own, in the order of the data flow."""
    layout, found = problem.layout, {}
    if observation.output is not None:
        value = layout.time_major(observation.output)
        found["output"] = Result(phase="forward", quantity="output", place=None, axes=STEP, value=value)
    carried = problem.case.carried
    for letter in carried:
        found |= _states(problem, "forward", f"{letter}_n", getattr(observation, f"{letter}_n"))
    found |= _of_head(problem, observation)
    for letter in carried:
        found |= _states(problem, "backward", f"dL/d{letter}_0", getattr(observation, f"d_{letter}_0"))
    for place in problem.places:
        for name in problem.weights_at(place):
            if name in observation.parameters:
                quantity, axes = PARAMETERS[name[: name.index("_l")]]
                value = observation.parameters[name]
                found[name] = Result(phase="backward", quantity=quantity, place=place, axes=axes, value=value)
    if observation.d_x is not None:
        value = layout.time_major(observation.d_x)
        found["dL/dx"] = Result(
            phase="backward", quantity="dL/dx", place=None, axes=("t", "row", "input"), value=value
        )
    return found


def _of_head(problem: Problem, observation: Observation) -> dict[str, Result]:
    found: dict[str, Result] = {}
    if observation.y is not None:
        value = problem.layout.time_major(observation.y)
        found["y"] = Result(phase="forward", quantity="y", place=None, axes=OUTPUT, value=value)
    for name, (quantity, axes) in HEAD_PARAMETERS.items():
        if name in observation.parameters:
            value = observation.parameters[name]
            found[name] = Result(phase="backward", quantity=quantity, place=None, axes=axes, value=value)
    return found


def _states(problem: Problem, phase: Phase, quantity: str, values: Array | None) -> dict[str, Result]:
    if values is None:
        return {}
    batched = problem.layout.batched_state(values)
    return {
        f"{quantity} {place}": Result(phase=phase, quantity=quantity, place=place, axes=STATE, value=value)
        for place, value in zip(problem.places, batched, strict=True)
    }


def decided(problem: Problem, findings: Iterable[Finding]) -> set[str]:
    """Return the names of the results that a local check has judged; the output is, where all its states are."""
    found = {(c.quantity, c.layer, c.direction) for c in (finding.comparison for finding in findings)}
    top = problem.case.layers - 1
    names = {"output"} if all(("h", top, d) in found for d in range(problem.case.directions)) else set[str]()
    names |= {"dL/dx"} if ("dL/dx", None, None) in found else set()
    names |= {"y"} & {quantity for quantity, _, _ in found}
    names |= {name for name, (quantity, _) in HEAD_PARAMETERS.items() if (quantity, None, None) in found}
    for place in problem.places:
        for letter in problem.case.carried:
            final, initial = f"{letter}_n", f"dL/d{letter}_0"
            names |= {f"{final} {place}"} if {(letter, *place), (final, *place)} <= found else set()
            names |= {f"{initial} {place}"} if (initial, *place) in found else set()
        kinds = {name: PARAMETERS[name[: name.index("_l")]][0] for name in problem.weights_at(place)}
        names |= {name for name, quantity in kinds.items() if (quantity, *place) in found}
    return names
