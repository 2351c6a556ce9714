"""Gradients that aren't exact because they aren't meant to be: what a source calls an approximation is no mistake."""

from collections.abc import Mapping

from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.hints.approximations import approximation
from conformance.hand_written.calling.loading.load import own_names
from conformance.hand_written.checking.as_written import truncation_is_lifted
from conformance.hand_written.checking.choosing import Candidate
from conformance.hand_written.diagnosis import Diagnosis

APPROXIMATIONS: Mapping[str, frozenset[str]] = {
    "truncation": frozenset({"segments", "windows", "last steps"}),
    "steps": frozenset({"first skipped"}),
    "carry": frozenset({"none"}),
    "derivative": frozenset({"one"}),
    "reduce_hh": frozenset({"first step"}),  # which is none from h_0 = 0, as where W_hh is frozen
    "scale_ih": frozenset({"zero"}),
    "scale_hh": frozenset({"zero"}),
}
"""The choices at seams that approximations make; any other is a mistake whatever the source says."""


def meant_otherwise(candidate: Candidate, diagnosis: Diagnosis | None) -> str:
    """Return in words that a source calls its gradients approximations, which excuses those that aren't exact.

    Empty where it doesn't, where a mistake is known besides, and where what it speaks of is a number of steps to go
    back that was lifted.
    """
    bound = candidate.bound
    if not isinstance(bound, Binding) or bound.mistake or _errs_besides(diagnosis):
        return ""
    names = bound.loaded.wanted or own_names(bound.loaded)
    said = approximation(bound.loaded.code, names, cut_off=not truncation_is_lifted(bound))
    if said is None:
        return ""
    return f"its gradients aren't exact, and its source calls them an approximation (“{said.words}” in “{said.line}”)"


def _errs_besides(diagnosis: Diagnosis | None) -> bool:
    """Tell whether a mistake that is no approximation is among those that reproduce every gradient."""
    if diagnosis is None or not diagnosis.explained or diagnosis.choices is None:
        return False
    chosen = diagnosis.choices.departures().items()
    return any(choice not in APPROXIMATIONS.get(seam, frozenset()) for seam, choice in chosen)
