"""The forward half of the local check: all that steps compute, then output, h_n and c_n, which are made of it."""

from collections.abc import Iterator

import numpy as np

from conformance.judge import geometry
from conformance.judge.comparison import Comparison
from conformance.judge.local_head import head_outputs
from conformance.judge.setting import Setting
from conformance.judge.step_bounds import Rows
from conformance.judge.steps import Forward, as_weights, forward_step
from conformance.subjects.observation import Place
from refrnn import Array

STEP = ("t", "row", "unit")
STATE = ("row", "unit")


def forward_steps(setting: Setting) -> dict[Place, Forward]:
    """Recompute the steps of every place from the first layer up, as far as the subject shows them without a gap."""
    steps: dict[Place, Forward] = {}
    for place in setting.problem.places:
        if setting.shows_states(place) and set(setting.sides(place[0] - 1)) <= set(steps):
            steps[place] = _steps(setting, place)
    return steps


def forward_comparisons(setting: Setting, steps: dict[Place, Forward]) -> Iterator[Comparison]:
    """Yield the comparisons of the forward pass from the first layer up."""
    for forward in steps.values():
        for letter in forward.expected:
            if letter in forward.rows.shown:
                yield _quantity(setting, forward, letter)
    if setting.observation.output is not None:
        yield _output(setting, setting.observation.output)
    for letter in setting.problem.case.carried:
        finals = getattr(setting.observation, f"{letter}_n")
        if finals is not None:
            for place, final in setting.states(finals).items():
                if (letter, place) in setting.inner.values:
                    yield _final_state(setting, letter, place, final)
    yield from head_outputs(setting)


def _steps(setting: Setting, place: Place) -> Forward:
    problem, values = setting.problem, setting.inner.values
    layer = place[0]
    if layer == 0:
        x = setting.sequence(problem.x)
    else:
        below = np.concatenate([values["h", side] for side in setting.sides(layer - 1)], axis=-1)
        x = problem.dropped(layer - 1, below)
    rows = Rows(
        weights=as_weights(problem.weights_at(place)),
        x=geometry.rows(x),
        previous={letter: geometry.rows(_before(setting, letter, place)) for letter in problem.case.carried},
        shown=setting.of_place(values, place),
        roundings=problem.dropout_roundings if layer else 0,
    )
    return forward_step(setting.bounds, setting.precision, place, rows)


def _before(setting: Setting, letter: str, place: Place) -> Array:
    """Return a carried vector before every step (T, B, ·): the subject's own, or the initial one."""
    problem, reverse = setting.problem, place[1] == 1
    initial = problem.initial_states[letter][problem.places.index(place)].astype(np.float64)
    before = geometry.from_step_before(setting.inner.values[letter, place], reverse=reverse)
    before = np.where(geometry.first_steps(problem, reverse=reverse), initial, before)
    return np.where(geometry.active(problem), before, 0.0)


def _quantity(setting: Setting, steps: Forward, letter: str) -> Comparison:
    """Compare one quantity of every step of a place."""
    (layer, d), expected = steps.place, steps.expected[letter]
    return Comparison(
        phase="forward",
        quantity=letter,
        layer=layer,
        direction=d,
        axes=STEP,
        got=setting.by_step(steps.rows.shown[letter]),
        expected=setting.by_step(expected.value),
        bound=setting.by_step(expected.bound),
        terms=setting.by_step(expected.terms),
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
        expected=np.concatenate([setting.inner.values["h", side] for side in top], axis=-1),
        bound=0.0,
        scale="copy",
    )


def _final_state(setting: Setting, letter: str, place: Place, got: Array) -> Comparison:
    """Compare h_n or c_n of a place with the last state of its scan, bit for bit."""
    layer, d = place
    at = geometry.last_steps(setting.problem, reverse=d == 1)
    return Comparison(
        phase="forward",
        quantity=f"{letter}_n",
        layer=layer,
        direction=d,
        axes=STATE,
        got=got,
        expected=geometry.picked(setting.inner.values[letter, place], at),
        bound=0.0,
        scale="copy",
    )
