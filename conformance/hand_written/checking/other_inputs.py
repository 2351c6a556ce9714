"""Inputs of other kinds: sequences of other lengths where lengths or a mask are taken, and words that occur twice.

The reference says nothing about what becomes of a state in padding: it may stay, be zeroed, or go on. So the gradients
are differentiated numerically from what the network itself gives then, with a loss that sees no step in padding.
"""

import re
from collections.abc import Callable

from msgspec import structs

from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.hints.inputs import LENGTHS, MASKS
from conformance.hand_written.checking.consistency import Consistency, consistency
from conformance.hand_written.checking.running import attempt

SHORTER = "np.maximum(p.T - 2 * np.arange(p.B), 1)"
"""The lengths that are asked, T, T − 2, T − 4 and so on."""

LIVE = f"(np.arange(p.T)[:, None] < {SHORTER})"
"""Which steps (T, B) are none of padding."""

IN_THEIR_PLACE = {
    LENGTHS[0]: SHORTER,
    LENGTHS[1]: f"[int(n) for n in {SHORTER}]",
    f"np.ones({MASKS[0]})": f"1.0 * {LIVE}.T",
    f"np.ones({MASKS[1]})": f"1.0 * {LIVE}",
    f"np.ones({MASKS[3]})": f"1.0 * {LIVE}.T[:, :, None]",
    f"np.ones({MASKS[4]})": f"1.0 * {LIVE}[:, :, None]",
}
"""What is handed over in the place of full lengths and of masks of ones."""

WORDS = "p.rows"
"""The rows of a table of words that are asked for, each once."""


def agrees_with_other_lengths(bound: Binding) -> bool | None:
    """Tell whether gradients belong to the forward pass of sequences of other lengths; None where nothing tells."""
    takes = any(full in line for line in (*bound.forward, *bound.backward) for full in IN_THEIR_PLACE)
    if not takes or bound.loss is None or bound.traits.crossed:
        return None
    every_step = not bound.loss.last

    def asked(line: str) -> str:
        for full, shorter in IN_THEIR_PLACE.items():
            line = line.replace(full, shorter)
        return _without_padding(line) if every_step else line

    return _agrees_when(bound, asked)


def agrees_with_repeated_words(bound: Binding) -> bool | None:
    """Tell whether gradients belong to the forward pass where each word occurs twice; None where nothing tells."""
    if not any(WORDS in line for line in bound.forward):
        return None
    return _agrees_when(bound, lambda line: line.replace(WORDS, f"({WORDS} // 2)"))


def _agrees_when(bound: Binding, asked: Callable[[str], str]) -> bool | None:
    """Tell whether gradients belong to the forward pass when every line that calls it is another."""
    if bound.own is None:
        return None
    other = structs.replace(
        bound,
        forward=tuple(map(asked, bound.forward)),
        backward=tuple(map(asked, bound.backward)),
        own=structs.replace(bound.own, cotangent=asked(bound.own.cotangent)),
    )
    found = attempt(lambda other: consistency(other.own_forward()), other)
    verdict = found.verdict if isinstance(found, Consistency) else ""
    return {"agrees": True, "differs": False}.get(verdict)


def _without_padding(line: str) -> str:
    """Return a line whose cotangents are zeros in padding."""
    return re.sub(r"\bp\.d_[yh]\b", rf"(\g<0> * {LIVE}[:, :, None])", line)
