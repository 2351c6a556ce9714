"""The gradients of the parameters of one layer and direction, with a choice at every seam.

dW_ih = Σ_t δ_tᵀ x_t        dW_hh = Σ_t δ_tᵀ h_{t-1}        db_ih = db_hh = Σ_t δ_t
"""

from collections.abc import Callable

import numpy as np

from conformance.faults import shifts
from conformance.faults.forward import Scan
from conformance.faults.seams import Choices
from refrnn import Array

Gradients = list[Array]
"""dW_ih, dW_hh and, with biases, db_ih and db_hh: torch's order."""


def read_input(choices: Choices, scan: Scan) -> Array:
    """Return what multiplies δ_t in dW_ih: (T, B, I)."""
    match choices.x_read:
        case "before":
            return shifts.before(scan.x, shifts.nothing(scan.x))
        case "before, wrapping":
            return shifts.before_wrapping(scan.x)
        case "last":
            return shifts.last(scan.x)
        case "after":
            return shifts.after(scan.x)
        case "mean":
            return shifts.mean(scan.x)
        case _:
            return scan.x


def read_state(choices: Choices, scan: Scan) -> Array:
    """Return what multiplies δ_t in dW_hh: (T, B, H)."""
    right = shifts.before(scan.states, scan.h_0)
    ways: dict[str, Callable[[], Array]] = {
        "before": lambda: right,
        "before, wrapping": lambda: shifts.before_wrapping(scan.states),
        "zero at first": lambda: shifts.before(scan.states, shifts.nothing(scan.states)),
        "own": lambda: scan.states,
        "last": lambda: shifts.last(scan.states),
        "two before": lambda: shifts.before(right, scan.h_0),
        "mean": lambda: shifts.mean(right),
    }
    return ways[choices.h_read]()


def last_of_equals(x: Array, repeats: str) -> Array:
    """Return (T, B, 1) where a row of x is the last of its equals, in its step or in all of the sequence."""
    steps, batch, _ = x.shape
    moments = np.arange(steps * batch)
    rows = x.reshape(len(moments), -1)
    equal = (rows[:, np.newaxis] == rows).all(axis=-1) & (moments > moments[:, np.newaxis])
    if repeats == "last of a step":
        equal &= (moments // batch) == (moments // batch)[:, np.newaxis]
    return ~equal.any(axis=1).reshape(steps, batch, 1)


def parameter_gradients(
    choices: Choices, scan: Scan, d_a: Array, d_h: Array, *, biased: bool
) -> tuple[Gradients, Gradients]:
    """Return what each step adds to every parameter's gradient (T, *shape), and the gradients.

    `d_a` is δ (T, B, H), `d_h` what reaches h_t.
    """
    x, h = read_input(choices, scan), read_state(choices, scan)
    by_row = choices.rows == "per row"
    reaching = np.where(scan.active, d_h, d_a.dtype.type(0))
    of_ih, of_hh, of_b = (
        reaching if formed == "of dh" else d_a
        for formed in (choices.formed_ih, choices.formed_hh, choices.formed_b)
    )
    if choices.repeats != "added":
        of_ih = np.where(last_of_equals(scan.x, choices.repeats), of_ih, d_a.dtype.type(0))
    shares = [
        _outer(of_ih, x),
        _recurrent(choices, of_hh, h),
        *[of_b] * (2 if biased else 0),
    ]  # (T, B, *shape)
    how = (choices.reduce_ih, choices.reduce_hh, choices.reduce_b, choices.reduce_b)
    steps = [_over_rows(choices, share) for share in shares]
    found = [
        _over_steps(kind, share if by_row else step)
        for kind, share, step in zip(how, shares, steps, strict=False)
    ]
    if biased:
        found[2:] = _bias_gradients(choices, _over_steps(choices.reduce_b, of_b), found[2:])
    return steps, _on_own_scales(choices, found)


def _on_own_scales(choices: Choices, found: Gradients) -> Gradients:
    """Return the gradients, each with the constant that it carries besides what all carry."""
    pairs = (
        (choices.scale_ih, choices.own_ih),
        (choices.scale_hh, choices.own_hh),
        (choices.scale_b, choices.own_b),
        (choices.scale_b, choices.own_b),
    )
    factors = [{"common": 1.0, "own": own, "zero": 0.0}[scale] for scale, own in pairs]
    return [g if factor == 1 else g * g.dtype.type(factor) for g, factor in zip(found, factors, strict=False)]


def _outer(d_a: Array, y: Array) -> Array:
    """Return δᵀ y for every step and row: (T, B, H), (T, B, I) -> (T, B, H, I)."""
    return d_a[..., np.newaxis] * y[..., np.newaxis, :]


def _recurrent(choices: Choices, d_a: Array, h: Array) -> Array:
    """Return dW_hh's product for every step and row: (T, B, H, H)."""
    if choices.outer == "inner":
        inner = (d_a * h).sum(axis=-1)[..., np.newaxis, np.newaxis]
        return np.broadcast_to(inner, (*d_a.shape, h.shape[-1]))
    return _outer(h, d_a) if choices.outer == "transposed" else _outer(d_a, h)


def _over_rows(choices: Choices, shares: Array) -> Array:
    """Reduce over the batch: (T, B, *shape) -> (T, *shape)."""
    if choices.rows == "first row":
        return shares[:, 0]
    return shares.mean(axis=1) if choices.rows == "mean" else shares.sum(axis=1)


def _over_steps(how: str, shares: Array) -> Array:
    """Reduce over time: (T, *shape) -> (*shape)."""
    if how == "first step":
        return shares[0]
    if how == "last step":
        return shares[-1]
    return shares.mean(axis=0) if how == "mean" else shares.sum(axis=0)


def _bias_gradients(choices: Choices, by_row: Array, found: Gradients) -> Gradients:
    """Return db_ih and db_hh from the right ones (H,), or from those of every row (B, H)."""
    b_ih, b_hh = found
    zero = np.zeros_like(b_ih)
    return {
        "own": [b_ih, b_hh],
        "b_ih dropped": [zero, b_hh],
        "b_hh dropped": [b_ih, zero],
        "both dropped": [zero, zero],
        "doubled": [2 * b_ih, 2 * b_hh],
        "mean over rows": [b_ih / len(by_row), b_hh / len(by_row)],
        "per row": [by_row, by_row],
        "over units": [np.full_like(b_ih, b_ih.sum()), np.full_like(b_hh, b_hh.sum())],
    }[choices.bias_gradients]


def clipped(choices: Choices, gradients: dict[str, Array]) -> dict[str, Array]:
    """Clip the gradients of all parameters by value, by their common norm, or dW_hh by that of dW_ih."""
    kind, _, limit = choices.clip.partition(" ")
    if kind == "value":
        return {name: np.clip(g, -int(limit), int(limit)) for name, g in gradients.items()}
    if kind == "norm":
        norm = np.sqrt(sum(float((g.astype(np.float64) ** 2).sum()) for g in gradients.values()))
        factor = min(1.0, int(limit) / norm) if norm > 0 else 1.0
        return {name: g * g.dtype.type(factor) for name, g in gradients.items()}
    if kind in ("another's", "over"):
        least = 1 if kind == "another's" else 0
        return {name: g / _norm_of_input_weight(name, gradients, least) for name, g in gradients.items()}
    return gradients


def _norm_of_input_weight(name: str, gradients: dict[str, Array], least: float) -> Array | float:
    """Return the norm of dW_ih, `least` at least, for a dW_hh; 1 for other parameters."""
    if not name.startswith("weight_hh"):
        return 1.0
    other = gradients[name.replace("_hh", "_ih", 1)]
    return max(np.linalg.norm(other), other.dtype.type(least))
