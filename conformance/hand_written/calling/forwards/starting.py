"""An initial state that a forward pass takes by an argument whose name doesn't say so: found by handing it one."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from msgspec import structs

from conformance.cases import Case
from conformance.hand_written.calling.asking import question
from conformance.hand_written.calling.forwards.passes import Forward
from conformance.hand_written.calling.gates.memory import MEMORY, STATE
from conformance.hand_written.calling.hints.arguments import Parameter, given, parameters_of
from conformance.hand_written.calling.hints.inputs import states
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import Ran, run, values
from conformance.hand_written.calling.values.matching import everything, recognised
from refrnn import Array

ZEROS_OF_A_STATE = re.compile(r"np\.zeros_like\((p\.h_0[^()]*)\)")
"""The zeros that an argument for an initial state is handed."""


def lines_from_a_state(loaded: Loaded, forward: Forward) -> tuple[str, ...]:
    """Return the lines that call a forward pass from h_0, where an argument that may be left out takes it; else none.

    What is handed in is the initial state if the outputs are right from one that isn't 0.
    """
    if (
        forward.loop
        or forward.fault
        or forward.is_own
        or any("p.h_0" in line for line in (*forward.build, *forward.lines))
    ):
        return ()
    case, traits = replace(forward.asked.case, h_0=True), forward.asked.traits
    for trial in _handed_a_state(forward):
        asked = question(
            case, structs.replace(traits, memory=traits.memory or MEMORY in trial.arguments.text)
        )
        trial = structs.replace(trial, asked=asked)  # noqa: PLW2901 - what it is asked is a part of it
        ran = run(loaded, asked.p, (*trial.build, *trial.lines))
        items = everything(Ran(names=ran.names), ["result", *trial.built.setup.roots]) if ran.ok else []
        if structs.replace(trial, ran=ran, matches=tuple(recognised(items, asked.forward))).complete:
            return trial.lines
    return ()


def lines_from_zeros(loaded: Loaded, forward: Forward) -> Iterator[tuple[str, ...]]:
    """Yield the lines that hand a forward pass of its own kind an initial state of zeros, by one argument each.

    With zeros the outputs are what they are without that argument, with anything else they are others.
    """
    shown, p = forward.outputs, forward.asked.p
    other = p.holding("h_0", np.cos(np.arange(p.h_0.size)).reshape(p.h_0.shape))
    if shown is None or forward.loop:
        return
    handed = tuple(ZEROS_OF_A_STATE.sub(r"\1", line) for line in forward.lines)
    trials = (
        list(_one_by_one(handed, np.asarray(p.h_0)))
        if any("p.h_0" in line for line in handed)
        else [each.lines for each in _handed_a_state(forward)]
    )
    known: set[str] = set()
    for lines in trials:
        names = set(re.findall(r"(\w+)=[^=]*\bp\.h_0", lines[-1]))
        if names & known:
            continue
        plain, zeros, moved = (
            values(run(loaded, asked, (*forward.build, *each)), {"it": shown.expression}).get("it")
            for asked, each in ((p, forward.lines), (p, lines), (other, lines))
        )
        shows = zeros is not None and moved is not None and np.array_equal(plain, zeros)
        if shows and not np.array_equal(zeros, moved):
            known |= names
            yield lines


def _one_by_one(lines: tuple[str, ...], h_0: Array) -> Iterator[tuple[str, ...]]:
    """Yield lines in which one argument alone moves with p.h_0, where several are handed it: a state and a memory."""
    *before, call = lines
    parts = call.split("p.h_0")
    for n in range(1, len(parts)):
        still = (f"np.array({h_0.tolist()})" if other != n else "p.h_0" for other in range(1, len(parts)))
        yield (*before, parts[0] + "".join(text + part for text, part in zip(still, parts[1:], strict=True)))


def _handed_a_state(forward: Forward) -> Iterator[Forward]:
    """Yield a forward pass with p.h_0 handed to each argument that may be left out, in each form of a state.

    A memory is handed over as well where there is one: with the state in a pair, or by another such argument.
    """
    parameters = parameters_of(forward.function(forward.call)) or []
    handed = given(parameters, forward.arguments.text)
    free = [q for q in parameters if q.default is None and q.name not in handed]
    plain = states(STATE, batched=forward.inputs.batched)
    for more in (*_with_a_memory(free, plain, forward.asked.case), *_one_state(free, plain)):
        text = ", ".join(filter(None, (forward.arguments.text, more)))
        yield structs.replace(forward, arguments=structs.replace(forward.arguments, text=text))


def _with_a_memory(free: Sequence[Parameter], plain: Sequence[str], case: Case) -> Iterator[str]:
    if "c" not in case.carried:
        return
    both = [(h, h.replace(STATE, MEMORY)) for h in plain]
    for parameter in free:
        for h, c in both:
            yield from (f"{parameter.name}=({h}, {c})", f"{parameter.name}=({c}, {h})")
    for one, other in itertools.permutations(free, 2):
        yield from (f"{one.name}={h}, {other.name}={c}" for h, c in both)


def _one_state(free: Sequence[Parameter], plain: Sequence[str]) -> Iterator[str]:
    """Yield an argument each that is handed a state; one that is taken apart into two, in their place twice."""
    for parameter in free:
        yield from (
            f"{parameter.name}=({h}, {h})" if parameter.pair else f"{parameter.name}={h}" for h in plain
        )
