"""The backward half of the local check: dL/dh_t of every step, then what is summed from it.

dL/dh_t = dL/doutput_t + dL/dh_n (at the last step) + W_hhᵀ δ_{t+1} + Σ W_ihᵀ δ_t of the layer above
dL/dh_0 = W_hhᵀ δ of the first step        dL/dx_t = Σ W_ihᵀ δ_t of the first layer
dL/dW   = Σ_t δ_tᵀ ⊗ what the step read    with δ_t = dL/da_t from the subject's own dL/dh_t and h_t
"""

from collections.abc import Iterator
from functools import cache

import numpy as np

from conformance.judge import elman_bounds as bounds
from conformance.judge import geometry
from conformance.judge.comparison import Comparison
from conformance.judge.flow import Flow, magnitude
from conformance.judge.local_forward import STATE, STEP
from conformance.judge.local_head import head_gradients, through_head
from conformance.judge.setting import Setting
from conformance.judge.steps import Backward, Forward, backward_step
from conformance.subjects.observation import Place
from refrnn import Array

PARAMETERS = {
    "weight_ih": ("dL/dW_ih", ("unit", "input")),
    "weight_hh": ("dL/dW_hh", ("unit", "source")),
    "bias_ih": ("dL/db_ih", ("unit",)),
    "bias_hh": ("dL/db_hh", ("unit",)),
}
"""Each kind of parameter: the name of its gradient, and of its axes."""


def backward_comparisons(setting: Setting, steps: dict[Place, Forward]) -> Iterator[Comparison]:
    """Yield the comparisons of the backward pass from the last layer down."""
    if setting.problem.d_output is None and setting.problem.d_h_n is None:
        return
    yield from head_gradients(setting)
    flows = _flows(setting, steps)
    for layer in reversed(range(setting.problem.case.layers)):
        for place in setting.sides(layer):
            if place in flows:
                yield from _state_gradients(setting, flows, place)
                yield from _initial_gradient(setting, flows[place])
                yield from _parameter_gradients(setting, flows[place])
    if setting.observation.d_x is not None and set(setting.sides(0)) <= set(flows):
        yield _input_gradient(setting, flows, setting.observation.d_x)


def _flows(setting: Setting, steps: dict[Place, Forward]) -> dict[Place, Backward]:
    """Take the backward steps of every place, from the last layer down as far as they are shown without a gap."""
    flows: dict[Place, Backward] = {}
    for layer in reversed(range(setting.problem.case.layers)):
        for place in setting.sides(layer):
            above = setting.sides(layer + 1)
            if place in steps and setting.shows(d_hidden=[place]) and set(above) <= set(flows):
                d_hidden = geometry.rows(setting.inner.d_hidden[place])
                flows[place] = backward_step(setting.cell, setting.precision, steps[place], d_hidden)
    return flows


def _state_gradients(setting: Setting, flows: dict[Place, Backward], place: Place) -> Iterator[Comparison]:
    """Compare every dL/dh_t and dL/da_t of a place."""
    layer, d = place
    judged = geometry.active(setting.problem)
    if place in setting.observation.d_hidden:
        total, cotangents = _arriving(setting, flows, place)
        products = setting.problem.case.hidden_size * (1 + len(setting.sides(layer + 1)))
        products += setting.problem.case.output_size if layer == setting.problem.case.layers - 1 else 0
        yield Comparison(
            phase="backward",
            quantity="dL/dh",
            layer=layer,
            direction=d,
            axes=STEP,
            got=setting.inner.d_hidden[place],
            expected=total.value,
            bound=bounds.gradient_sum(
                setting.precision,
                total,
                products=products,
                stored=1 + len(setting.sides(layer + 1)) + cotangents,
                addends=cotangents,
            ),
            terms=total.terms,
            judged=judged,
            backwards=d == 0,
        )
    if place in setting.observation.d_pre:
        step = flows[place]
        yield Comparison(
            phase="backward",
            quantity="dL/da",
            layer=layer,
            direction=d,
            axes=STEP,
            got=np.where(judged, setting.observation.d_pre[place], 0.0).astype(np.float64),
            expected=setting.by_step(step.d_a),
            bound=setting.by_step(step.epsilon),
            terms=setting.by_step(magnitude(step.d_hidden)),
            judged=judged,
            backwards=d == 0,
        )


def _arriving(setting: Setting, flows: dict[Place, Backward], place: Place) -> tuple[Flow, int]:
    """Return the sum that dL/dh_t is at every step (T, B, H), and how many cotangents enter it."""
    problem, (layer, d) = setting.problem, place
    own = slice(d * problem.case.hidden_size, (d + 1) * problem.case.hidden_size)
    after = flows[place].to_previous.mapped(setting.by_step)
    products = [after.mapped(lambda values: geometry.from_step_after(values, reverse=d == 1))]
    products += [
        flows[side].to_input.mapped(lambda rows: problem.dropped(layer, setting.by_step(rows))[..., own])
        for side in setting.sides(layer + 1)
    ]
    cotangents: list[Flow] = []
    if layer == problem.case.layers - 1 and problem.d_output is not None:
        seen = through_head(setting) or Flow.given(setting.sequence(problem.d_output))
        cotangents.append(seen.mapped(lambda values: values[..., own]))
    if problem.d_h_n is not None:
        last = geometry.last_steps(problem, reverse=d == 1)
        cotangents.append(Flow.given(np.where(last, setting.states(problem.d_h_n)[place], 0.0)))
    return Flow.summed(products + cotangents), len(cotangents)


def _initial_gradient(setting: Setting, step: Backward) -> Iterator[Comparison]:
    """Compare dL/dh_0 of a place with what its first step passes back."""
    if setting.observation.d_h_0 is None:
        return
    place = layer, d = step.forward.place
    at = geometry.first_steps(setting.problem, reverse=d == 1)
    flow = step.to_previous.mapped(lambda rows: geometry.picked(setting.by_step(rows), at))
    hidden = setting.problem.case.hidden_size
    yield Comparison(
        phase="backward",
        quantity="dL/dh_0",
        layer=layer,
        direction=d,
        axes=STATE,
        got=setting.states(setting.observation.d_h_0)[place],
        expected=flow.value,
        bound=bounds.gradient_sum(setting.precision, flow, products=hidden, stored=1),
        terms=flow.terms,
    )


def _input_gradient(setting: Setting, flows: dict[Place, Backward], d_x: Array) -> Comparison:
    """Compare dL/dx_t with what the directions of the first layer pass down; it is 0 in the padding."""
    sides = setting.sides(0)
    total = Flow.summed([flows[side].to_input.mapped(setting.by_step) for side in sides])
    products = setting.problem.case.hidden_size * len(sides)
    return Comparison(
        phase="backward",
        quantity="dL/dx",
        layer=None,
        direction=None,
        axes=("t", "row", "input"),
        got=setting.problem.layout.time_major(d_x).astype(np.float64),
        expected=total.value,
        bound=bounds.gradient_sum(setting.precision, total, products=products, stored=len(sides)),
        terms=total.terms,
        backwards=True,
    )


def _parameter_gradients(setting: Setting, step: Backward) -> Iterator[Comparison]:
    """Compare the gradient of every parameter of a place, and each step's share of it where shown."""
    shown, forward = setting.observation, step.forward
    read = {"weight_ih": forward.x, "weight_hh": forward.previous}

    @cache  # both biases read 1
    def summed(kind: str | None, groups: int) -> Flow:
        return _summed(step, None if kind is None else read[kind], groups)

    for name in setting.problem.weights_at(forward.place):
        kind = name[: name.index("_l")]
        for gradients, groups in ((shown.step_parameters, setting.problem.case.steps), (shown.parameters, 1)):
            if name in gradients:
                flow = summed(kind if kind in read else None, groups)
                by_step = gradients is shown.step_parameters
                yield _parameter_gradient(
                    setting, forward.place, kind, gradients[name], flow, by_step=by_step
                )


def _parameter_gradient(
    setting: Setting, place: Place, kind: str, got: Array, flow: Flow, *, by_step: bool
) -> Comparison:
    """Compare Σ δ ⊗ (what the step read) over the whole batch, or over every step's batch."""
    steps, batch = setting.problem.case.steps, setting.problem.case.batch
    added = 1 if by_step else steps
    quantity, axes = PARAMETERS[kind]
    flow = flow if by_step else flow.mapped(_only)
    return Comparison(
        phase="backward",
        quantity=f"{quantity} of a step" if by_step else quantity,
        layer=place[0],
        direction=place[1],
        axes=("t", *axes) if by_step else axes,
        got=got.astype(np.float64),
        expected=flow.value,
        bound=bounds.gradient_sum(setting.precision, flow, products=added * batch, stored=added),
        terms=flow.terms,
        backwards=by_step and place[1] == 0,
    )


def _only(groups: Array) -> Array:
    return groups[0]


def _summed(step: Backward, read: Array | None, groups: int) -> Flow:
    """Sum δ ⊗ what was read over `groups` equal groups of consecutive rows; biases read 1."""
    d_a, size, epsilon = (
        rows.reshape(groups, -1, rows.shape[1]) for rows in (step.d_a, step.size, step.epsilon)
    )
    if read is None:
        return Flow(value=d_a.sum(axis=1), terms=size.sum(axis=1), inherited=epsilon.sum(axis=1))
    y = read.reshape(groups, -1, read.shape[1])
    amount = magnitude(y)
    return Flow(
        value=d_a.swapaxes(1, 2) @ y,  # (G, H, N) @ (G, N, I) -> (G, H, I)
        terms=size.swapaxes(1, 2) @ amount,
        inherited=epsilon.swapaxes(1, 2) @ amount,
    )
