"""Inputs of other kinds: sequences of other lengths, words that occur twice, and what is large enough to be cut off.

The reference says nothing about what becomes of a state in padding: it may stay, be zeroed, or go on. So the gradients
are differentiated numerically from what the network itself gives then, with a loss that sees no step in padding.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from msgspec import structs

from conformance.cases import materialise
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.describing import EVERY_STEP_COUNTED, NOT_SHORTER
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.hints.inputs import LENGTHS, MASKS
from conformance.hand_written.checking.consistency import Consistency, consistency
from conformance.hand_written.checking.differences import CLEAR
from conformance.hand_written.checking.judging import Truth
from conformance.hand_written.checking.own_loss import constant_of_its_loss
from conformance.hand_written.checking.running import Failure, attempt
from conformance.hand_written.mending.questions import files_of

SHORTER = "np.maximum(p.T - 2 * np.arange(p.B), 1)"
"""The lengths that are asked, T, T − 2, T − 4 and so on."""

LIVE = f"(np.arange(p.T)[:, None] < {SHORTER})"
"""Which steps (T, B) are none of padding."""

BETWEEN = "((np.arange(p.T)[:, None] + np.arange(p.B)) % 3 != 1)"
"""Which steps (T, B) a mask leaves where others come after those that it leaves out."""

SHORTER_LENGTHS = {LENGTHS[0]: SHORTER, LENGTHS[1]: f"[int(n) for n in {SHORTER}]"}
"""What is handed over in the place of full lengths."""


DROPS = re.compile(r"drop|keep", re.IGNORECASE)
"""What a source speaks of that may be handed masks of dropout."""


def masks_of(live: str, kept: float = 1.0) -> dict[str, str]:
    """Return what is handed over in the place of masks of ones, by which steps (T, B) are to count, and as how much."""
    return {
        f"np.ones({MASKS[0]})": f"{kept} * {live}.T",
        f"np.ones({MASKS[1]})": f"{kept} * {live}",
        f"np.ones({MASKS[3]})": f"{kept} * {live}.T[:, :, None]",
        f"np.ones({MASKS[4]})": f"{kept} * {live}[:, :, None]",
    }


LARGER = 2.0**6
"""How many times as large inputs are, all steps alike, where what a forward pass cuts off is to be reached."""

WORDS = "p.rows"
"""The rows of a table of words that are asked for, each once."""


def asked_other_lengths(bound: Binding, truth: Truth) -> Binding:
    """Return how a network is called with what is known of it on sequences of other lengths, where it takes any."""
    agrees = agrees_with_other_lengths(bound, truth)
    if agrees is None:
        return bound
    unasked = {EVERY_STEP_COUNTED, *map(NOT_SHORTER.format, bound.left_out)}
    notes = tuple(note for note in bound.notes if note not in unasked)
    if agrees:
        agreed = "On other lengths or masks its gradients agree with its own forward pass."
        return structs.replace(bound, notes=(*notes, agreed))
    denied = "on other lengths or masks its gradients don't agree with its own forward pass"
    return structs.replace(bound, notes=notes, denied=bound.denied or denied)


def asked_beyond_its_limits(bound: Binding) -> Binding:
    """Return how a network is called with what is known of it where values in its forward pass are cut off at ±c.

    A gradient that is off by next to nothing of what it is for ordinary inputs is as good as right: σ'(±c) is for 0.
    """
    problem = bound.admit(materialise(bound.problem_case))
    first = problem.layout.time_major(problem.x)[:1]
    alike = np.repeat(first, problem.case.steps, axis=0)
    larger = replace(problem, x=LARGER * problem.layout.restored(alike))
    limits = attempt(bound.limits_of_forward, problem)
    if bound.own is None or bound.traits.one_hot or isinstance(limits, Failure) or not limits.limits:
        return bound
    reached = attempt(bound.limits_of_forward, larger)
    if isinstance(reached, Failure) or not reached.reached - limits.reached:
        return bound
    found = attempt(lambda larger: consistency(bound.own_forward(larger)), larger)
    usual = max((float(np.abs(g).max()) for g in bound.own_forward().gradients.values()), default=0.0)
    if not isinstance(found, Consistency) or not found.is_clearly_wrong:
        return bound
    if found.clear_error <= CLEAR * LARGER * usual:
        return bound
    cut_off = ", ".join(f"±{limit:g}" for limit in sorted(reached.reached))
    denied = f"where its forward pass cuts values off at {cut_off}, its gradients don't agree with it"
    return structs.replace(bound, denied=bound.denied or denied)


def agrees_with_other_lengths(bound: Binding, truth: Truth) -> bool | None:
    """Tell whether gradients belong to the forward pass of sequences of other lengths; None where nothing tells.

    What was left out is handed over, in the first form that the network takes. Where ids are targets at every step,
    whether those in padding count is the code's own to say: by the loss that it returns.
    """
    if bound.loss is None:
        return None
    found = [_agrees_where(bound, truth, live) for live in (LIVE, BETWEEN)]
    return False if False in found else found[0]


def _agrees_where(bound: Binding, truth: Truth, live: str) -> bool | None:
    last = bound.loss is None or bound.loss.last
    counted = str if last else partial(_where, live=live)
    for way in _ways_to_shorten(bound, live):
        if bound.traits.crossed and not last:
            agrees = _agrees_with_its_loss(bound, truth, way)
        else:
            agrees = _agrees_when(bound, lambda line, way=way: counted(way(line)))
        if agrees is not None:
            return agrees
    return None


def _agrees_with_its_loss(bound: Binding, truth: Truth, way: Callable[[str], str]) -> bool | None:
    """Tell whether gradients are those of the loss that comes with them, as they are where every step counts.

    A constant between them is known to be 1 there, or else it may be another one for another number of steps.
    """
    plain, other = (constant_of_its_loss(each, truth) for each in (bound, _called_so(bound, way)))
    if plain is None or other is None or math.isnan(plain.factor):
        return None
    if math.isnan(other.factor):
        return False
    return plain.is_one <= other.is_one


def _ways_to_shorten(bound: Binding, live: str) -> Iterator[Callable[[str], str]]:
    """Yield what makes of a line one in which not every step counts: lengths that say so, or a mask."""
    kept = 2.0 if any(map(DROPS.search, files_of(bound).values())) else 1.0  # 1/keep in a mask of dropout
    masks, lengths = masks_of(live, kept), SHORTER_LENGTHS if live == LIVE else {}
    full = masks | lengths
    if any(text in line for line in (*bound.forward, *bound.backward) for text in full):
        yield partial(_replaced, others=full)
        return
    for name, passes in bound.left_out.items():
        shorter = lengths if names.LENGTHS.fullmatch(name) else masks
        yield from (partial(_handed, argument=f"{name}={text}", passes=passes) for text in shorter.values())


def agrees_with_repeated_words(bound: Binding) -> bool | None:
    """Tell whether gradients belong to the forward pass where each word occurs twice; None where nothing tells."""
    if not any(WORDS in line for line in bound.forward):
        return None
    return _agrees_when(bound, lambda line: line.replace(WORDS, f"({WORDS} // 2)"))


def _agrees_when(bound: Binding, asked: Callable[[str], str]) -> bool | None:
    """Tell whether gradients belong to the forward pass when every line that calls it is another."""
    if bound.own is None:
        return None
    found = attempt(lambda other: consistency(other.own_forward()), _called_so(bound, asked))
    verdict = found.verdict if isinstance(found, Consistency) else ""
    return {"agrees": True, "differs": False}.get(verdict)


def _called_so(bound: Binding, asked: Callable[[str], str]) -> Binding:
    """Return a network that is called by other lines."""
    own = bound.own
    return structs.replace(
        bound,
        forward=tuple(map(asked, bound.forward)),
        backward=tuple(map(asked, bound.backward)),
        own=None if own is None else structs.replace(own, cotangent=asked(own.cotangent)),
    )


def _replaced(line: str, others: Mapping[str, str]) -> str:
    for text, other in others.items():
        line = line.replace(text, other)
    return line


def _handed(line: str, argument: str, passes: Sequence[str]) -> str:
    """Return a line that calls one of some passes with one argument more, any other as it is.

    >>> _handed("result = model.forward(x, h0=p.h_0)", "lengths=n", ["result"]), _handed("x = p.x", "mask=m", ["grads"])
    ('result = model.forward(x, h0=p.h_0, lengths=n)', 'x = p.x')
    """
    return re.sub(rf"^((?:{'|'.join(passes)}) = .*)\)$", rf"\1, {argument})", line)


def _where(line: str, live: str) -> str:
    """Return a line whose cotangents are zeros where steps don't count."""
    return re.sub(r"\bp\.d_[yh]\b", rf"(\g<0> * {live}[:, :, None])", line)
