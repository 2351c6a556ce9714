"""The local check of an output head: y and its parameters' gradients, recomputed from the subject's own states.

y_t = W h_t + b        dL/dW = Σ_t dL/dy_t ⊗ h_t        dL/db = Σ_t dL/dy_t        dL/dh_t += Wᵀ dL/dy_t
"""

from collections.abc import Iterator

import numpy as np

from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.judge import geometry
from conformance.judge.comparison import Comparison
from conformance.judge.flow import Flow, gradient_sum, magnitude
from conformance.judge.setting import Setting
from refrnn import Array

OUTPUT = ("t", "row", "output")
HEAD_PARAMETERS = {HEAD_WEIGHT: ("dL/dW_y", ("output", "unit")), HEAD_BIAS: ("dL/db_y", ("output",))}
"""Each parameter of the head: the name of its gradient, and of its axes."""


def head_outputs(setting: Setting) -> Iterator[Comparison]:
    """Yield the comparison of y with W h + b, where the subject shows y and the states that it is made of."""
    head, y, states = setting.problem.head, setting.observation.y, _states(setting)
    if head is None or y is None or states is None:
        return
    w = head.weight.astype(np.float64)
    bias = np.zeros(len(w)) if head.bias is None else head.bias.astype(np.float64)
    value = states @ w.T + bias  # (T, B, D·H) @ (D·H, O) -> (T, B, O)
    terms = magnitude(states) @ magnitude(w).T + magnitude(bias)
    products = w.shape[1] + 1
    p = setting.precision
    yield Comparison(
        phase="forward",
        quantity="y",
        layer=None,
        direction=None,
        axes=OUTPUT,
        got=setting.sequence(y),
        expected=value,
        bound=p.of_sum(products, terms, stored=2),
        terms=terms,
        judged=geometry.active(setting.problem),
    )


def head_gradients(setting: Setting) -> Iterator[Comparison]:
    """Yield the comparisons of the head's parameters' gradients, where the states are shown."""
    head, states = setting.problem.head, _states(setting)
    if head is None or head.d_y is None:
        return
    rows = geometry.rows(setting.sequence(head.d_y))
    steps = setting.problem.case.steps
    size = steps * setting.problem.case.batch
    for name in head.parameters:
        got = setting.observation.parameters.get(name)
        if got is None or (name == HEAD_WEIGHT and states is None):
            continue
        read = np.ones((len(rows), 1)) if name == HEAD_BIAS or states is None else geometry.rows(states)
        value, terms = rows.T @ read, magnitude(rows).T @ magnitude(read)
        flow = Flow(value=value, terms=terms, inherited=np.zeros_like(value))
        if name == HEAD_BIAS:
            flow = flow.mapped(lambda values: values[:, 0])
        quantity, axes = HEAD_PARAMETERS[name]
        yield Comparison(
            phase="backward",
            quantity=quantity,
            layer=None,
            direction=None,
            axes=axes,
            got=got.astype(np.float64),
            expected=flow.value,
            bound=gradient_sum(setting.precision, flow, products=size, stored=steps),
            terms=flow.terms,
        )


def through_head(setting: Setting) -> Flow | None:
    """Return dL/doutput as it comes through the head, (T, B, D·H): sums of O products; None without a head."""
    head = setting.problem.head
    if head is None or head.d_y is None:
        return None
    d_y, w = setting.sequence(head.d_y), head.weight.astype(np.float64)
    value = d_y @ w
    return Flow(value=value, terms=magnitude(d_y) @ magnitude(w), inherited=np.zeros_like(value))


def _states(setting: Setting) -> Array | None:
    """Return the subject's own states of the last layer (T, B, D·H), None where it doesn't show them."""
    top = setting.sides(setting.problem.case.layers - 1)
    if not setting.shows_outputs(top):
        return None
    return np.concatenate([setting.inner.values["h", side] for side in top], axis=-1)
