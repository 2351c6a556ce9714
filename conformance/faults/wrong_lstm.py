"""An LSTM of one layer and one direction as people write it, right or with one mistake: code apart from `refrnn`'s.

A mistake in the forward pass leaves the backward pass as people write it, over what the forward pass kept.

    a = W x + U h' + b        i, f, o = σ, g = tanh        c = f c' + i g        h = o tanh(c)
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from msgspec import Struct

from refrnn import Array

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "lstm-gates-i-f-o-g": "The gates lie in the order i f o g, in weights of the order i f g o.",
        "lstm-i-and-f-swapped": "The input and the forget gate are exchanged.",
        "lstm-candidate-by-sigmoid": "The candidate is σ of its pre-activation, not tanh.",
        "lstm-no-tanh-of-c": "h is o times c, not o times tanh(c).",
        "lstm-sigma-prime-of-activated": "σ' is taken of the gate: σ(s)(1 − σ(s)) for s (1 − s).",
        "lstm-sigma-prime-sign": "σ' has the wrong sign: s (s − 1).",
        "lstm-sigma-prime-missing": "σ' is left out.",
        "lstm-tanh-prime-of-activated": "tanh' of the candidate is taken of the candidate: 1 − tanh²(g) for 1 − g².",
        "lstm-tanh-prime-missing": "tanh' of the candidate is left out.",
        "lstm-candidate-sigma-prime": "σ' stands for tanh' of the candidate.",
        "lstm-do-without-tanh": "The output gate's gradient has c for tanh(c).",
        "lstm-tanh-prime-of-c": "tanh' in dL/dc is 1 − c², not 1 − tanh²(c).",
        "lstm-tanh-prime-twice": "tanh' in dL/dc is taken of tanh(c): 1 − tanh²(tanh(c)).",
        "lstm-dc-without-tanh-prime": "tanh' is left out of dL/dc.",
        "lstm-dc-without-o": "The output gate is left out of dL/dc.",
        "lstm-dc-next-dropped": "What the next step passes back to c is left out.",
        "lstm-dc-next-alone": "What the next step passes back to c takes the place of what comes through h.",
        "lstm-dc-without-f": "The forget gate is left out of what is passed back to c.",
        "lstm-f-of-another-step": "What is passed back to c is multiplied by the forget gate of the step before.",
        "lstm-dh-next-dropped": "What the next step passes back to h is left out.",
        "lstm-output-replaces-carry": "The output's gradient takes the place of what the next step passes back.",
        "lstm-dh-next-unchanged": "dL/dh is handed on as it is, without the weights.",
        "lstm-u-untransposed": "The recurrent weights are not transposed on the way back.",
        "lstm-o-left-out-of-dh": "The output gate is left out of what is passed back to h.",
        "lstm-two-gates-left-out-of-dh": "input and output gate are left out of what is passed back to h.",
        "lstm-candidate-slope-left-out-of-dh": "tanh' of the candidate is left out of what is passed back.",
        "lstm-c-for-c-prev-in-df": "The forget gate's gradient has c_t for c_{t−1}.",
        "lstm-c-of-the-start-in-df": "The forget gate's gradient has c_0 for c_{t−1} at every step.",
        "lstm-c-wraps-around": "c_{−1} is the last step's, so the first step's forget gate has a wrong gradient.",
        "lstm-h-for-h-prev-in-du": "dL/dU has h_t for h_{t−1}.",
        "lstm-i-and-g-swapped": "The gradients of input gate and candidate have each other's factor.",
        "lstm-gates-reordered-in-dw": "candidate and output gate are exchanged in the weights' gradients.",
        "lstm-last-cache": "The last step's values stand for those of every step.",
        "lstm-gradients-assigned": "The weights' gradients are those of the first step, not of all added up.",
        "lstm-bias-of-one-step": "The bias has the gradient of the first step alone.",
        "lstm-clipped-in-the-loop": "What is passed back is clipped to ±1 at every step.",
    }
)
"""What can be wrong, by id."""


class Step(Struct, frozen=True):
    """What the forward pass keeps of a step, (B, ·) each."""

    x: Array
    h_prev: Array
    c_prev: Array
    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    tanh_c: Array
    h: Array


class Parameters(Struct, frozen=True):
    """The weights in float64; both biases are one."""

    w: Array  # (4H, I)
    u: Array  # (4H, H)
    b: Array  # (4H,)


def forward(p: Parameters, x: Array, h: Array, c: Array, fault: str) -> list[Step]:
    """Run over x (T, B, I) from h and c (B, H)."""
    steps: list[Step] = []
    for x_t in x:
        a = np.split(x_t @ p.w.T + h @ p.u.T + p.b, 4, axis=1)
        if fault == "lstm-gates-i-f-o-g":
            a[2], a[3] = a[3], a[2]
        i, f, g, o = sigmoid(a[0]), sigmoid(a[1]), np.tanh(a[2]), sigmoid(a[3])
        if fault == "lstm-candidate-by-sigmoid":
            g = sigmoid(a[2])
        if fault == "lstm-i-and-f-swapped":
            i, f = f, i
        new_c = f * c + i * g
        tanh_c = new_c if fault == "lstm-no-tanh-of-c" else np.tanh(new_c)
        new_h = o * tanh_c
        steps.append(Step(x_t, h, c, i, f, g, o, new_c, tanh_c, new_h))
        h, c = new_h, new_c
    return steps


def backward(
    p: Parameters, steps: list[Step], d_output: Array, d_h_n: Array, d_c_n: Array, fault: str
) -> dict[str, Any]:
    """Return the gradients of w, u, b, x, h_0 and c_0."""
    d_w, d_u, d_b = np.zeros_like(p.w), np.zeros_like(p.u), np.zeros_like(p.b)
    d_x, dh_next, dc_next = np.zeros((*d_output.shape[:2], p.w.shape[1])), d_h_n, d_c_n
    for t in reversed(range(len(steps))):
        s = steps[-1] if fault == "lstm-last-cache" else steps[t]
        dh = _reaching_h(d_output[t], dh_next, fault)
        dc = _reaching_c(s, dh, dc_next, fault, last=t == len(steps) - 1)
        own = _factors(s, steps, fault, first=t == 0)
        d_gate = np.concatenate([d * factor for d, factor in zip((dc, dc, dc, dh), own, strict=True)], axis=1)
        slope = np.concatenate(_slopes(s, fault), axis=1)
        da, hidden = d_gate * slope, s.c.shape[1]
        summed = da.copy()
        if fault == "lstm-gates-reordered-in-dw":
            summed[:, 2 * hidden :] = np.roll(da[:, 2 * hidden :], hidden, axis=1)
        read = s.h if fault == "lstm-h-for-h-prev-in-du" else s.h_prev
        if fault == "lstm-gradients-assigned":
            d_w, d_u, d_b = np.zeros_like(d_w), np.zeros_like(d_u), np.zeros_like(d_b)
        if fault == "lstm-bias-of-one-step":
            d_b = np.zeros_like(d_b)
        d_w, d_u, d_b = d_w + summed.T @ s.x, d_u + summed.T @ read, d_b + summed.sum(axis=0)
        back = da
        if fault == "lstm-candidate-slope-left-out-of-dh":
            back = da.copy()
            back[:, 2 * hidden : 3 * hidden] = d_gate[:, 2 * hidden : 3 * hidden]
        d_x[t] = back @ p.w
        dh_next = _passed_to_h(p, back, dh, fault)
        dc_next = dc * _kept(s, steps, t, fault)
        if fault == "lstm-clipped-in-the-loop":
            dh_next, dc_next = np.clip(dh_next, -1, 1), np.clip(dc_next, -1, 1)
    return {"w": d_w, "u": d_u, "b": d_b, "x": d_x, "h_0": dh_next, "c_0": dc_next}


def sigmoid(a: Array) -> Array:
    """Return σ(a)."""
    return 1 / (1 + np.exp(-a))


def slope_of_sigmoid(s: Array) -> Array:
    """Return σ' from σ."""
    return s * (1 - s)


def _reaching_h(d_output: Array, dh_next: Array, fault: str) -> Array:
    if fault == "lstm-dh-next-dropped" or (fault == "lstm-output-replaces-carry" and d_output.any()):
        return d_output
    return d_output + dh_next


def _reaching_c(s: Step, dh: Array, dc_next: Array, fault: str, *, last: bool) -> Array:
    slope: Array | float = {
        "lstm-tanh-prime-of-c": 1 - s.c**2,
        "lstm-tanh-prime-twice": 1 - np.tanh(s.tanh_c) ** 2,
        "lstm-dc-without-tanh-prime": np.ones_like(s.c),
    }.get(fault, 1 - s.tanh_c**2)
    through_h = dh * slope if fault == "lstm-dc-without-o" else dh * s.o * slope
    if fault == "lstm-dc-next-dropped":
        return through_h
    if fault == "lstm-dc-next-alone" and not last:
        return dc_next
    return dc_next + through_h


def _factors(s: Step, steps: list[Step], fault: str, *, first: bool) -> tuple[Array, Array, Array, Array]:
    """Return what i, f, g and o are multiplied with in the forward pass."""
    c_prev = s.c_prev
    if fault == "lstm-c-for-c-prev-in-df":
        c_prev = s.c
    if fault == "lstm-c-of-the-start-in-df":
        c_prev = steps[0].c_prev
    if fault == "lstm-c-wraps-around" and first:
        c_prev = steps[-1].c
    to_i, to_g = (s.i, s.g) if fault == "lstm-i-and-g-swapped" else (s.g, s.i)
    return to_i, c_prev, to_g, s.c if fault == "lstm-do-without-tanh" else s.tanh_c


def _slopes(s: Step, fault: str) -> tuple[Array, Array, Array, Array]:
    i, f, o = (_slope_of_gate(gate, fault) for gate in (s.i, s.f, s.o))
    candidate = {
        "lstm-tanh-prime-of-activated": 1 - np.tanh(s.g) ** 2,
        "lstm-tanh-prime-missing": np.ones_like(s.g),
        "lstm-candidate-sigma-prime": slope_of_sigmoid(s.g),
    }.get(fault, 1 - s.g**2)
    return i, f, candidate, o


def _slope_of_gate(gate: Array, fault: str) -> Array:
    right = slope_of_sigmoid(gate)
    return {
        "lstm-sigma-prime-of-activated": slope_of_sigmoid(sigmoid(gate)),
        "lstm-sigma-prime-sign": -right,
        "lstm-sigma-prime-missing": np.ones_like(gate),
    }.get(fault, right)


def _passed_to_h(p: Parameters, da: Array, dh: Array, fault: str) -> Array:
    hidden = dh.shape[1]
    if fault == "lstm-dh-next-unchanged":
        return dh
    if fault == "lstm-u-untransposed":
        blocks = zip(np.split(da, 4, axis=1), np.split(p.u, 4), strict=True)
        return sum((part @ u.T for part, u in blocks), np.zeros_like(dh))
    kept = {
        "lstm-o-left-out-of-dh": slice(3 * hidden),
        "lstm-two-gates-left-out-of-dh": slice(hidden, 3 * hidden),
    }.get(fault, slice(None))
    return da[:, kept] @ p.u[kept]


def _kept(s: Step, steps: list[Step], t: int, fault: str) -> Array:
    """Return what dL/dc is multiplied with on its way to c_{t−1}."""
    if fault == "lstm-dc-without-f":
        return np.ones_like(s.f)
    if fault == "lstm-f-of-another-step":
        return steps[t - 1].f if t > 0 else np.ones_like(s.f)
    return s.f
