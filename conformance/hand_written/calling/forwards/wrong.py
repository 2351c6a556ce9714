"""What networks with one mistake in their forward pass show, so that they are recognised in spite of it."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from msgspec.structs import replace

from conformance.cases import Case
from conformance.errors import Unsupported
from conformance.faults.catalogue import CATALOGUE
from conformance.faults.seams import RIGHT, alternatives
from conformance.faults.simulate import simulate
from conformance.hand_written.calling.asking import Traits, question
from conformance.hand_written.calling.values.matching import SAME
from conformance.hand_written.calling.values.softmaxes import outputs_of
from refrnn import Array

SEAMS = ("activation", "recurrence", "biases", "inputs", "head_input", "kept")
"""The seams of the forward pass at which a network without padding or layers can go wrong."""

ANOTHER_LAYOUT = "recurrence = untransposed"
"""No mistake where nobody says how weights are laid out: W_hh is square, and may lie the other way round."""

UNUSED = {
    "biases = no b_ih": frozenset(["b_ih"]),
    "biases = no b_hh": frozenset(["b_hh"]),
    "biases = b_ih twice": frozenset(["b_hh"]),
    "biases = b_hh twice": frozenset(["b_ih"]),
    "biases = none": frozenset(["b", "b_ih", "b_hh"]),
}
"""The parameters that a mistake leaves unused, by the mistake."""


@lru_cache(maxsize=64)
def wrong_truths(case: Case, traits: Traits) -> Mapping[str, Mapping[str, Array]]:
    """Return h, y and what is made of y, by the mistake: "activation = sigmoid" and so on.

    Of cells with gates no mistake of a forward pass is known.
    """
    asked = question(case, traits)
    problem, found = asked.problem, {}
    if case.cell != "rnn":
        return found
    for seam in SEAMS:
        for choice in alternatives(seam)[1:]:
            if f"{seam} = {choice}" == ANOTHER_LAYOUT:
                continue
            try:
                shown = simulate(problem, replace(RIGHT, **{seam: choice}))
            except Unsupported:
                continue
            truths = {"h": problem.layout.time_major(shown.output)}
            if shown.y is not None:
                truths = outputs_of(problem.layout.time_major(shown.y)) | truths
            if not all(_same(truths[name], asked.forward[name]) for name in truths):
                found[f"{seam} = {choice}"] = truths
    return found


def _same(wrong: Array, right: Array) -> bool:
    """Tell whether a mistake is too small to be told from none by what networks are recognised by."""
    return bool(np.abs(wrong - right).max() <= SAME * np.abs(right).max())


def without_a_state(fault: str) -> bool:
    """Return whether a mistake leaves steps that know nothing of each other, so that samples may pass for steps."""
    return fault in ("recurrence = none", "recurrence = of h_0")


def unused_by(fault: str) -> frozenset[str]:
    """Return the parameters, under short names, that a mistake leaves unused.

    >>> sorted(unused_by("biases = no b_hh")), sorted(unused_by("activation = sigmoid"))
    (['b_hh'], [])
    """
    return UNUSED.get(fault, frozenset())


def alike_at_every_step(fault: str) -> bool:
    """Return whether a mistake shows one state at every step, as copies of one sample do."""
    return fault == "kept = last"


def in_words(fault: str) -> str:
    """Return a mistake of a forward pass as the catalogue names it.

    >>> in_words("biases = no b_hh")
    'The bias b_hh is never added, though it is trained.'
    """
    seam, _, choice = fault.partition(" = ")
    return next(entry.name for entry in CATALOGUE.values() if (entry.seam, entry.choice) == (seam, choice))
