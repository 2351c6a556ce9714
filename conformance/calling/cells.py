"""Networks that are called one step at a time: the loop over time is ours, the step is theirs.

Forward:   h ← h_0;   for x_t in x:  result ← result + [cell(x_t, h)],  h ← the state in it
Backward:  dh ← 0;    for t from T − 1 to 0:  grads ← grads + [cell_backward(d_t + dh, …)],  dh ← the gradient in it
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from conformance.calling import names
from conformance.calling.arguments import Option, Parameter, best_first
from conformance.calling.construct import callable_of
from conformance.calling.forms import numeric
from conformance.calling.inputs import Inputs, plain_options, states
from conformance.calling.load import Loaded
from conformance.calling.passes import Forward
from conformance.calling.program import Ran, run
from conformance.calling.reach import reach
from conformance.calling.returns import returned_names

MOST_ARGUMENTS = 6
NO_STATE = ""
"""The start of a cell that keeps its state itself."""


def is_stepwise(way: Inputs) -> bool:
    """Tell whether a way to give x can be walked through step by step."""
    listed = way.form is not None and way.form.container == "list"
    return listed or way.text.endswith(".tolist()") or way.text == "p.ids"


def cells(loaded: Loaded, plain: Forward, parameters: Sequence[Parameter], weights: Any) -> Iterator[Forward]:
    """Yield loops over a callable that runs for one step; `weights` gives options for weights as arguments."""
    shared = (*plain.built.setup.lines, f"x = {plain.inputs.text}", "x_t = x[0]")
    for start in (*states("p.h_0", batched=plain.inputs.batched), NO_STATE):
        opening = (*shared, *([f"h = {start}"] if start else []))
        options = partial(_options, start=start, weights=weights)
        for arguments in best_first(parameters, options, MOST_ARGUMENTS):
            if arguments.kinds.count("x") != 1 or arguments.kinds.count("state") != bool(start):
                continue
            ran = run(loaded, plain.asked.p, (*opening, f"step = {plain.call}({arguments.text})"))
            if not ran.ok:
                if ran.hung:
                    return
                continue
            for following in _following(ran, ran.names.get("h")) if start else [NO_STATE]:
                loop = _loop(plain.call, arguments.text, start, following)
                yield replace(plain, arguments=arguments, loop=loop, following=following)


def _options(parameter: Parameter, *, start: str, weights: Any) -> list[Option]:
    name = parameter.name.strip("_")
    found = [*plain_options(parameter), *weights(parameter)]
    if any(kind in ("rate", "weight") for _, _, kind in found):
        return found
    found.append(("x_t", 0.0 if names.INPUT.fullmatch(name) else 1.5, "x"))
    if start:
        found.append(("h", 0.0 if names.STATE.fullmatch(name) else 1.6, "state"))
    return found


def _following(ran: Ran, h: Any) -> list[str]:
    """Return where in a step's result the next state may be: whatever has its shape."""
    return [
        item.path.removeprefix("step")
        for item in reach("step", ran.names["step"], depth=3)
        if isinstance(item.value, np.ndarray) and item.value.shape == np.shape(h)
    ][:3]


def _loop(call: str, text: str, start: str, following: str) -> tuple[str, ...]:
    carried = "\n    h = step" + following if start else ""
    before = "\n    before.append(h)" if start else ""
    opening = (f"h = {start}",) if start else ()
    return (
        *opening,
        "result, before = [], []",
        f"for x_t in x:{before}\n    step = {call}({text})\n    result.append(step){carried}",
    )


def backward_cells(
    loaded: Loaded,
    forward: Forward,
    call: str,
    parameters: Sequence[Parameter],
    entry: str,
    roles: dict[str, str],
) -> Iterator[tuple[tuple[str, ...], Ran]]:
    """Yield loops over a callable that takes one step back, with how they ran; `entry` lays d out step by step."""
    function = callable_of(forward.built, call)
    keeps = f", {{k: np.array(v) for k, v in vars({forward.built.setup.owner}).items() if isinstance(v, np.ndarray)}}"
    kept = keeps if forward.built.setup.owner == "model" else ""
    h_like = "before[-1]" if forward.following or "h" in forward.ran.names else "d[-1]"
    opening = (f"d = {entry}", f"grads, dh, t = [], np.zeros_like({h_like}), p.T - 1")
    options = partial(_back_options, forward=forward, roles=roles)
    y = () if forward.outputs is None else (f"y = {forward.outputs.expression}",)
    before = (*forward.build, *forward.lines, *y)
    prepared = (*before, *opening)
    for arguments in best_first(parameters, options, MOST_ARGUMENTS * 2):
        enters = [kind for kind in arguments.kinds if kind.startswith("entry")]
        if len(enters) != 1:
            continue
        probe = run(loaded, forward.asked.p, (*prepared, f"back = {call}({arguments.text})"))
        if not probe.ok:
            yield (), probe
            continue
        labels = returned_names(function, "back")
        for following in _back_following(probe, labels) or [""]:
            alone = numeric(probe.names["back"])
            whole = alone is not None and alone.shape == np.shape(probe.names["dh"])
            carried = f"\n    dh = back{following}" if following or whole else ""
            body = f"\n    back = {call}({arguments.text})\n    grads.append((back{kept or ','})){carried}"
            lines = (*opening, "for t in reversed(range(p.T)):" + body)
            ran = run(loaded, forward.asked.p, (*before, *lines))
            yield lines, ran


def _back_options(parameter: Parameter, *, forward: Forward, roles: dict[str, str]) -> list[Option]:
    name = parameter.name.strip("_")
    found = plain_options(parameter)
    if parameter.name in roles and roles[parameter.name] in forward.fills:
        return [(forward.fills[roles[parameter.name]], 0.0, "weight")]
    upstream = bool(names.UPSTREAM.fullmatch(name))
    later = bool(names.NEXT.fullmatch(name))
    found += [
        ("d[t] + dh", 0.0 if upstream else 1.5, "entry"),
        ("d[t]", 0.3 if upstream and not later else 1.8, "entry alone"),
        ("dh", 0.2 if later else 1.2 if upstream else 2.0, "carried"),
        ("x[t]", 0.0 if names.INPUT.fullmatch(name) else 2.2, "x"),
        ("before[t]", 0.1 if names.STATE.fullmatch(name) and "next" not in name else 2.3, "state"),
        (
            f"result[t]{forward.following}",
            0.4 if names.OUTPUT.fullmatch(name) or "next" in name else 2.1,
            "output",
        ),
        ("result[t]", 0.5 if names.CACHE.fullmatch(name) else 2.4, "cache"),
    ]
    known = returned_names(callable_of(forward.built, forward.call), "step")
    step = forward.ran.names.get("step")
    if isinstance(step, (tuple, list, dict)):
        for item in reach("step", step, depth=2):
            if item.path != "step":
                same = known.get(item.path, item.name).lower() == name.lower()
                cache = bool(names.CACHE.fullmatch(name)) and not isinstance(item.value, np.ndarray)
                text = item.path.replace("step", "result[t]", 1)
                found.append((text, 0.05 if same else 0.3 if cache else 2.2, "cache"))
    if "params" in forward.built.setup.roots:
        found.append(("params", 0.1 if names.PARAMS.fullmatch(name) else 2.6, "params"))
    return found


def _back_following(ran: Ran, labels: dict[str, str]) -> list[str]:
    """Return where in the result of a step back the gradient of the state before may be, by its name first."""
    shape = np.shape(ran.names["dh"])
    found = [
        item
        for item in reach("back", ran.names["back"], depth=3)
        if (array := numeric(item.value)) is not None and array.shape == shape
    ]

    def rank(path: str, name: str) -> bool:
        label = labels.get(path, name).lower()
        return not ("prev" in label or "next" in label or label.startswith(("dh", "d_h", "da", "ds")))

    found.sort(key=lambda item: rank(item.path, item.name))
    return [item.path.removeprefix("back") for item in found][:2]
