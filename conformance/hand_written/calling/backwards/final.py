"""A backward pass that takes the gradient of the final state: asked with a loss that sees h_n as well."""

from dataclasses import replace

import numpy as np
from msgspec import structs

from conformance.hand_written.calling.asking import question
from conformance.hand_written.calling.backwards.search import Backward, again
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.arguments import given, parameters_of
from conformance.hand_written.calling.loading.load import Loaded
from conformance.hand_written.calling.running.program import values

ZEROS = "np.zeros_like(p.h_0"


def with_final(loaded: Loaded, backward: Backward) -> tuple[Backward, str]:
    """Return `backward` handed dL/dh_n where zeros were handed to an argument of that name; else as it is.

    What is in the place of dL/dh_n must either make every gradient right, or make no difference at all. Where it does
    neither, that is returned in words: the argument is wrong, or it is another one than its name says.
    """
    forward = backward.forward
    if forward.sizes.O or forward.loop or forward.fault or backward.entry.last:
        return backward, ""
    zeros = _zeros(backward)
    left_out = "" if zeros else _left_out(backward)
    if not zeros and not left_out:
        return backward, ""
    asked = question(replace(forward.asked.case, cotangents="both"), forward.asked.traits)
    put = structs.replace(backward, forward=structs.replace(forward, asked=asked))
    if left_out:
        *before, call = backward.lines
        lines = (*before, f"{call[:-1]}, {left_out}=p.d_h_n{'' if forward.inputs.batched else '[0]'})")
    else:
        handed = zeros.removeprefix("np.zeros_like(").removesuffix(")").replace("p.h_0", "p.d_h_n")
        lines = tuple(line.replace(zeros, handed) for line in backward.lines)
    seen = again(loaded, put, lines)
    blind = again(loaded, put, backward.lines)
    if seen is None or blind is None:
        return backward, ""
    if seen.wrong == 0 or _same(seen, blind):
        return seen, ""
    name = left_out or _parameter(backward, zeros)
    return (
        backward,
        f"handed the gradient of the final state as {name}, it gives others than the right gradients",
    )


def _parameter(backward: Backward, text: str) -> str:
    """Return the parameter of a backward pass that is given an expression."""
    parameters = parameters_of(backward.forward.function(backward.call)) or []
    handed = given(parameters, backward.lines[-1].partition("(")[2].removesuffix(")"))
    return next((name for name, each in handed.items() if each == text), "an argument")


def _zeros(backward: Backward) -> str:
    """Return the zeros that a backward pass is given as the gradient of the final state, empty where it isn't."""
    parameters = parameters_of(backward.forward.function(backward.call)) or []
    handed = given(parameters, backward.lines[-1].partition("(")[2].removesuffix(")"))
    texts = [text for name, text in handed.items() if names.FINAL.fullmatch(name.strip("_"))]
    return next((text for text in texts if text.startswith(ZEROS)), "")


def _left_out(backward: Backward) -> str:
    """Return the argument for the gradient of the final state that was left out, empty where there is none."""
    parameters = parameters_of(backward.forward.function(backward.call)) or []
    handed = given(parameters, backward.lines[-1].partition("(")[2].removesuffix(")"))
    free = [q.name for q in parameters if q.default is None and q.name not in handed]
    return next((name for name in free if names.FINAL.fullmatch(name.strip("_"))), "")


def _same(one: Backward, other: Backward) -> bool:
    """Tell whether two runs gave the same gradients to the last bit."""
    first, second = (values(each.ran, each.harvest.expressions) for each in (one, other))
    return first.keys() == second.keys() and all(np.array_equal(g, second[path]) for path, g in first.items())
