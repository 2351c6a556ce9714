"""The gradients of x, of h_0 and of every state, found beside those of the parameters: by value, or else by name.

Only what a backward pass returns or keeps counts: what it merely held on the way was shown to nobody.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from conformance.hand_written.calling.asking import Question, question
from conformance.hand_written.calling.backwards.search import Backward
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import Ran, more, run, value
from conformance.hand_written.calling.running.reach import Reached, Renamed
from conformance.hand_written.calling.values.forms import axes_of
from conformance.hand_written.calling.values.matching import (
    SAME,
    Match,
    everything,
    match_of,
    recognised,
    series_in,
)
from conformance.hand_written.calling.values.slots import but_weights
from refrnn import Array

X = ("x", "xs", "xt", "input", "inputs", "seq", "sequence", "embed")
FEWEST = 2
"""Steps of dL/dh by which it is known."""

H_0 = ("h0", "a0", "s0", "hinit", "hprev", "aprev", "initialstate")
C_0 = ("c0", "cinit", "cprev", "cellprev", "prevc")


def extras(
    loaded: Loaded,
    forward: Forward,
    lines: tuple[Sequence[str], Sequence[str]],
    called: dict[str, str],
    backward: Backward,
) -> dict[str, str]:
    """Return the expressions of dL/dx, dL/dh_0 and dL/dh as (T, B, I), (B, H) and (T, B, H), as far as they are shown.

    Of an LSTM those of dL/dc_0 and dL/dc as well.

    Parameters
    ----------
    loaded, forward
        The code, and its forward pass as it is called.
    lines
        Those of the forward pass and of the backward pass.
    called
        What the backward pass's return statement calls its values, by their expressions.
    backward
        The backward pass, of which the constant on all gradients is known.
    """
    first, second = lines
    constant = backward.harvest.constant
    takes_h_0 = any("p.h_0" in line for line in (*forward.build, *first, *second))
    asked = question(replace(forward.asked.case, h_0=takes_h_0), forward.asked.traits)
    ran = more(loaded, run(loaded, asked.p, (*forward.build, *first)), second, lifted=backward.lifted)
    if not ran.ok:
        return {}
    items = _shown(ran, forward, called)
    found = {}
    if not forward.inputs.ids and asked.exact.d_x is not None:
        d_x = constant * asked.problem.layout.time_major(asked.exact.d_x)
        match = _best(items, d_x, X, forward)
        if match is not None:
            found["x"] = match.expression
    if takes_h_0 and asked.exact.d_h_0 is not None:
        d_h_0 = constant * asked.problem.layout.batched_state(asked.exact.d_h_0)[:1]
        match = _best(items, d_h_0, H_0, forward)
        if match is not None:
            found["h_0"] = f"{match.expression}[0]"
    if takes_h_0 and asked.exact.d_c_0 is not None:
        d_c_0 = constant * asked.problem.layout.batched_state(asked.exact.d_c_0)[:1]
        match = _best(items, d_c_0, C_0, forward)
        if match is not None:
            found["c_0"] = f"{match.expression}[0]"
    for name, true in _gradients_of_steps(asked).items():
        text = next(filter(None, (_of_states(ran, items, k * true) for k in {constant: 0, 1.0: 0})), "")
        found |= {name: text} if text else {}
    return found


def _gradients_of_steps(asked: Question) -> dict[str, Array]:
    """Return dL/dh, and of an LSTM dL/dc, of every step (T, B, H)."""
    place = asked.case.layers - 1, 0
    found = {"d_h": asked.exact.d_hidden[place]}
    if ("c", place) in asked.exact.d_inner:
        found["d_c"] = asked.exact.d_inner["c", place]
    return found


def _of_states(ran: Ran, items: Sequence[Reached], true: Array) -> str:
    """Return the expression of dL/dh of every step, in the order of time or of the loop back; empty without any.

    They are known by their values alone: all of them, or the last ones at least, where an error comes in further back.
    Two of those must be right, since the very last is what comes from the output, whatever is carried.
    """
    for way, wanted in (("", true), ("[::-1]", true[::-1])):
        for match in recognised(items, {"gradient": wanted}):
            if match.last or match.right < FEWEST:
                continue
            text = f"({match.expression}){way}" if way else match.expression
            ends = value(ran, text)[-FEWEST:]
            if np.abs(ends - true[-FEWEST:]).max() <= SAME * np.abs(true).max():
                return text
    return ""


def _shown(ran: Ran, forward: Forward, called: dict[str, str]) -> list[Reached]:
    """Return what the backward pass returned and what is kept, weights left out."""
    found = everything(Ran(names=ran.names), ["grads", *forward.built.setup.roots])
    return [
        Renamed(item.path, item.value, called[item.path]) if item.path in called else item
        for item in but_weights(found, forward.slots)
    ]


def _best(items: Sequence[Reached], true: np.ndarray, whose: Sequence[str], forward: Forward) -> Match | None:
    """Return the right gradient, or else what is called like it."""
    matches = [m for m in recognised(items, {"gradient": true}) if not m.last]
    right = [m for m in matches if m.right == len(true)]
    if right:
        return right[0]
    named = [item for item in items if _is_of(item, whose)]
    return next(_readings(named, true.shape, forward), None)


def _is_of(item: Reached, whose: Sequence[str]) -> bool:
    plain = re.sub(r"[^a-z0-9]", "", item.name.lower())
    returned = item.path.startswith("grads[")
    return any(names.gradient_of(plain, name) or (returned and plain == name) for name in whose)


def _readings(items: Sequence[Reached], shape: tuple[int, ...], forward: Forward) -> Iterator[Match]:
    """Yield the ways to read what has the right size as (T, B, N), the layout of x first."""
    steps, batch, width = shape
    own = forward.inputs.form.axes if forward.inputs.form is not None else ""
    for series in series_in(items, steps):
        if series.stacked.size != np.prod(shape):
            continue
        readings = [axes for axes, _ in axes_of(series.stacked.shape, steps, batch, width)]
        for axes in sorted(readings, key=lambda axes: axes != own):
            yield match_of(series, axes, quantity="gradient", last=False)
