"""Which fixes of a patch undo which faults: a patch and a simulation that tell of the same mistakes."""

import itertools
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from conformance.faults import CATALOGUE, Choices
from conformance.faults.seams import alternatives
from conformance.hand_written.diagnosis import Diagnosis, Suspect, Trial
from conformance.hand_written.mending.fixes import Fix, made
from conformance.hand_written.mending.functions import Live, codes_of
from conformance.hand_written.mending.state import Files

MOST_TOGETHER = 3
"""Fixes that undo one fault together, if not all of them do."""


def agreed(
    found: Diagnosis, fixes: Sequence[Fix], files: Files, live: Live, trial: Trial
) -> Iterator[Suspect]:
    """Yield the lines of a patch in which the faults of a diagnosis lie.

    With these fixes alone, the network shows what the simulation does without the fault, or without all faults that
    the other fixes don't undo.
    """
    if not found.explained or found.choices is None:
        return
    undone: dict[str, tuple[Fix, ...]] = {}
    for fault in found.faults:
        without = _without([fault], found.choices)
        for together in _together(fixes):
            if _undo(together, files, live, trial, found.choices, without):
                undone[fault] = together
                break
    faults = [fault for fault in found.faults if fault not in undone]
    others = tuple(fix for fix in fixes if not any(fix in each for each in undone.values()))
    if faults and others:
        without = _without(faults, found.choices)
        if _undo(others, files, live, trial, found.choices, without):
            undone |= dict.fromkeys(faults, others)
    yield from (_suspect(fault, fix) for fault in found.faults for fix in undone.get(fault, ()))


def _without(faults: Sequence[str], choices: Choices) -> Choices:
    """Return the choices of a network that has some faults no more."""
    named = [each for fault in faults for each in CATALOGUE[fault].choices.items()]
    wrong = {seam for seam, choice in named if getattr(choices, seam) == choice}
    return replace(choices, **{seam: alternatives(seam)[0] for seam in wrong})


def _together(fixes: Sequence[Fix]) -> Iterator[tuple[Fix, ...]]:
    """Yield the sets of fixes that may undo one fault, small ones first."""
    for count in range(1, min(len(fixes), MOST_TOGETHER) + 1):
        yield from itertools.combinations(fixes, count)
    if len(fixes) > MOST_TOGETHER:
        yield tuple(fixes)


def _undo(
    fixes: Sequence[Fix], files: Files, live: Live, trial: Trial, choices: Choices, without: Choices
) -> bool:
    changed = {file: made(text, [fix for fix in fixes if fix.file == file]) for file, text in files.items()}
    try:
        codes = codes_of(changed)
    except (SyntaxError, ValueError):
        return False
    with live.running(codes) as fits:
        return fits and trial.is_undone(choices, without)


def _suspect(fault: str, fix: Fix) -> Suspect:
    text, mended = ("\n".join(lines) for lines in (fix.before, fix.after))
    return Suspect(fault=fault, file=fix.file, line=fix.first, text=text, mended=mended, verified=True)
