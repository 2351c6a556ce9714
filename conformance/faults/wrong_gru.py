"""A GRU of one layer and one direction as people write it, right or with one mistake: code apart from `refrnn`'s.

A mistake in the forward pass leaves the backward pass as people write it, over what the forward pass kept.

    r, z = σ(W x + b + U h' + c)        m = U_n h' + c_n        n = tanh(W_n x + b_n + r m)        h = (1 − z) n + z h'
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from msgspec import Struct

from conformance.faults.wrong_lstm import sigmoid, slope_of_sigmoid
from refrnn import Array

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "gru-reset-before-product": "The reset gate multiplies h before the product, not U_n h + c_n after it.",
        "gru-bias-outside-of-reset": "The recurrent bias of the candidate stands outside of the reset gate.",
        "gru-one-merged-bias": "Both biases of the candidate are one, outside of the reset gate.",
        "gru-z-swapped": "z and 1 − z are exchanged: h = z n + (1 − z) h'.",
        "gru-z-for-its-complement-in-dn": "The candidate's gradient has z for 1 − z.",
        "gru-tanh-prime-of-activated": "tanh' of the candidate is taken of the candidate: 1 − tanh²(n).",
        "gru-tanh-prime-missing": "tanh' of the candidate is left out.",
        "gru-dz-sign": "The update gate's gradient has the wrong sign.",
        "gru-dz-without-h-prev": "h_{t−1} is left out of the update gate's gradient.",
        "gru-h-for-h-prev-in-dz": "The update gate's gradient has h_t for h_{t−1}.",
        "gru-sigma-prime-of-activated": "σ' is taken of the gate: σ(s)(1 − σ(s)) for s (1 − s).",
        "gru-sigma-prime-missing-in-dz": "σ' of the update gate is left out.",
        "gru-sigma-prime-missing-in-dr": "σ' of the reset gate is left out.",
        "gru-bias-missing-in-dr": "The candidate's recurrent bias is left out of the reset gate's gradient.",
        "gru-dr-of-the-other-reset": "The reset gate's gradient is that of a reset before the product.",
        "gru-r-missing-in-du-and-back": "The reset gate is left out of dL/dU_n and of the way back.",
        "gru-r-missing-in-du": "The reset gate is left out of dL/dU_n.",
        "gru-r-missing-on-the-way-back": "The reset gate is left out of what is passed back.",
        "gru-equal-biases": "The candidate's recurrent bias has the gradient of its other bias.",
        "gru-direct-path-missing": "z h' is left out of what is passed back.",
        "gru-complement-on-direct-path": "What is passed back directly is multiplied by 1 − z, not z.",
        "gru-gates-missing-on-the-way-back": "Only z h' is passed back, nothing through the weights.",
        "gru-reset-path-missing": "The reset gate is left out of what is passed back through the weights.",
        "gru-u-untransposed": "The recurrent weights are not transposed on the way back.",
        "gru-dh-next-dropped": "What the next step passes back is left out.",
        "gru-h-for-h-prev-in-du": "dL/dU has h_t for h_{t−1}.",
        "gru-last-cache": "The last step's values stand for those of every step.",
        "gru-gradients-assigned": "The weights' gradients are those of the first step, not of all added up.",
    }
)
"""What can be wrong, by id."""


class Step(Struct, frozen=True):
    """What the forward pass keeps of a step, (B, ·) each."""

    x: Array
    h_prev: Array
    r: Array
    z: Array
    m: Array
    n: Array
    h: Array


class Parameters(Struct, frozen=True):
    """The weights in float64."""

    w: Array  # (3H, I)
    u: Array  # (3H, H)
    b: Array  # (3H,)
    c: Array  # (3H,)


def forward(p: Parameters, x: Array, h: Array, fault: str) -> list[Step]:
    """Run over x (T, B, I) from h (B, H)."""
    steps: list[Step] = []
    c_n = np.split(p.c, 3)[2]
    for x_t in x:
        (ax_r, ax_z, ax_n), (ah_r, ah_z, m) = (
            np.split(a, 3, axis=1) for a in (x_t @ p.w.T + p.b, h @ p.u.T + p.c)
        )
        r, z = sigmoid(ax_r + ah_r), sigmoid(ax_z + ah_z)
        if fault == "gru-reset-before-product":
            n = np.tanh(ax_n + (r * h) @ np.split(p.u, 3)[2].T + c_n)
        elif fault in ("gru-bias-outside-of-reset", "gru-one-merged-bias"):
            n = np.tanh(ax_n + r * (m - c_n) + c_n)
        else:
            n = np.tanh(ax_n + r * m)
        new = z * n + (1 - z) * h if fault == "gru-z-swapped" else (1 - z) * n + z * h
        steps.append(Step(x_t, h, r, z, m, n, new))
        h = new
    return steps


def backward(p: Parameters, steps: list[Step], d_output: Array, d_h_n: Array, fault: str) -> dict[str, Any]:
    """Return the gradients of w, u, b, c, x and h_0."""
    d_w, d_u, d_b, d_c = (np.zeros_like(array) for array in (p.w, p.u, p.b, p.c))
    d_x, dh_next = np.zeros((*d_output.shape[:2], p.w.shape[1])), d_h_n
    for t in reversed(range(len(steps))):
        s = steps[-1] if fault == "gru-last-cache" else steps[t]
        dh = d_output[t] if fault == "gru-dh-next-dropped" else d_output[t] + dh_next
        da_n = dh * (s.z if fault == "gru-z-for-its-complement-in-dn" else 1 - s.z) * slope(s, fault)
        da_r, da_z = _of_reset(p, s, da_n, fault), of_update(s, dh, fault)
        own, through = np.concatenate((da_r, da_z, da_n), 1), np.concatenate((da_r, da_z, da_n * s.r), 1)
        summed = own if fault in ("gru-r-missing-in-du-and-back", "gru-r-missing-in-du") else through
        if fault == "gru-gradients-assigned":
            d_w, d_u, d_b, d_c = (np.zeros_like(array) for array in (p.w, p.u, p.b, p.c))
        d_w, d_b = d_w + own.T @ s.x, d_b + own.sum(axis=0)
        d_u = d_u + summed.T @ (s.h if fault == "gru-h-for-h-prev-in-du" else s.h_prev)
        d_c = d_c + (own if fault == "gru-equal-biases" else summed).sum(axis=0)
        d_x[t] = own @ p.w
        back = own if fault in ("gru-r-missing-in-du-and-back", "gru-r-missing-on-the-way-back") else through
        dh_next = _passed(p, s, dh, back, fault)
    return {"w": d_w, "u": d_u, "b": d_b, "c": d_c, "x": d_x, "h_0": dh_next}


def slope(s: Step, fault: str) -> Array:
    """Return tanh' of the candidate."""
    return {
        "gru-tanh-prime-of-activated": 1 - np.tanh(s.n) ** 2,
        "gru-tanh-prime-missing": np.ones_like(s.n),
    }.get(fault, 1 - s.n**2)


def _of_reset(p: Parameters, s: Step, da_n: Array, fault: str) -> Array:
    m = s.m - np.split(p.c, 3)[2] if fault == "gru-bias-missing-in-dr" else s.m
    d_r = da_n * m
    if fault == "gru-dr-of-the-other-reset":
        d_r = (da_n @ np.split(p.u, 3)[2]) * s.h_prev
    return d_r * slope_of_gate(s.r, fault, "gru-sigma-prime-missing-in-dr")


def of_update(s: Step, dh: Array, fault: str) -> Array:
    """Return dL/da_z."""
    difference = {
        "gru-dz-sign": s.n - s.h_prev,
        "gru-dz-without-h-prev": -s.n,
        "gru-h-for-h-prev-in-dz": s.h - s.n,
    }.get(fault, s.h_prev - s.n)
    return dh * difference * slope_of_gate(s.z, fault, "gru-sigma-prime-missing-in-dz")


def slope_of_gate(gate: Array, fault: str, missing: str) -> Array:
    """Return σ' of a gate, which the fault called `missing` leaves out."""
    if fault == missing:
        return np.ones_like(gate)
    return slope_of_sigmoid(sigmoid(gate) if fault == "gru-sigma-prime-of-activated" else gate)


def _passed(p: Parameters, s: Step, dh: Array, back: Array, fault: str) -> Array:
    """Return dL/dh_{t−1} as far as it comes from this step."""
    hidden = dh.shape[1]
    direct = dh * (1 - s.z if fault == "gru-complement-on-direct-path" else s.z)
    if fault == "gru-gates-missing-on-the-way-back":
        return direct
    if fault == "gru-u-untransposed":
        blocks = zip(np.split(back, 3, axis=1), np.split(p.u, 3), strict=True)
        return sum((part @ u.T for part, u in blocks), direct)
    kept = slice(hidden, None) if fault == "gru-reset-path-missing" else slice(None)
    through = back[:, kept] @ p.u[kept]
    return through if fault == "gru-direct-path-missing" else through + direct
