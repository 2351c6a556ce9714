"""Whether what a subject shows has the shapes and the precision of what it claims to be.

Nothing is ever broadcast: a gradient of shape (1,) or (B, H) where (H,) belongs is a mistake, told as such.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from conformance.cases import Problem
from conformance.judge.comparison import Finding
from conformance.subjects.observation import Observation
from refrnn import Array


def malformed(problem: Problem, observation: Observation) -> list[str]:
    """Return a sentence for every array that has a wrong name, type, shape or precision."""
    if not isinstance(observation, Observation):
        return [
            f"run must return an Observation; got {type(observation).__name__}. Is a return statement missing?"
        ]
    complaints = [
        f"{name} must map names or places to arrays; got {type(getattr(observation, name)).__name__}."
        for name in ("parameters", "hidden", "d_hidden", "d_pre", "step_parameters")
        if not isinstance(getattr(observation, name), Mapping)
    ]
    if complaints:
        return complaints
    for name, array, shape in _expectations(problem, observation):
        if type(array) is not np.ndarray:
            complaints.append(f"{name} is a {type(array).__name__} instead of a plain NumPy array.")
        elif shape is None:
            complaints.append(f"{name} belongs to nothing in this case.")
        elif array.shape != shape:
            complaints.append(f"{name} has the shape {array.shape} instead of {shape}.")
        elif array.dtype != problem.dtype:
            complaints.append(f"{name} is {array.dtype} instead of {problem.dtype}.")
    return complaints


def not_shown(problem: Problem, observation: Observation) -> list[str]:
    """Return the names of the results that the subject doesn't show, so that they weren't judged."""
    missing = [name for name in ("output", "h_n") if getattr(observation, name) is None]
    missing += ["y"] if observation.y is None and problem.head is not None else []
    missing += ["dL/dx"] if observation.d_x is None else []
    missing += ["dL/dh_0"] if observation.d_h_0 is None and problem.h_0 is not None else []
    missing += [f"dL/d{name}" for name in problem.parameters if name not in observation.parameters]
    missing += [f"h of {place}" for place in problem.places if place not in observation.hidden]
    return missing + [f"dL/dh of {place}" for place in problem.places if place not in observation.d_hidden]


def not_judged(observation: Observation, findings: Iterable[Finding]) -> list[str]:
    """Return the inner steps that are shown but could not be judged, for lack of those that they build on."""
    judged = {(c.quantity, c.layer, c.direction) for c in (finding.comparison for finding in findings)}
    shown = [("h", place) for place in observation.hidden]
    shown += [("dL/dh", place) for place in observation.d_hidden]
    shown += [("dL/da", place) for place in observation.d_pre]
    left = [f"{quantity} of {place}" for quantity, place in shown if (quantity, *place) not in judged]
    steps = sum(c.quantity.endswith(" of a step") for c in (finding.comparison for finding in findings))
    return left + (["steps' shares of gradients"] if steps < len(observation.step_parameters) else [])


def _expectations(
    problem: Problem, observation: Observation
) -> Iterator[tuple[str, Array, tuple[int, ...] | None]]:
    """Yield the name, the array and the right shape of all that is shown, None where nothing is right."""
    case, layout = problem.case, problem.layout
    states = layout.state_shape(len(problem.places), case.batch, case.hidden_size)
    results = {
        "output": (
            observation.output,
            layout.shape(case.steps, case.batch, case.directions * case.hidden_size),
        ),
        "h_n": (observation.h_n, states),
        "y": (
            observation.y,
            None if problem.head is None else layout.shape(case.steps, case.batch, case.output_size),
        ),
        "d_x": (observation.d_x, problem.x.shape),
        "d_h_0": (observation.d_h_0, states),
    }
    for name, (array, shape) in results.items():
        if array is not None:
            yield name, array, shape
    weights = {name: w.shape for name, w in problem.parameters.items()}
    for name, array in observation.parameters.items():
        yield f"parameters[{name!r}]", array, weights.get(name)
    for name, array in observation.step_parameters.items():
        shape = (case.steps, *weights[name]) if name in weights else None
        yield f"step_parameters[{name!r}]", array, shape
    inner = (case.steps, case.batch, case.hidden_size)
    for kind in ("hidden", "d_hidden", "d_pre"):
        for place, array in getattr(observation, kind).items():
            yield f"{kind}[{place}]", array, inner if place in problem.places else None
