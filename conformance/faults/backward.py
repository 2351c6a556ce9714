"""The backward loop of one layer and direction, with a choice at every seam.

Everything is in the order of the scan. What reaches h_t lies in one or more streams (S, B, H): just one usually,
one for each number of steps already gone back where gradients go a limited way.

    dh_t = dL/doutput_t + Σ streams        δ_t = dh_t ⊙ f'        streams of t−1 = δ_t W_hh

`rounded` is applied to what every operation gives; it stands for the rounding of another order of operations.
"""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from conformance.faults.forward import Rounded, Scan, exact
from conformance.faults.parameters import read_state
from conformance.faults.seams import Choices
from conformance.faults.slopes import slopes
from refrnn import Array


class Loop(Struct, frozen=True, kw_only=True):
    """What the backward loop of one layer and direction found."""

    scan: Scan
    d_h: Array  # (T, B, H) all that reaches h_t
    d_a: Array  # (T, B, H) δ_t
    direct: Array  # (T, B, H) what of δ_t came straight from dL/doutput_t
    d_h_0: Array  # (B, H)
    w_ih: Array  # (H, I) W_ih when the loop ends, which an update may have changed


def scan_backward(
    choices: Choices, scan: Scan, d_output: Array, d_final: Array, rounded: Rounded = exact
) -> Loop:
    """Carry dL/doutput (T, B, H) and dL/dh_n (B, H) back through a scan."""
    entry, streams = reaching(choices, d_output, d_final)
    slope, read = rounded(slopes(choices, scan)), read_state(choices, scan)
    d_h, d_a = np.zeros_like(scan.a), np.zeros_like(scan.a)
    w_ih, w_hh = scan.weights.ih, scan.weights.hh
    first = visits(choices, len(entry))[0]
    for t, walked in walk(choices, len(entry)):
        active = scan.active[t] & walked
        own = np.zeros_like(entry[t]) if _replaced(choices, first=t == first) else entry[t]
        f = slope[_slopes_of(choices, t, len(entry), len(streams))]
        d_h[t], delta = _summed(choices, own, streams, f)
        d_a[t] = np.where(active, rounded(delta), scan.a.dtype.type(0))
        now = w_ih, w_hh
        if choices.update.startswith("inside"):
            w_ih = w_ih - choices.rate * (d_a[t].T @ scan.x[t])
            w_hh = w_hh - choices.rate * (d_a[t].T @ read[t])
        through = now if choices.update == "inside, later" else (w_ih, w_hh)
        dh, back = _step(choices, own, streams, f)
        if choices.carried == "slope again":
            back = back * f
        back = rounded(_carried(choices, *through, dh, back))
        if choices.arrives in ("adds up", "onto dh"):
            back = back + (streams if choices.arrives == "adds up" else dh)
        streams = np.where(active, _arriving(choices, back, t), streams)
    return Loop(
        scan=scan,
        d_h=d_h,
        d_a=d_a,
        direct=entry * slope,
        d_h_0=_initial(choices, d_h[0], streams.sum(axis=0)),
        w_ih=w_ih,
    )


def reaching(choices: Choices, d_output: Array, d_final: Array) -> tuple[Array, Array]:
    """Return what enters at every step (T, B, H), and the streams (S, B, H) that reach the last one."""
    streams = np.zeros((_many(choices, len(d_output)), *d_final.shape), d_final.dtype)
    entry = d_output.copy()
    if choices.d_h_n == "every step":
        entry += d_final
    elif choices.d_h_n != "ignored":
        streams[0] = d_final
    if choices.d_h_n == "replaces output" and d_final.any():
        entry[-1] = 0
    return entry, streams


def _many(choices: Choices, steps: int) -> int:
    """Return in how many streams gradients go back: one for each number of steps gone back where that matters."""
    if choices.truncation == "windows" and choices.reach < steps:
        return choices.reach + 1
    return steps + 1 if choices.slope_at == "entered" else 1


def visits(choices: Choices, steps: int) -> range:
    """Return the steps in the order of the backward loop: from the last to the first, where it is right."""
    return range(steps) if choices.order == "forwards" else range(steps - 1, -1, -1)


def walk(choices: Choices, steps: int) -> Iterator[tuple[int, bool]]:
    """Yield the steps in that order, and whether the loop does anything there."""
    for t in visits(choices, steps):
        skipped = (choices.steps == "last skipped" and t == steps - 1) or (
            choices.steps == "first skipped" and t == 0
        )
        yield t, not skipped and not (choices.truncation == "last steps" and t < steps - choices.reach)


def _replaced(choices: Choices, *, first: bool) -> bool:
    """Return whether what is carried back overwrites what enters at a step."""
    return choices.arrives == "replaces all output" or (choices.arrives == "replaces output" and not first)


def _slopes_of(choices: Choices, t: int, steps: int, streams: int) -> int | Array:
    """Return the step at which f' is taken at step t, one for each stream where that is the one at which it entered."""
    return entered_at(visits(choices, steps), t, streams) if choices.slope_at == "entered" else t


def entered_at(order: range, t: int, streams: int) -> Array:
    """Return the steps at which streams entered that have gone on for 0, 1, 2, … steps when they arrive at `t`."""
    return np.clip(t - order.step * np.arange(streams), 0, len(order) - 1)


def _summed(choices: Choices, entry: Array, streams: Array, slope: Array) -> tuple[Array, Array]:
    """Return dh_t and δ_t (B, H) of all streams together."""
    if slope.ndim == streams.ndim:
        dh, delta = _step(choices, entry, streams, slope)
        return dh.sum(axis=0), delta.sum(axis=0)
    (dh,), (delta,) = _step(choices, entry, streams.sum(axis=0, keepdims=True), slope)
    return dh, delta


def _step(choices: Choices, entry: Array, streams: Array, slope: Array) -> tuple[Array, Array]:
    """Return dh_t and δ_t by stream, (S, B, H) each, from what enters (B, H) and what arrives (S, B, H)."""
    own = np.zeros_like(streams)
    own[0] = entry
    whole = own + streams
    if choices.joined == "carry after":
        return whole, own * slope + streams
    if choices.joined == "output after":
        return whole, own + streams * slope
    return whole, whole * slope


def _carried(choices: Choices, w_ih: Array, w_hh: Array, d_h: Array, d_a: Array) -> Array:
    """Return what every stream passes back, (S, B, H) @ (H, H) -> (S, B, H)."""
    passed = d_h if choices.carried == "dh" else d_a
    match choices.carry:
        case "untransposed":
            back = passed @ w_hh.T
        case "none":
            back = np.zeros_like(passed)
        case "no weights":
            back = passed
        case "input weights" if w_ih.shape == w_hh.shape:
            back = passed @ w_ih
        case "doubled":
            back = 2 * (passed @ w_hh)
        case "negated":
            back = -(passed @ w_hh)
        case "end of [h; x]" | "start of [x; h]":
            back = passed @ misaligned(choices.carry, w_ih, w_hh)
        case _:
            back = passed @ w_hh
    if choices.clip == "carry 1":
        return np.clip(back, -1, 1)
    if choices.clip == "carry norm 1":
        return back / np.maximum(np.linalg.norm(back), 1).astype(back.dtype)
    return back


def misaligned(carry: str, w_ih: Array, w_hh: Array) -> Array:
    """Return the H columns (H, H) at the wrong end of one matrix over [h; x] or [x; h]."""
    hidden = w_hh.shape[-1]
    if carry == "end of [h; x]":
        return np.concatenate([w_hh, w_ih], axis=-1)[..., -hidden:]
    return np.concatenate([w_ih, w_hh], axis=-1)[..., :hidden]


def _arriving(choices: Choices, back: Array, t: int) -> Array:
    """Return the streams that arrive at the step before `t`."""
    if choices.truncation == "segments" and t > 0 and t % choices.reach == 0:
        return np.zeros_like(back)
    if len(back) > 1:
        return np.concatenate([np.zeros_like(back[:1]), back[:-1]])
    return back


def _initial(choices: Choices, d_h_first: Array, arrived: Array) -> Array:
    return {
        "complete": arrived,
        "zeros": np.zeros_like(arrived),
        "first step missing": d_h_first,
    }[choices.d_h_0]
