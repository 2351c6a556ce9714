"""The backward half of the local check: dL/dh_t of every step, then what is summed from it.

dL/dh_t = dL/doutput_t + dL/dh_n (at the last step) + W_hhᵀ δ_{t+1} + Σ W_ihᵀ δ_t of the layer above
dL/dh_0 = W_hhᵀ δ of the first step        dL/dx_t = Σ W_ihᵀ δ_t of the first layer
dL/dW   = Σ_t δ_tᵀ ⊗ what the step read    with δ_t = dL/da_t from the subject's own dL/dh_t and h_t

What a cell carries beside h is reached by later steps, by dL/dc_n at the last step, and by dL/dh_t of the same step.
"""

from collections.abc import Iterator

import numpy as np

from conformance.judge import geometry
from conformance.judge.comparison import Comparison
from conformance.judge.flow import Flow, gradient_sum, magnitude
from conformance.judge.known import Known, as_flow
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
    "weight_hr": ("dL/dW_hr", ("unit", "source")),
}
"""Each kind of parameter: the name of its gradient, and of its axes."""


def backward_comparisons(setting: Setting, steps: dict[Place, Forward]) -> Iterator[Comparison]:
    """Yield the comparisons of the backward pass from the last layer down."""
    if setting.problem.d_output is None and not setting.problem.seen_finals:
        return
    yield from head_gradients(setting)
    flows = _flows(setting, steps)
    for layer in reversed(range(setting.problem.case.layers)):
        for place in setting.sides(layer):
            if place in flows:
                yield from _state_gradients(setting, flows, place)
                yield from _pre_activation_gradients(setting, flows[place])
                yield from _initial_gradients(setting, flows[place])
                yield from _parameter_gradients(setting, flows[place])
    if setting.observation.d_x is not None and set(setting.sides(0)) <= set(flows):
        yield _input_gradient(setting, flows, setting.observation.d_x)


def _flows(setting: Setting, steps: dict[Place, Forward]) -> dict[Place, Backward]:
    """Take the backward steps of every place, from the last layer down as far as they are shown without a gap."""
    flows: dict[Place, Backward] = {}
    for layer in reversed(range(setting.problem.case.layers)):
        for place in setting.sides(layer):
            above = setting.sides(layer + 1)
            if place in steps and setting.shows_gradients(place) and set(above) <= set(flows):
                flows[place] = backward_step(
                    setting.bounds,
                    setting.precision,
                    steps[place],
                    setting.of_place(setting.inner.gradients, place),
                    setting.of_place(setting.inner.passed, place),
                )
    return flows


def _state_gradients(setting: Setting, flows: dict[Place, Backward], place: Place) -> Iterator[Comparison]:
    """Compare what reaches the carried vectors of a place at every step."""
    inner = setting.inner
    above = len(setting.sides(place[0] + 1))
    for letter in setting.problem.case.carried:
        after, terms = _passed(setting, flows[place], letter)
        finals = _final_cotangent(setting, letter, place)
        if letter == "h":
            others, products = _from_outside(setting, flows, place)
            total, count = Flow.summed([after, *others, *finals]), terms + products
            cotangents = len(others) - above + len(finals)
            stored = 1 + above + cotangents + (setting.problem.dropout_roundings if above else 0)
        else:
            within = as_flow(flows[place].within[letter]).mapped(setting.by_step)
            total, count = Flow.summed([after, *finals, within]), terms + 1
            cotangents, stored = len(finals), 2 + len(finals)
            if (letter, place) in inner.passed:
                passed = Flow.summed([after, *finals])
                yield _state_gradient(
                    setting,
                    place,
                    f"dL/d{letter} from later steps",
                    inner.passed[letter, place],
                    passed,
                    gradient_sum(
                        setting.precision, passed, products=terms, stored=stored, addends=cotangents
                    ),
                )
        if (letter, place) in inner.gradients:
            yield _state_gradient(
                setting,
                place,
                f"dL/d{letter}",
                inner.gradients[letter, place],
                total,
                gradient_sum(setting.precision, total, products=count, stored=stored, addends=cotangents),
            )


def _state_gradient(
    setting: Setting, place: Place, quantity: str, got: Array, total: Flow, bound: Array
) -> Comparison:
    return Comparison(
        phase="backward",
        quantity=quantity,
        layer=place[0],
        direction=place[1],
        axes=STEP,
        got=got,
        expected=total.value,
        bound=bound,
        terms=total.terms,
        judged=geometry.active(setting.problem),
        backwards=place[1] == 0,
    )


def _pre_activation_gradients(setting: Setting, step: Backward) -> Iterator[Comparison]:
    """Compare every dL/da_t of a place, each block of rows of W_ih by itself."""
    place = layer, d = step.forward.place
    if place not in setting.observation.d_pre:
        return
    judged, delta, blocks = geometry.active(setting.problem), step.returned.d_ih, setting.bounds.blocks
    got = np.where(judged, setting.observation.d_pre[place], 0.0).astype(np.float64)
    width = got.shape[-1] // len(blocks)
    terms = magnitude(step.d_h) if len(blocks) == 1 else None
    for n, letter in enumerate(blocks):
        part = slice(n * width, (n + 1) * width)
        own = delta.columns(part.start, part.stop)
        yield Comparison(
            phase="backward",
            quantity=f"dL/da_{letter}" if letter else "dL/da",
            layer=layer,
            direction=d,
            axes=STEP,
            got=got[..., part],
            expected=setting.by_step(own.value),
            bound=setting.by_step(own.error),
            terms=setting.by_step(magnitude(own.value) if terms is None else terms),
            judged=judged,
            backwards=d == 0,
        )


def _passed(setting: Setting, step: Backward, letter: str) -> tuple[Flow, int]:
    """Return what the step after every step passes back to a carried vector (T, B, ·), and of how many terms."""
    passed, reverse = step.returned.passed[letter], step.forward.place[1] == 1
    after = passed.flow.mapped(setting.by_step)
    return after.mapped(lambda values: geometry.from_step_after(values, reverse=reverse)), passed.terms


def _from_outside(setting: Setting, flows: dict[Place, Backward], place: Place) -> tuple[list[Flow], int]:
    """Return what reaches h_t of a place (T, B, P) from the layer above or the output, and of how many products."""
    problem, (layer, d) = setting.problem, place
    width = problem.case.state_size
    own = slice(d * width, (d + 1) * width)
    sides = setting.sides(layer + 1)
    found = [
        flows[side].to_input.mapped(lambda rows: problem.dropped(layer, setting.by_step(rows))[..., own])
        for side in sides
    ]
    products = sum(len(flows[side].forward.rows.weights.ih) for side in sides)
    products += problem.dropout_roundings if sides else 0
    if layer == problem.case.layers - 1:
        products += problem.case.output_size
        if problem.d_output is not None:
            seen = through_head(setting) or Flow.given(setting.sequence(problem.d_output))
            found.append(seen.mapped(lambda values: values[..., own]))
    return found, products


def _final_cotangent(setting: Setting, letter: str, place: Place) -> list[Flow]:
    """Return the cotangent of a final state where its scan ends (T, B, ·), 0 elsewhere; nothing without one."""
    problem = setting.problem
    if letter not in problem.seen_finals:
        return []
    last = geometry.last_steps(problem, reverse=place[1] == 1)
    return [Flow.given(np.where(last, setting.states(problem.seen_finals[letter])[place], 0.0))]


def _initial_gradients(setting: Setting, step: Backward) -> Iterator[Comparison]:
    """Compare dL/dh_0 and dL/dc_0 of a place with what its first step passes back."""
    place = layer, d = step.forward.place
    at = geometry.first_steps(setting.problem, reverse=d == 1)
    for letter, passed in step.returned.passed.items():
        shown = getattr(setting.observation, f"d_{letter}_0")
        if shown is None:
            continue
        flow = passed.flow.mapped(lambda rows: geometry.picked(setting.by_step(rows), at))
        yield Comparison(
            phase="backward",
            quantity=f"dL/d{letter}_0",
            layer=layer,
            direction=d,
            axes=STATE,
            got=setting.states(shown)[place],
            expected=flow.value,
            bound=gradient_sum(setting.precision, flow, products=passed.terms, stored=1),
            terms=flow.terms,
        )


def _input_gradient(setting: Setting, flows: dict[Place, Backward], d_x: Array) -> Comparison:
    """Compare dL/dx_t with what the directions of the first layer pass down; it is 0 in the padding."""
    sides = setting.sides(0)
    total = Flow.summed([flows[side].to_input.mapped(setting.by_step) for side in sides])
    products = sum(len(flows[side].forward.rows.weights.ih) for side in sides)
    return Comparison(
        phase="backward",
        quantity="dL/dx",
        layer=None,
        direction=None,
        axes=("t", "row", "input"),
        got=setting.problem.layout.time_major(d_x).astype(np.float64),
        expected=total.value,
        bound=gradient_sum(setting.precision, total, products=products, stored=len(sides)),
        terms=total.terms,
        backwards=True,
    )


def _parameter_gradients(setting: Setting, step: Backward) -> Iterator[Comparison]:
    """Compare the gradient of every parameter of a place, and each step's share of it where shown."""
    shown, place = setting.observation, step.forward.place
    factors = {
        kind: [tuple(_taken(setting, rows) for rows in pair) for pair in pairs]
        for kind, pairs in _factors(step).items()
    }
    for name in setting.problem.weights_at(place):
        kind = name[: name.index("_l")]
        for gradients, groups in ((shown.step_parameters, setting.problem.case.steps), (shown.parameters, 1)):
            if name in gradients:
                flow = Flow.stacked([_summed(*pair, groups) for pair in factors[kind]])
                by_step = gradients is shown.step_parameters
                yield _parameter_gradient(setting, step, kind, gradients[name], flow, by_step=by_step)


def _factors(step: Backward) -> dict[str, list[tuple[Known, Known | None]]]:
    """Return by kind of parameter what its gradient is a sum of, over rows: δ ⊗ what was read; biases read 1.

    Where not all rows of a parameter read the same, those of each pair stand below those of the one before.
    """
    returned, rows = step.returned, step.forward.rows
    d_hh, h_prev = returned.d_hh, Known.exactly(rows.previous["h"])
    found: dict[str, list[tuple[Known, Known | None]]] = {
        "weight_ih": [(returned.d_ih, Known.exactly(rows.x))],
        "weight_hh": [(d_hh, h_prev)],
        "bias_ih": [(returned.d_ih, None)],
        "bias_hh": [(d_hh, None)],
    }
    if returned.read is not None:
        end = d_hh.value.shape[-1]
        first = end - returned.read.value.shape[-1]
        found["weight_hh"] = [(d_hh.columns(0, first), h_prev), (d_hh.columns(first, end), returned.read)]
    return found if returned.d_hr is None else found | {"weight_hr": [returned.d_hr]}


def _taken(setting: Setting, rows: Known | None) -> Known | None:
    """Return rows with 0 in the padding, where weights that aren't finite make NaN of zeros."""
    return None if rows is None else Known(setting.by_step(rows.value), setting.by_step(rows.error))


def _parameter_gradient(
    setting: Setting, step: Backward, kind: str, got: Array, flow: Flow, *, by_step: bool
) -> Comparison:
    """Compare Σ δ ⊗ (what the step read) over the whole batch, or over every step's batch."""
    steps, batch = setting.problem.case.steps, setting.problem.case.batch
    added, place = 1 if by_step else steps, step.forward.place
    quantity, axes = PARAMETERS[kind]
    read = step.forward.rows.roundings if kind == "weight_ih" else 0
    flow = flow if by_step else flow.mapped(_only)
    return Comparison(
        phase="backward",
        quantity=f"{quantity} of a step" if by_step else quantity,
        layer=place[0],
        direction=place[1],
        axes=("t", *axes) if by_step else axes,
        got=got.astype(np.float64),
        expected=flow.value,
        bound=gradient_sum(setting.precision, flow, products=added * batch + read, stored=added + read),
        terms=flow.terms,
        backwards=by_step and place[1] == 0,
    )


def _only(groups: Array) -> Array:
    return groups[0]


def _summed(delta: Known, read: Known | None, groups: int) -> Flow:
    """Sum δ ⊗ what was read (T, B, ·) over `groups` equal groups of consecutive rows; None reads 1."""
    d_a, size, epsilon = (
        rows.reshape(groups, -1, rows.shape[-1])
        for rows in (delta.value, magnitude(delta.value), delta.error)
    )
    if read is None:
        return Flow(value=d_a.sum(axis=1), terms=size.sum(axis=1), inherited=epsilon.sum(axis=1))
    y, doubt = (rows.reshape(groups, -1, rows.shape[-1]) for rows in (read.value, read.error))
    amount = magnitude(y)
    inherited = epsilon.swapaxes(1, 2) @ amount
    if doubt.any():
        inherited += (size + epsilon).swapaxes(1, 2) @ doubt
    return Flow(
        value=d_a.swapaxes(1, 2) @ y,  # (G, rows, N) @ (G, N, I) -> (G, rows, I)
        terms=size.swapaxes(1, 2) @ amount,
        inherited=inherited,
    )
