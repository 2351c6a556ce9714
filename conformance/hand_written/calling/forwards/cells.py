"""Networks that are called one step at a time: the loop over time is ours, the step is theirs.

    h ← h_0;  for x_t in x:  result ← result + [cell(x_t, h)],  h ← the state in it

A cell with a memory c is handed it, and c ← the memory in it. One that keeps its state itself is copied at every step,
so that each can be gone back to.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from msgspec.structs import replace

from conformance.hand_written.calling.building.construct import callable_of
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import Arguments, Option, Parameter, best_first
from conformance.hand_written.calling.hints.inputs import Inputs, plain_options, states
from conformance.hand_written.calling.hints.returns import returned_names
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import Ran, run
from conformance.hand_written.calling.running.reach import reach

MOST_ARGUMENTS, MOST_PAIRS = 6, 2
STATES = ("h", "c")
"""What the state that is handed on is called in our lines, and a second one, the memory."""

NO_STATE = ""
"""The start of a cell that keeps its state itself."""


def is_stepwise(way: Inputs) -> bool:
    """Tell whether a way to give x can be walked through step by step."""
    listed = way.form is not None and way.form.container == "list"
    return listed or way.text.endswith(".tolist()") or way.text in ("p.ids", "p.rows")


def cells(loaded: Loaded, plain: Forward, parameters: Sequence[Parameter], weights: Any) -> Iterator[Forward]:
    """Yield loops over a callable that takes one step; `weights` gives options for weights as arguments.

    Where the step didn't run, the loop comes with that run; after one that took all time or all memory, no more.
    """
    shared = (*plain.built.setup.lines, f"x = {plain.inputs.text}", "x_t = x[0]")
    for start in (*states("p.h_0", batched=plain.inputs.batched), NO_STATE):
        opening = (*shared, *(f"{name} = {start}" for name in STATES if start))
        options = partial(_options, start=start, weights=weights)
        for arguments in best_first(parameters, options, MOST_ARGUMENTS):
            kinds = arguments.kinds
            states_in = kinds.count("state") + kinds.count("both")
            if kinds.count("x") != 1 or states_in != bool(start) or kinds.count("memory") > 1:
                continue
            ran = run(loaded, plain.asked.p, (*opening, f"step = {plain.call}({arguments.text})"))
            memory = "memory" in kinds or "both" in kinds
            if not ran.ok:
                yield replace(_walked(plain, arguments, start, _unknown(start, memory=memory)), ran=ran)
                if ran.exhausts:
                    return
                continue
            known = returned_names(callable_of(plain.built, plain.call), "step")
            for carried in _carried(ran, start, known, memory=memory):
                yield _walked(plain, arguments, start, carried)


def _walked(plain: Forward, arguments: Arguments, start: str, carried: tuple[str, ...]) -> Forward:
    """Return a loop over the callable of `plain` that hands on what lies at `carried` in a step's result."""
    return replace(
        plain,
        arguments=arguments,
        starts=tuple(f"{name}_0 = {start}" for name, _ in zip(STATES, carried, strict=False)),
        loop=_loop(f"{plain.call}({arguments.text})", carried, copied=plain.built.setup.owner == "model"),
        following=carried,
    )


def _unknown(start: str, *, memory: bool) -> tuple[str, ...]:
    """Return where the next state is taken to be in the result of a step that gave none: at its place among two."""
    if not start:
        return ()
    return ("[0]", "[1]") if memory else ("",)


def _options(parameter: Parameter, *, start: str, weights: Any) -> list[Option]:
    name = parameter.name.strip("_")
    found = [*plain_options(parameter), *weights(parameter)]
    if any(kind in ("rate", "weight") for _, _, kind in found):
        return found
    found.append(("x_t", 0.0 if names.INPUT.fullmatch(name) else 1.5, "x"))
    memory = names.MEMORY.fullmatch(name) is not None
    if start and parameter.pair:
        found.append(("(h, c)", 0.0, "both"))
    elif start:
        found.append(("h", 0.0 if names.STATE.fullmatch(name) and not memory else 1.6, "state"))
    if start and memory:
        found.append(("c", 0.0, "memory"))
    return found


def _carried(ran: Ran, start: str, known: Mapping[str, str], *, memory: bool) -> list[tuple[str, ...]]:
    """Return where in a step's result the next state may be, and the next memory: whatever has the shape of h.

    Of two such things the one that is called like a memory is one.
    """
    if not start:
        return [()]
    shape = np.shape(ran.names["h"])
    found = [
        item
        for item in reach("step", ran.names["step"], depth=3)
        if isinstance(item.value, np.ndarray) and item.value.shape == shape
    ][:3]
    remembers = {item.path: _is_memory(known.get(item.path, item.name)) for item in found}
    paths = list(remembers)
    if not memory:
        return [(path.removeprefix("step"),) for path in paths]
    pairs = sorted(
        itertools.permutations(paths, 2), key=lambda pair: (remembers[pair[0]], not remembers[pair[1]])
    )
    return [tuple(path.removeprefix("step") for path in pair) for pair in pairs[:MOST_PAIRS]]


def _is_memory(name: str) -> bool:
    """Tell whether something that a step returned is called like a memory, by itself or by the key of a dict."""
    return names.MEMORY.fullmatch(name.strip("_")) is not None


def _loop(called: str, carried: tuple[str, ...], *, copied: bool) -> tuple[str, ...]:
    kept = dict(zip(STATES, carried, strict=False))
    before = f"\n    before.append(({', '.join(kept)},))" if kept else ""
    steps = "".join(f"\n    {name} = step{path}" for name, path in kept.items())
    again = "\n    models.append(copy.deepcopy(model))" if copied and not kept else ""
    return (
        *(["import copy"] if again else []),
        *(f"{name} = {name}_0.copy()" for name in kept),
        f"result, before{', models' if again else ''} = [], []{', []' if again else ''}",
        f"for x_t in x:{before}\n    step = {called}\n    result.append(step){again}{steps}",
    )
