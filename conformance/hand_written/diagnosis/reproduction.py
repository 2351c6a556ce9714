"""How far a simulated set of faults is from what was shown, in units of the rounding noise of that very simulation.

The simulation is replayed K times with rounding-sized perturbations of everything that goes in (which is the same at
all steps) and of every step's results. The spread of the replays is the noise, as for every end-to-end comparison.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from msgspec import Struct

from conformance.cases import FORMATS, Problem
from conformance.faults import Choices, simulate
from conformance.hand_written.diagnosis.material import Material
from conformance.hand_written.diagnosis.targets import after_its_own_forward
from conformance.judge import THRESHOLD, Precision
from conformance.judge.noise import FLOOR, REPLAYS, noises
from conformance.judge.noisy_arithmetic import perturbations
from conformance.subjects.observation import Observation
from refrnn import Array

PLACE = (0, 0)

LaidOut = Callable[[Problem, Observation], dict[str, Array]]
"""From what a network shows of a problem to arrays by name, batched and time-major."""


class Reproduction(Struct, frozen=True, kw_only=True):
    """How far a simulation is from everything that was shown, in units of its noise, by quantity.

    `noise` is the noise of each quantity over its largest element.
    """

    distances: Mapping[str, float]
    noise: Mapping[str, float]

    @property
    def residual(self) -> float:
        """The greatest distance; infinite where a shape differs or a number isn't finite."""
        return max(self.distances.values(), default=0.0)

    @property
    def fits(self) -> bool:
        """Whether everything shown is reproduced to rounding."""
        return self.residual <= THRESHOLD


def reproduced(material: Material, choices: Choices, factor: float) -> Reproduction:
    """Compare what one layer showed with the simulation of `choices`, all of whose cotangents carry `factor`."""
    return compared(material, _shown(material), choices, factor, _laid_out)


def compared(
    material: Material, shown: Mapping[str, Array], choices: Choices, factor: float, laid_out: LaidOut
) -> Reproduction:
    """Compare what was `shown`, by the names of `laid_out`, with the simulation of `choices`."""
    problem = asked_of(material, choices)
    precision = Precision.of(FORMATS["f32" if material.single else "f64"])
    rng = np.random.default_rng(problem.branch("noise"))
    exact = laid_out(problem, simulate(problem, choices, factor=factor))
    replays = [_replay(problem, choices, factor, precision.u, rng, laid_out) for _ in range(REPLAYS)]
    eta = FLOOR * problem.case.hidden_size * precision.eta
    distances, sizes = {}, {}
    with np.errstate(all="ignore"):
        for name, got in shown.items():
            want = exact[name]
            if got.shape != want.shape:
                distances[name] = np.inf
                continue
            scattered = np.array([[replay[name]] for replay in replays])
            (noise,) = noises(scattered, want[np.newaxis], (want.ndim - 1,), precision.u, eta)
            lost = _lost(material, name, precision.u)
            distances[name] = _greatest(np.abs(got - want) / (noise.value + lost))
            sizes[name] = float((noise.value + lost).max() / np.abs(want).max())
    return Reproduction(distances=distances, noise=sizes)


def asked_of(material: Material, choices: Choices) -> Problem:
    """Return the problem as the network of `choices` meets it, with an initial state, whose gradient may be shown."""
    problem = after_its_own_forward(material, choices).problem
    return replace(problem, h_0=problem.layout.restored_state(problem.initial_state))


def _lost(material: Material, name: str, u: float) -> Array | float:
    """Return what reading a gradient off an update in place costs: w − lr·g is only kept to u·|w|."""
    problem = material.problem
    held = dict(problem.weights) | (problem.head.parameters if problem.head is not None else {})
    return 0.0 if material.rate is None or name not in held else u * np.abs(held[name]) / material.rate


def _greatest(ratios: Array) -> float:
    worst = float(ratios.max())
    return worst if np.isfinite(worst) else np.inf


def _shown(material: Material) -> dict[str, Array]:
    """Return everything that was shown, by the names of `results`."""
    forward = {"hidden": material.states, "y": material.y, "h_n": material.h_n}
    if material.y is not None and material.problem.case.cotangents == "last":
        forward["y"] = material.y[-1:]
    found = {name: array for name, array in forward.items() if array is not None}
    return found | dict(material.parameters) | dict(material.inner)


def results(material: Material, choices: Choices, factor: float = 1.0) -> dict[str, Array]:
    """Return everything that the network of `choices` shows, batched and time-major."""
    problem = asked_of(material, choices)
    return _laid_out(problem, simulate(problem, choices, factor=factor))


def _laid_out(problem: Problem, simulated: Observation) -> dict[str, Array]:
    major, state = problem.layout.time_major, problem.layout.batched_state
    y = None if simulated.y is None else major(simulated.y)
    if y is not None and problem.case.cotangents == "last":
        y = y[-1:]
    found = {
        "hidden": simulated.hidden[PLACE],
        "y": y,
        "h_n": state(simulated.h_n)[0],
        "d_x": major(simulated.d_x),
        "d_h_0": state(simulated.d_h_0)[0],
        "d_hidden": simulated.d_hidden[PLACE],
        "d_pre": simulated.d_pre[PLACE],
    }
    return {name: array for name, array in found.items() if array is not None} | dict(simulated.parameters)


def _replay(
    problem: Problem,
    choices: Choices,
    factor: float,
    u: float,
    rng: np.random.Generator,
    laid_out: LaidOut = _laid_out,
) -> dict[str, Array]:
    def rounded(values: Array) -> Array:
        return values * (1 + u * perturbations(rng, values.shape))

    def maybe(values: Array | None) -> Array | None:
        return None if values is None else rounded(values)

    head = problem.head
    if head is not None:
        head = replace(head, weight=rounded(head.weight), bias=maybe(head.bias), d_y=maybe(head.d_y))
    changed = replace(
        problem,
        weights={name: rounded(w) for name, w in problem.weights.items()},
        x=rounded(problem.x),
        h_0=maybe(problem.h_0),
        d_output=maybe(problem.d_output),
        d_h_n=maybe(problem.d_h_n),
        head=head,
    )
    made = laid_out(problem, simulate(changed, choices, rounded, factor))
    return {name: rounded(array) for name, array in made.items()}
