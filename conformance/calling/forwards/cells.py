"""Networks that are called one step at a time: the loop over time is ours, the step is theirs.

    h ← h_0;  for x_t in x:  result ← result + [cell(x_t, h)],  h ← the state in it

A cell with a memory c is handed it, and c ← the memory in it.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from conformance.calling.forwards.passes import Forward
from conformance.calling.hints import names
from conformance.calling.hints.arguments import Option, Parameter, best_first
from conformance.calling.hints.inputs import Inputs, plain_options, states
from conformance.calling.loading.load import Loaded
from conformance.calling.running.program import Ran, run
from conformance.calling.running.reach import reach

MOST_ARGUMENTS, MOST_PAIRS = 6, 2
NO_STATE = ""
"""The start of a cell that keeps its state itself."""


def is_stepwise(way: Inputs) -> bool:
    """Tell whether a way to give x can be walked through step by step."""
    listed = way.form is not None and way.form.container == "list"
    return listed or way.text.endswith(".tolist()") or way.text in ("p.ids", "p.rows")


def cells(loaded: Loaded, plain: Forward, parameters: Sequence[Parameter], weights: Any) -> Iterator[Forward]:
    """Yield loops over a callable that runs for one step; `weights` gives options for weights as arguments.

    One that takes all the time or all the memory comes alone, without a loop, with that run.
    """
    shared = (*plain.built.setup.lines, f"x = {plain.inputs.text}", "x_t = x[0]")
    for start in (*states("p.h_0", batched=plain.inputs.batched), NO_STATE):
        opening = (*shared, *([f"h = {start}", f"c = {start}"] if start else []))
        options = partial(_options, start=start, weights=weights)
        for arguments in best_first(parameters, options, MOST_ARGUMENTS):
            kinds = arguments.kinds
            states_in = kinds.count("state") + kinds.count("both")
            if kinds.count("x") != 1 or states_in != bool(start) or kinds.count("memory") > 1:
                continue
            ran = run(loaded, plain.asked.p, (*opening, f"step = {plain.call}({arguments.text})"))
            if not ran.ok:
                if ran.exhausts:
                    yield replace(plain, arguments=arguments, ran=ran)
                    return
                continue
            for carried in _carried(ran, start, memory="memory" in kinds or "both" in kinds):
                loop = _loop(plain.call, arguments.text, start, carried)
                yield replace(plain, arguments=arguments, loop=loop, following=carried)


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


def _carried(ran: Ran, start: str, *, memory: bool) -> list[tuple[str, ...]]:
    """Return where in a step's result the next state may be, and the next memory: whatever has the shape of h."""
    if not start:
        return [()]
    shape = np.shape(ran.names["h"])
    found = [
        item.path.removeprefix("step")
        for item in reach("step", ran.names["step"], depth=3)
        if isinstance(item.value, np.ndarray) and item.value.shape == shape
    ][:3]
    return list(itertools.permutations(found, 2))[:MOST_PAIRS] if memory else [(text,) for text in found]


def _loop(call: str, text: str, start: str, carried: tuple[str, ...]) -> tuple[str, ...]:
    kept = dict(zip(("h", "c"), carried, strict=False))
    before = "\n    before.append(h)" if start else ""
    steps = "".join(f"\n    {name} = step{path}" for name, path in kept.items())
    return (
        *(f"{name} = {start}" for name in kept),
        "result, before = [], []",
        f"for x_t in x:{before}\n    step = {call}({text})\n    result.append(step){steps}",
    )
