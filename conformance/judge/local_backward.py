"""The backward half of the local check: dL/dh_t of every step, then what is summed from it.

dL/dh_t = dL/doutput_t + dL/dh_n (at the last step) + W_hhᵀ δ_{t+1} + Σ W_ihᵀ δ_t of the layer above
dL/dh_0 = W_hhᵀ δ of the first step        dL/dx_t = Σ W_ihᵀ δ_t of the first layer
dL/dW   = Σ_t δ_tᵀ ⊗ what the step read    with δ_t = dL/da_t from the subject's own dL/dh_t and h_t
"""

from collections.abc import Iterator

import numpy as np

from conformance.judge import elman_bounds as bounds
from conformance.judge import geometry
from conformance.judge.comparison import Comparison
from conformance.judge.local_forward import STATE, STEP
from conformance.judge.setting import Setting
from conformance.judge.steps import Backward, Flow, Forward, backward_step
from conformance.observation import Place
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
    flows = {
        place: backward_step(
            setting.cell, setting.precision, forward, geometry.rows(setting.inner.d_hidden[place])
        )
        for place, forward in steps.items()
    }
    for layer in reversed(range(setting.problem.case.layers)):
        for place in setting.sides(layer):
            yield from _state_gradients(setting, flows, place)
            yield from _initial_gradient(setting, flows[place])
            yield from _parameter_gradients(setting, flows[place])
    if setting.observation.d_x is not None:
        yield _input_gradient(setting, flows, setting.observation.d_x)


def _state_gradients(setting: Setting, flows: dict[Place, Backward], place: Place) -> Iterator[Comparison]:
    """Compare every dL/dh_t and dL/da_t of a place."""
    layer, d = place
    judged = geometry.active(setting.problem)
    upper = setting.sides(layer + 1)
    if place in setting.observation.d_hidden:
        total, addends = _arriving(setting, flows, place)
        hidden = setting.problem.case.hidden_size
        yield Comparison(
            phase="backward",
            quantity="dL/dh",
            layer=layer,
            direction=d,
            axes=STEP,
            got=setting.inner.d_hidden[place],
            expected=total.value,
            bound=bounds.gradient_sum(setting.precision, total, products=hidden, addends=addends),
            terms=total.terms,
            judged=judged,
            poisoned=_arriving_poison(setting, flows, place),
            backwards=d == 0,
            inherited=setting.borrows("hidden", place, *upper) or setting.borrows("d_hidden", *upper),
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
            terms=setting.by_step(np.abs(step.d_hidden)),
            judged=judged,
            poisoned=None if step.poisoned is None else setting.by_step(step.poisoned),
            backwards=d == 0,
            inherited=setting.borrows("hidden", place) or setting.borrows("d_hidden", place),
        )


def _arriving(setting: Setting, flows: dict[Place, Backward], place: Place) -> tuple[Flow, int]:
    """Return the sum that dL/dh_t is at every step (T, B, H), and how many addends it has."""
    problem, (layer, d) = setting.problem, place
    own = slice(d * problem.case.hidden_size, (d + 1) * problem.case.hidden_size)
    after = flows[place].to_previous.mapped(setting.by_step)
    addends = [after.mapped(lambda values: geometry.from_step_after(values, reverse=d == 1))]
    addends += [
        flows[side].to_input.mapped(lambda rows: setting.by_step(rows)[..., own])
        for side in setting.sides(layer + 1)
    ]
    if layer == problem.case.layers - 1 and problem.d_output is not None:
        addends.append(Flow.given(setting.sequence(problem.d_output)[..., own]))
    if problem.d_h_n is not None:
        last = geometry.last_steps(problem, reverse=d == 1)
        addends.append(Flow.given(np.where(last, setting.states(problem.d_h_n)[place], 0.0)))
    return Flow.summed(addends), len(addends)


def _arriving_poison(setting: Setting, flows: dict[Place, Backward], place: Place) -> Array | None:
    """Return where a NaN or an infinity reaches dL/dh_t, from the step after or from the layer above."""
    layer, d = place
    reached: list[Array] = []
    if (rows := flows[place].poisoned) is not None:
        reached.append(geometry.from_step_after(setting.by_step(rows), reverse=d == 1))
    above = [flows[side].poisoned for side in setting.sides(layer + 1)]
    reached += [setting.by_step(rows) for rows in above if rows is not None]
    return np.logical_or.reduce(reached) if reached else None


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
        bound=bounds.gradient_sum(setting.precision, flow, products=hidden, addends=0),
        terms=flow.terms,
        poisoned=None if step.poisoned is None else (setting.by_step(step.poisoned) & at).any(axis=0),
        inherited=setting.borrows("hidden", place) or setting.borrows("d_hidden", place),
    )


def _input_gradient(setting: Setting, flows: dict[Place, Backward], d_x: Array) -> Comparison:
    """Compare dL/dx_t with what the directions of the first layer pass down; it is 0 in the padding."""
    sides = setting.sides(0)
    total = Flow.summed([flows[side].to_input.mapped(setting.by_step) for side in sides])
    poisoned = [rows for side in sides if (rows := flows[side].poisoned) is not None]
    return Comparison(
        phase="backward",
        quantity="dL/dx",
        layer=None,
        direction=None,
        axes=("t", "row", "input"),
        got=setting.problem.layout.time_major(d_x).astype(np.float64),
        expected=total.value,
        bound=bounds.gradient_sum(
            setting.precision, total, products=setting.problem.case.hidden_size, addends=len(sides)
        ),
        terms=total.terms,
        poisoned=setting.by_step(np.logical_or.reduce(poisoned)) if poisoned else None,
        backwards=True,
        inherited=setting.borrows("hidden", *sides) or setting.borrows("d_hidden", *sides),
    )


def _parameter_gradients(setting: Setting, step: Backward) -> Iterator[Comparison]:
    """Compare the gradient of every parameter of a place, and each step's share of it where shown."""
    place = layer, d = step.forward.place
    borrowed = setting.borrows("hidden", place, *setting.sides(layer - 1)) or setting.borrows(
        "d_hidden", place
    )
    steps, batch = setting.problem.case.steps, setting.problem.case.batch
    for name in setting.problem.weights_at(place):
        kind = name[: name.index("_l")]
        quantity, axes = PARAMETERS[kind]
        read = {"weight_ih": step.forward.x, "weight_hh": step.forward.previous}.get(kind)
        for shown, by_step in (
            (setting.observation.step_parameters, True),
            (setting.observation.parameters, False),
        ):
            if name not in shown:
                continue
            flow = _summed(step, read, steps if by_step else 1)
            yield Comparison(
                phase="backward",
                quantity=f"{quantity} of a step" if by_step else quantity,
                layer=layer,
                direction=d,
                axes=("t", *axes) if by_step else axes,
                got=shown[name].astype(np.float64),
                expected=flow.value if by_step else flow.value[0],
                bound=bounds.parameter_gradient(
                    setting.precision,
                    flow if by_step else flow.mapped(lambda v: v[0]),
                    summands=batch if by_step else steps * batch,
                ),
                terms=flow.terms if by_step else flow.terms[0],
                poisoned=None if step.poisoned is None else np.True_,
                backwards=by_step and d == 0,
                inherited=borrowed,
            )


def _summed(step: Backward, read: Array | None, groups: int) -> Flow:
    """Sum δ ⊗ what was read over `groups` equal groups of consecutive rows; biases read 1."""
    d_a, size, epsilon = (
        rows.reshape(groups, -1, rows.shape[-1]) for rows in (step.d_a, np.abs(step.d_a), step.epsilon)
    )
    with np.errstate(all="ignore"):
        if read is None:
            return Flow(value=d_a.sum(axis=1), terms=size.sum(axis=1), inherited=epsilon.sum(axis=1))
        y = read.reshape(groups, -1, read.shape[-1])
        amount = np.abs(y)
        return Flow(
            value=d_a.swapaxes(1, 2) @ y,  # (G, H, N) @ (G, N, I) -> (G, H, I)
            terms=size.swapaxes(1, 2) @ amount,
            inherited=epsilon.swapaxes(1, 2) @ amount,
        )
