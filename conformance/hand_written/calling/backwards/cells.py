"""Cells that take one step back: the loop back over time is ours, the step is theirs.

    dh ← 0;  for t from T − 1 to 0:  cell(x_t, h_{t−1}),  grads ← grads + [cell_backward(d_t + dh, …)],
                                     dh ← the gradient in it

Forward is called again ahead of each step back, so that what the cell keeps of a step in itself is what it kept of this
one. A cell with a memory c is handed dc as well, and dc ← the gradient of the memory before in it.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from msgspec import Struct, field

from conformance.hand_written.calling.building.construct import callable_of, part_called
from conformance.hand_written.calling.forwards.cells import STATES
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import Arguments, Option, Parameter, best_first
from conformance.hand_written.calling.hints.inputs import plain_options
from conformance.hand_written.calling.hints.returns import returned_names
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import Ran, run, value
from conformance.hand_written.calling.running.reach import Reached, reach
from conformance.hand_written.calling.values.forms import numeric

MOST_ARGUMENTS = 12
MOST_CARRIED = 3
"""Things in the result of a step back, of the shape of h, any of which may be the gradient of the state before."""

EARLIER = re.compile(r"prev|old|before|last|tm1", re.IGNORECASE)
"""What is part of the name of a state before a step."""

NEWER = re.compile(r"next|new", re.IGNORECASE)
"""What is part of the name of a state after a step."""

GRADIENT = re.compile(r"d_?|grad_?")
"""What the name of a gradient begins with."""


class BackwardLoop(Struct, frozen=True, kw_only=True):
    """A loop back over time as it ran; without lines, a single step that failed.

    `carried` tells of the states whose gradients go by such a name which variable ends as that before the first step:
    h's is dh.
    """

    ran: Ran
    lines: tuple[str, ...] = ()
    arguments: Arguments = Arguments()
    carried: Mapping[str, str] = field(default_factory=dict)


def backward_cells(
    loaded: Loaded,
    forward: Forward,
    call: str,
    parameters: Sequence[Parameter],
    entry: str,
    roles: dict[str, str],
) -> Iterator[BackwardLoop]:
    """Yield loops over a callable that takes one step back, with how they ran; `entry` lays d out step by step."""
    labels = returned_names(callable_of(forward.built, call), "back")
    opening = _opening(forward, entry)
    told_apart = any(EARLIER.search(q.name) for q in parameters)
    options = partial(_options, forward=forward, roles=roles, told_apart=told_apart)
    y = () if forward.outputs is None else (f"y = {forward.outputs.expression}",)
    before = (*forward.build, *forward.lines, *y)
    for arguments in best_first(parameters, options, MOST_ARGUMENTS, _enters_once):
        back = f"back = {call}({arguments.text})"
        memory = bool({"memory", "entry of both"} & set(arguments.kinds))
        for at in _at_a_step(forward):
            probe = run(loaded, forward.asked.p, (*before, *opening, *at, back))
            if not probe.ok:
                yield BackwardLoop(ran=probe)
                continue
            for carried in _carried(probe, labels, memory=memory):
                handed_on = _handed_on(carried, probe)
                lines = (*opening, _loop((*at, back), handed_on, owner=forward.built.setup.owner))
                ran = run(loaded, forward.asked.p, (*before, *lines))
                yield BackwardLoop(lines=lines, ran=ran, arguments=arguments, carried=_ends(carried, labels))


def _enters_once(kinds: tuple[str, ...]) -> bool:
    """Tell whether exactly one argument is what the loss enters by."""
    return sum(kind.startswith("entry") for kind in kinds) == 1


def _opening(forward: Forward, entry: str) -> tuple[str, ...]:
    like = "h" if forward.following or "h" in forward.ran.names else "d[-1]"
    return (
        f"d = {entry}",
        f"grads, dh, dc, t = [], np.zeros_like({like}), np.zeros_like({like}), p.T - 1",
    )


def _at_a_step(forward: Forward) -> Iterator[tuple[str, ...]]:
    """Yield the lines after which a cell is where it was at step t.

    Forward is called again from the state before t. A cell that keeps its state itself is gone back to as it was left
    by step t; one that keeps all its steps, on a stack, is there already.
    """
    states = ", ".join(name for name, _ in zip(STATES, forward.following, strict=False))
    there = f"x_t, ({states},) = x[t], before[t]" if states else "x_t = x[t]"
    if states:
        yield there, f"step = {forward.call}({forward.arguments.text})"
    if not states or _keeps_all_its_steps(forward):
        yield there, "step = result[t]"
    if not states and forward.built.setup.owner == "model":
        yield there, "step, model = result[t], models[t]"


def _keeps_all_its_steps(forward: Forward) -> bool:
    """Tell whether an object holds something of as many steps as were taken."""
    held = getattr(forward.ran.names.get("model"), "__dict__", {})
    steps = forward.asked.case.steps
    return any(isinstance(value, (list, tuple, dict)) and len(value) >= steps for value in held.values())


def _loop(step: tuple[str, ...], handed_on: tuple[str, ...], *, owner: str) -> str:
    """Return the loop over time, which keeps what every step gave and what it left in the object."""
    given = f"grads.append(kept(back{', model' if owner == 'model' else ''}))"
    return "for t in reversed(range(p.T)):" + "".join(f"\n    {line}" for line in (*step, given, *handed_on))


def _handed_on(carried: Mapping[str, str], probe: Ran) -> tuple[str, ...]:
    """Return the lines that hand gradients on to the step before, in the shape of its state."""
    shape = np.shape(probe.names["dh"])
    texts = {name: f"back{path}" for name, path in carried.items()}
    return tuple(
        f"{name} = {text}"
        if np.shape(value(probe, text)) == shape
        else f"{name} = np.reshape({text}, {name}.shape)"
        for name, text in texts.items()
    )


def _carried(probe: Ran, labels: dict[str, str], *, memory: bool) -> list[dict[str, str]]:
    """Return where in the result of a step back the gradients may be of the state before, and of the memory before."""
    found = _following(probe, labels)
    if memory:
        pairs = sorted(
            itertools.permutations(found[:MOST_CARRIED], 2),
            key=lambda pair: (_is_of_memory(pair[0], labels), not _is_of_memory(pair[1], labels)),
        )
        return [{"dh": _inner(of_h), "dc": _inner(of_c)} for of_h, of_c in pairs]
    return [{"dh": _inner(item)} for item in found[:MOST_CARRIED]] or [{}]


def _ends(carried: Mapping[str, str], labels: dict[str, str]) -> dict[str, str]:
    """Return which variables end as the gradients of which states, those alone that go by such a name."""
    items = {name: Reached(f"back{path}", None) for name, path in carried.items()}
    called = {"dh": _is_of_state, "dc": _is_of_memory}
    return {name[1:]: name for name, item in items.items() if called[name](item, labels)}


def _inner(item: Reached) -> str:
    return item.path.removeprefix("back")


def _is_of_state(item: Reached, labels: dict[str, str]) -> bool:
    """Tell whether something is called like the gradient of a state."""
    label = labels.get(item.path, item.name).lower()
    return "prev" in label or "next" in label or label.startswith(("dh", "d_h", "da", "ds"))


def _is_of_memory(item: Reached, labels: dict[str, str]) -> bool:
    """Tell whether something is called like the gradient of a memory."""
    name = labels.get(item.path, item.name)
    return names.MEMORY.fullmatch(GRADIENT.sub("", name.lower(), count=1)) is not None


def _options(
    parameter: Parameter, *, forward: Forward, roles: dict[str, str], told_apart: bool
) -> list[Option]:
    """Return what one parameter may be given; a plain name is that of the newer of two states that are `told_apart`."""
    name = parameter.name.strip("_")
    if parameter.name in roles and roles[parameter.name] in forward.fills:
        return [(forward.fills[roles[parameter.name]], 0.0, "weight")]
    if (part := part_called(forward.built, parameter.name)) is not None:
        return [(part, 0.0, "parameter")]
    if forward.following[1:] and names.MEMORY.fullmatch(GRADIENT.sub("", name, count=1)):
        return [("dc", 0.0, "memory")] if GRADIENT.match(name) else [("c", 0.0, "memory before")]
    upstream = bool(names.UPSTREAM.fullmatch(name))
    later = bool(names.NEXT.fullmatch(name))
    newer = NEWER.search(name) is not None
    state = names.STATE.fullmatch(name) is not None and not newer
    earlier = state and (not told_apart or EARLIER.search(name) is not None)
    after = names.OUTPUT.fullmatch(name) or (newer and not upstream) or (state and not earlier)
    found = [
        *plain_options(parameter),
        ("d[t] + dh", 0.0 if upstream else 1.5, "entry"),
        ("d[t]", 0.3 if upstream and not later else 1.8, "entry alone"),
        ("dh", 0.2 if later else 1.2 if upstream else 2.0, "carried"),
        ("x_t", 0.0 if names.INPUT.fullmatch(name) else 2.2, "x"),
        ("h", 0.1 if earlier else 2.3, "state"),
        (f"step{''.join(forward.following[:1])}", 0.4 if after else 2.1, "output"),
        ("step", 0.5 if names.CACHE.fullmatch(name) else 2.4, "cache"),
    ]
    return [*found, *_parts_of_a_step(parameter, forward), *_of_both(parameter, forward)]


def _of_both(parameter: Parameter, forward: Forward) -> list[Option]:
    """Return what is handed over for several things at once: a pair of gradients, or all parameters."""
    found: list[Option] = []
    if forward.following[1:] and parameter.pair:
        found.append(("(d[t] + dh, dc)", 0.0, "entry of both"))
    if "params" in forward.built.setup.roots:
        found.append(("params", 0.1 if names.PARAMS.fullmatch(parameter.name.strip("_")) else 2.6, "params"))
    return found


def _parts_of_a_step(parameter: Parameter, forward: Forward) -> Iterator[Option]:
    """Yield what a step gave, by its parts: those called like a parameter, or like a cache, are likely."""
    step, name = forward.ran.names.get("step"), parameter.name.strip("_")
    if not isinstance(step, (tuple, list, dict)):
        return
    known = returned_names(forward.function(forward.call), "step")
    for item in reach("step", step, depth=2):
        if item.path != "step":
            same = known.get(item.path, item.name).lower() == name.lower()
            cache = bool(names.CACHE.fullmatch(name)) and not isinstance(item.value, np.ndarray)
            yield item.path, 0.05 if same else 0.3 if cache else 2.2, "cache"


def _following(ran: Ran, labels: dict[str, str]) -> list[Reached]:
    """Return where in the result of a step back the gradient of the state before may be, by its name first.

    It may have an axis more than the state, for one sample.
    """
    shape = _lengths(ran.names["dh"])
    found = [
        item
        for item in reach("back", ran.names["back"], depth=3)
        if (array := numeric(item.value)) is not None and _lengths(array) == shape
    ]
    return sorted(found, key=lambda item: not _is_of_state(item, labels))


def _lengths(array: object) -> tuple[int, ...]:
    """Return the lengths of all axes but those of length 1."""
    return tuple(n for n in np.shape(array) if n != 1)
