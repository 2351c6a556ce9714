"""A GRU with its reset gate before the product as people write it, right or with one mistake in its backward pass.

Its mistakes are those of the other GRU (`wrong_gru.py`) that it can have, by the same ids; what they do to it is the
same but where r stands.

    r, z = σ(W x + b + U h' + c)        q = r h'        n = tanh(W_n x + b_n + U_n q + c_n)        h = (1 − z) n + z h'
"""

from typing import Any

import numpy as np

from conformance.faults.wrong_gru import Parameters, Step, of_update, slope, slope_of_gate
from conformance.faults.wrong_lstm import sigmoid
from refrnn import Array


def forward(p: Parameters, x: Array, h: Array) -> list[Step]:
    """Run over x (T, B, I) from h (B, H); what a step keeps as m is U_n h' + c_n, which only mistakes use."""
    steps: list[Step] = []
    u_n, c_n = np.split(p.u, 3)[2], np.split(p.c, 3)[2]
    for x_t in x:
        (ax_r, ax_z, ax_n), (ah_r, ah_z, m) = (
            np.split(a, 3, axis=1) for a in (x_t @ p.w.T + p.b, h @ p.u.T + p.c)
        )
        r, z = sigmoid(ax_r + ah_r), sigmoid(ax_z + ah_z)
        n = np.tanh(ax_n + (r * h) @ u_n.T + c_n)
        new = (1 - z) * n + z * h
        steps.append(Step(x_t, h, r, z, m, n, new))
        h = new
    return steps


def backward(p: Parameters, steps: list[Step], d_output: Array, d_h_n: Array, fault: str) -> dict[str, Any]:
    """Return the gradients of w, u, b, c, x and h_0."""
    d_w, d_u, d_b = (np.zeros_like(array) for array in (p.w, p.u, p.b))
    d_x, dh_next = np.zeros((*d_output.shape[:2], p.w.shape[1])), d_h_n
    gates, u_n = 2 * d_h_n.shape[1], np.split(p.u, 3)[2]
    for t in reversed(range(len(steps))):
        s = steps[-1] if fault == "gru-last-cache" else steps[t]
        dh = d_output[t] if fault == "gru-dh-next-dropped" else d_output[t] + dh_next
        da_n = dh * (s.z if fault == "gru-z-for-its-complement-in-dn" else 1 - s.z) * slope(s, fault)
        dq = da_n @ (u_n.T if fault == "gru-u-untransposed" else u_n)
        d_r = da_n * s.m if fault == "gru-dr-of-the-other-reset" else dq * s.h_prev
        da_r = d_r * slope_of_gate(s.r, fault, "gru-sigma-prime-missing-in-dr")
        own = np.concatenate((da_r, of_update(s, dh, fault), da_n), axis=1)
        read = s.h if fault == "gru-h-for-h-prev-in-du" else s.h_prev
        missing = fault in ("gru-r-missing-in-du", "gru-r-missing-in-du-and-back")
        if fault == "gru-gradients-assigned":
            d_w, d_u, d_b = (np.zeros_like(array) for array in (p.w, p.u, p.b))
        d_w, d_b = d_w + own.T @ s.x, d_b + own.sum(axis=0)
        d_u = d_u + np.concatenate((own[:, :gates].T @ read, da_n.T @ (read if missing else s.r * read)))
        d_x[t] = own @ p.w
        dh_next = _passed(p, s, dh, own[:, :gates], dq, fault)
    return {"w": d_w, "u": d_u, "b": d_b, "c": d_b, "x": d_x, "h_0": dh_next}


def _passed(p: Parameters, s: Step, dh: Array, da_rz: Array, dq: Array, fault: str) -> Array:
    """Return dL/dh_{t−1} as far as it comes from this step."""
    hidden = dh.shape[1]
    direct = dh * (1 - s.z if fault == "gru-complement-on-direct-path" else s.z)
    if fault == "gru-gates-missing-on-the-way-back":
        return direct
    blocks = list(zip(np.split(da_rz, 2, axis=1), np.split(p.u[: 2 * hidden], 2), strict=True))
    kept = blocks[1:] if fault == "gru-reset-path-missing" else blocks
    through = sum((d @ (u.T if fault == "gru-u-untransposed" else u) for d, u in kept), np.zeros_like(dh))
    unreset = fault in ("gru-r-missing-on-the-way-back", "gru-r-missing-in-du-and-back")
    through = through + (dq if unreset else dq * s.r)
    return through if fault == "gru-direct-path-missing" else through + direct
