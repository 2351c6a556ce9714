"""Cells that take one step back: the loop back over time is ours, the step is theirs.

    dh ← 0;  for t from T − 1 to 0:  grads ← grads + [cell_backward(d_t + dh, …)],  dh ← the gradient in it

A cell with a memory c is handed dc as well, and dc ← the gradient of the memory before in it.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from conformance.calling.building.construct import callable_of, part_called
from conformance.calling.forwards.passes import Forward
from conformance.calling.hints import names
from conformance.calling.hints.arguments import Option, Parameter, best_first
from conformance.calling.hints.inputs import plain_options
from conformance.calling.hints.returns import returned_names
from conformance.calling.loading.load import Loaded
from conformance.calling.running.program import Ran, run
from conformance.calling.running.reach import reach
from conformance.calling.values.forms import numeric

MOST_ARGUMENTS = 12


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
    weights = [slot.path.removeprefix("model.") for slot in forward.slots]
    keeps = f", {{k: np.array(v) for k, v in vars(model).items() if isinstance(v, np.ndarray) and k not in {weights}}}"
    kept = keeps if forward.built.setup.owner == "model" else ""
    h_like = "before[-1]" if forward.following or "h" in forward.ran.names else "d[-1]"
    opening = (
        f"d = {entry}",
        f"grads, dh, dc, t = [], np.zeros_like({h_like}), np.zeros_like({h_like}), p.T - 1",
    )
    options = partial(_options, forward=forward, roles=roles)
    y = () if forward.outputs is None else (f"y = {forward.outputs.expression}",)
    before = (*forward.build, *forward.lines, *y)
    prepared = (*before, *opening)
    for arguments in best_first(parameters, options, MOST_ARGUMENTS):
        enters = [kind for kind in arguments.kinds if kind.startswith("entry")]
        if len(enters) != 1:
            continue
        probe = run(loaded, forward.asked.p, (*prepared, f"back = {call}({arguments.text})"))
        if not probe.ok:
            yield (), probe
            continue
        for carried in _carried(probe, returned_names(function, "back"), memory="memory" in arguments.kinds):
            steps = "".join(f"\n    {name} = back{path}" for name, path in carried.items())
            body = f"\n    back = {call}({arguments.text})\n    grads.append((back{kept or ','})){steps}"
            lines = (*opening, "for t in reversed(range(p.T)):" + body)
            yield lines, run(loaded, forward.asked.p, (*before, *lines))


def _carried(probe: Ran, labels: dict[str, str], *, memory: bool) -> list[dict[str, str]]:
    """Return where in the result of a step back the gradients may be of the state before, and of the memory before."""
    found = _following(probe, labels)
    if memory:
        return [dict(zip(("dh", "dc"), pair, strict=True)) for pair in itertools.permutations(found[:3], 2)]
    alone = numeric(probe.names["back"])
    whole = alone is not None and alone.shape == np.shape(probe.names["dh"])
    return [{"dh": path} for path in found[:2]] or [{"dh": ""} if whole else {}]


def _options(parameter: Parameter, *, forward: Forward, roles: dict[str, str]) -> list[Option]:
    name = parameter.name.strip("_")
    found = plain_options(parameter)
    if parameter.name in roles and roles[parameter.name] in forward.fills:
        return [(forward.fills[roles[parameter.name]], 0.0, "weight")]
    if (part := part_called(forward.built, parameter.name)) is not None:
        return [(part, 0.0, "parameter")]
    if forward.following[1:] and names.MEMORY.fullmatch(re.sub(r"^d_?|^grad_?", "", name)):
        return [("dc", 0.0, "memory")]
    upstream = bool(names.UPSTREAM.fullmatch(name))
    later = bool(names.NEXT.fullmatch(name))
    found += [
        ("d[t] + dh", 0.0 if upstream else 1.5, "entry"),
        ("d[t]", 0.3 if upstream and not later else 1.8, "entry alone"),
        ("dh", 0.2 if later else 1.2 if upstream else 2.0, "carried"),
        ("x[t]", 0.0 if names.INPUT.fullmatch(name) else 2.2, "x"),
        ("before[t]", 0.1 if names.STATE.fullmatch(name) and "next" not in name else 2.3, "state"),
        (
            f"result[t]{''.join(forward.following[:1])}",
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


def _following(ran: Ran, labels: dict[str, str]) -> list[str]:
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
    return [item.path.removeprefix("back") for item in found]
