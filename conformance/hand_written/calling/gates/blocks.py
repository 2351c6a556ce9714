"""Parameters of an LSTM or GRU gate by gate, under short names, and back to torch's.

    W_xf (H, I), W_hf (H, H)    the rows of a gate f of W_ih and W_hh
    b_xf, b_hf (H,)             its two biases
    b_f (H,)                    one bias in their place: their sum, or as a gradient that of either

A GRU of torch has two biases of n that aren't one, since the reset gate multiplies b_hn: it has no b_n.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from conformance.cases import Case
from refrnn import Array

LETTERS = {"lstm": "ifgo", "gru": "rzn"}
"""torch's order of gates."""

KINDS = {"W_x": "weight_ih_l0", "W_h": "weight_hh_l0", "b_x": "bias_ih_l0", "b_h": "bias_hh_l0"}
"""Of which parameter of torch a block of some kind is a part."""


def letters_of(case: Case) -> str:
    """Return the gates of a case's cell in torch's order; none of a cell that has none."""
    return LETTERS.get(case.cell, "")


def biases_of(case: Case, letter: str) -> tuple[str, ...]:
    """Return by which names one bias of a gate may go: those of the two that are added, or one for their sum."""
    apart = (f"b_x{letter}", f"b_h{letter}")
    return apart if letter == "n" and case.reset == "after" else (f"b_{letter}", *apart)


def blocks_of(case: Case, parameters: Mapping[str, Array], *, gradients: bool = False) -> dict[str, Array]:
    """Return the blocks of all parameters, or of their `gradients`, by their short names."""
    found: dict[str, Array] = {}
    letters = letters_of(case)
    for kind, name in KINDS.items() if letters else ():
        if name in parameters:
            blocks = np.split(parameters[name], len(letters))
            found |= {f"{kind}{letter}": block for letter, block in zip(letters, blocks, strict=True)}
    for letter in letters:
        one, *apart = biases_of(case, letter)
        if len(apart) > 1 and set(apart) <= found.keys():
            found[one] = found[apart[0]] if gradients else found[apart[0]] + found[apart[1]]
    return found


def assembled(case: Case, blocks: Mapping[str, Array]) -> dict[str, Array]:
    """Return torch's parameters that are made of `blocks` alone; b_hh of a network only where it has two biases."""
    found: dict[str, Array] = {}
    letters = letters_of(case)
    for kind, name in KINDS.items():
        parts = [blocks.get(f"{kind}{letter}", _merged(blocks, kind, letter)) for letter in letters]
        own = any(f"{kind}{letter}" in blocks for letter in letters)
        if letters and all(part is not None for part in parts) and (own or kind == "b_x"):
            found[name] = np.concatenate([part for part in parts if part is not None])
    return found


def _merged(blocks: Mapping[str, Array], kind: str, letter: str) -> Array | None:
    return blocks.get(f"b_{letter}") if kind in ("b_x", "b_h") else None


def without(case: Case, parameters: Mapping[str, Array], absent: Iterable[str]) -> dict[str, Array]:
    """Return parameters whose `absent` blocks are 0."""
    found, letters = dict(parameters), letters_of(case)
    for short in absent:
        name = KINDS[short[:-1]]
        blocks = np.split(found[name].copy(), len(letters))
        blocks[letters.index(short[-1])][...] = 0
        found[name] = np.concatenate(blocks)
    return found
