"""The forward half of the local check: h_t of every step, then output and h_n, which are made of them."""

from collections.abc import Iterator

import numpy as np

from conformance.judge import geometry
from conformance.judge.comparison import Comparison
from conformance.judge.local_head import head_outputs
from conformance.judge.setting import Setting
from conformance.judge.steps import Forward, forward_step
from conformance.subjects.observation import Place
from refrnn import Array

STEP = ("t", "row", "unit")
STATE = ("row", "unit")


def forward_steps(setting: Setting) -> dict[Place, Forward]:
    """Recompute the steps of every place from the first layer up, as far as the subject shows them without a gap."""
    steps: dict[Place, Forward] = {}
    for place in setting.problem.places:
        if setting.shows(hidden=[place]) and set(setting.sides(place[0] - 1)) <= set(steps):
            steps[place] = _steps(setting, place)
    return steps


def forward_comparisons(setting: Setting, steps: dict[Place, Forward]) -> Iterator[Comparison]:
    """Yield the comparisons of the forward pass from the first layer up."""
    for forward in steps.values():
        yield _states(setting, forward)
    if setting.observation.output is not None:
        yield _output(setting, setting.observation.output)
    if setting.observation.h_n is not None:
        for place, final in setting.states(setting.observation.h_n).items():
            if setting.shows(hidden=[place]):
                yield _final_state(setting, place, final)
    yield from head_outputs(setting)


def _steps(setting: Setting, place: Place) -> Forward:
    problem, hidden = setting.problem, setting.inner.hidden
    layer, d = place
    if layer == 0:
        x = setting.sequence(problem.x)
    else:
        below = np.concatenate([hidden[side] for side in setting.sides(layer - 1)], axis=-1)
        x = problem.dropped(layer - 1, below)
    h_0 = problem.initial_state[problem.places.index(place)].astype(np.float64)
    before = geometry.from_step_before(hidden[place], reverse=d == 1)
    before = np.where(geometry.first_steps(problem, reverse=d == 1), h_0, before)
    return forward_step(
        setting.cell,
        setting.precision,
        problem.weights_at(place),
        place,
        x=geometry.rows(x),
        previous=geometry.rows(np.where(geometry.active(problem), before, 0.0)),
        hidden=geometry.rows(hidden[place]),
    )


def _states(setting: Setting, steps: Forward) -> Comparison:
    """Compare every h_t of a place."""
    layer, d = steps.place
    return Comparison(
        phase="forward",
        quantity="h",
        layer=layer,
        direction=d,
        axes=STEP,
        got=setting.by_step(steps.hidden),
        expected=setting.by_step(steps.expected),
        bound=setting.by_step(steps.bound),
        terms=setting.by_step(steps.terms),
        judged=geometry.active(setting.problem),
        backwards=d == 1,
    )


def _output(setting: Setting, output: Array) -> Comparison:
    """Compare the output with the states of the last layer, bit for bit, and with 0 in the padding."""
    top = setting.sides(setting.problem.case.layers - 1)
    return Comparison(
        phase="forward",
        quantity="output",
        layer=None,
        direction=None,
        axes=STEP,
        got=setting.problem.layout.time_major(output).astype(np.float64),
        expected=np.concatenate([setting.inner.hidden[side] for side in top], axis=-1),
        bound=0.0,
        scale="copy",
    )


def _final_state(setting: Setting, place: Place, got: Array) -> Comparison:
    """Compare h_n of a place with the last state of its scan, bit for bit."""
    layer, d = place
    at = geometry.last_steps(setting.problem, reverse=d == 1)
    return Comparison(
        phase="forward",
        quantity="h_n",
        layer=layer,
        direction=d,
        axes=STATE,
        got=got,
        expected=geometry.picked(setting.inner.hidden[place], at),
        bound=0.0,
        scale="copy",
    )
