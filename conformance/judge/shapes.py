"""Whether what a subject shows has the shapes and the precision of what it claims to be.

Nothing is ever broadcast: a gradient of shape (1,) or (B, H) where (H,) belongs is a mistake, told as such.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from conformance.cases import Problem
from conformance.judge.comparison import Finding
from conformance.judge.steps import bounds_of
from conformance.subjects.observation import Observation
from refrnn import Array

INNER, BESIDE = ("hidden", "d_hidden", "d_pre"), ("inner", "d_inner", "d_passed")
"""What observations show of steps: by place, and by letter and place."""


def malformed(problem: Problem, observation: Observation) -> list[str]:
    """Return a sentence for every array that has a wrong name, type, shape or precision."""
    if not isinstance(observation, Observation):
        return [
            f"run must return an Observation; got {type(observation).__name__}. Is a return statement missing?"
        ]
    complaints = [
        f"{name} must map names or places to arrays; got {type(getattr(observation, name)).__name__}."
        for name in ("parameters", *INNER, *BESIDE, "step_parameters")
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
    finals = [f"{letter}_n" for letter in problem.case.carried]
    missing = [name for name in ("output", *finals) if getattr(observation, name) is None]
    missing += ["y"] if observation.y is None and problem.head is not None else []
    missing += ["dL/dx"] if observation.d_x is None else []
    missing += [
        f"dL/d{letter}_0" for letter in problem.given_states if getattr(observation, f"d_{letter}_0") is None
    ]
    missing += [f"dL/d{name}" for name in problem.parameters if name not in observation.parameters]
    missing += [f"h of {place}" for place in problem.places if place not in observation.hidden]
    missing += [f"dL/dh of {place}" for place in problem.places if place not in observation.d_hidden]
    others = [(letter, place) for letter in problem.case.carried[1:] for place in problem.places]
    missing += [
        f"{letter} of {place}" for letter, place in others if (letter, place) not in observation.inner
    ]
    shown = {*observation.d_inner, *observation.d_passed}
    return missing + [f"dL/d{letter} of {place}" for letter, place in others if (letter, place) not in shown]


def not_judged(observation: Observation, findings: Iterable[Finding]) -> list[str]:
    """Return the inner steps that are shown but could not be judged, for lack of those that they build on."""
    comparisons = [finding.comparison for finding in findings]
    judged = {(c.quantity, c.layer, c.direction) for c in comparisons}
    shown = [("h", place) for place in observation.hidden]
    shown += [("dL/dh", place) for place in observation.d_hidden]
    shown += observation.inner
    shown += [(f"dL/d{letter}", place) for letter, place in observation.d_inner]
    shown += [(f"dL/d{letter} from later steps", place) for letter, place in observation.d_passed]
    left = [f"{quantity} of {place}" for quantity, place in shown if (quantity, *place) not in judged]
    before = {(c.layer, c.direction) for c in comparisons if c.quantity.startswith("dL/da")}
    left += [f"dL/da of {place}" for place in observation.d_pre if place not in before]
    steps = sum(c.quantity.endswith(" of a step") for c in comparisons)
    return left + (["steps' shares of gradients"] if steps < len(observation.step_parameters) else [])


def _expectations(
    problem: Problem, observation: Observation
) -> Iterator[tuple[str, Array, tuple[int, ...] | None]]:
    """Yield the name, the array and the right shape of all that is shown, None where nothing is right."""
    case, layout = problem.case, problem.layout
    states = {
        letter: layout.state_shape(len(problem.places), case.batch, case.width_of(letter)) for letter in "hc"
    }
    carried = {letter: states[letter] if letter in case.carried else None for letter in states}
    results = {
        "output": (
            observation.output,
            layout.shape(case.steps, case.batch, case.directions * case.state_size),
        ),
        "h_n": (observation.h_n, carried["h"]),
        "c_n": (observation.c_n, carried["c"]),
        "y": (
            observation.y,
            None if problem.head is None else layout.shape(case.steps, case.batch, case.output_size),
        ),
        "d_x": (observation.d_x, problem.x.shape),
        "d_h_0": (observation.d_h_0, carried["h"]),
        "d_c_0": (observation.d_c_0, carried["c"]),
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
    rows = len(next(iter(problem.weights.values())))
    for kind, width in zip(INNER, (case.state_size, case.state_size, rows), strict=True):
        for place, array in getattr(observation, kind).items():
            shape = (case.steps, case.batch, width) if place in problem.places else None
            yield f"{kind}[{place}]", array, shape
    for kind in BESIDE:
        letters = bounds_of(case).letters if kind == "inner" else case.carried[1:]
        for (letter, place), array in getattr(observation, kind).items():
            known = letter in letters and place in problem.places
            yield (
                f"{kind}[{letter!r}, {place}]",
                array,
                (case.steps, case.batch, case.hidden_size) if known else None,
            )
