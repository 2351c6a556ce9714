"""Mistakes of an LSTM or GRU by name: what each line of a patch changes, told from what is wrong without it.

A network with all fixes made but one has one mistake left. If its gradients are those of a network of the catalogue's
that has one mistake (`faults/wrong_lstm.py`, `faults/wrong_gru.py`), that is what the fix mends.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct, structs

from conformance.faults.cell_mutants import CELL_FAULTS, RIGHT, gradients_with
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.running.limits import sandbox
from conformance.hand_written.checking.answering import answer_on
from conformance.hand_written.checking.choosing import Candidate
from conformance.hand_written.checking.running import CaughtWarnings, Failure
from conformance.hand_written.diagnosis import Diagnosis, Suspect
from conformance.hand_written.mending.fixes import Fix, made
from conformance.hand_written.mending.functions import Live, codes_of
from conformance.hand_written.mending.mend import Mend
from conformance.hand_written.mending.state import near
from refrnn import Array


class Named(Struct, frozen=True, kw_only=True):
    """A fix, and the mistakes either of which it mends; none where the catalogue has none like it."""

    fix: Fix
    faults: tuple[str, ...]


def named(candidate: Candidate, mend: Mend) -> list[Named]:
    """Return the fixes of a patch with the mistakes that they mend; one that shows in no gradient is none of those."""
    bound = candidate.bound
    if candidate.case.cell not in CELL_FAULTS or not isinstance(bound, Binding):
        return []
    problem = candidate.answer.truth.problem
    right = gradients_with(problem, RIGHT)
    wrong = {fault: gradients_with(problem, fault) for fault in CELL_FAULTS[candidate.case.cell]}
    wrong = {fault: gradients for fault, gradients in wrong.items() if not _same(gradients, right)}
    live = Live.of(mend.files, vars(bound.loaded.code))
    with sandbox():
        return [
            Named(fix=fix, faults=tuple(_like(wrong, _without(candidate, mend, fix, live))))
            for fix in mend.fixes
        ]


def _without(candidate: Candidate, mend: Mend, fix: Fix, live: Live) -> Mapping[str, Array]:
    """Return the gradients of a network with all fixes made but one; none where it doesn't run so."""
    others = [each for each in mend.fixes if each is not fix]
    files = {
        file: made(text, [each for each in others if each.file == file]) for file, text in mend.files.items()
    }
    with live.running(codes_of(files)):
        answer = answer_on(candidate.bound, candidate.case, CaughtWarnings())
    return {} if isinstance(answer, Failure) else answer.tidied.observation.parameters


def _like(wrong: Mapping[str, Mapping[str, Array]], shown: Mapping[str, Array]) -> Iterator[str]:
    """Yield the mistakes that give the gradients shown, of the parameters that both have."""
    for fault, gradients in wrong.items():
        if _same(gradients, shown):
            yield fault


def _same(gradients: Mapping[str, Array], others: Mapping[str, Array]) -> bool:
    """Tell whether two sets of gradients share some, all of which are the same."""
    shared = gradients.keys() & others.keys()
    return bool(shared) and all(near(others[name], gradients[name]) for name in shared)


def suspects_of(found: list[Named]) -> list[Suspect]:
    """Return the lines of fixes that mend a mistake with a name."""
    return [
        Suspect(
            fault=each.faults[0],
            file=each.fix.file,
            line=each.fix.first,
            text="\n".join(each.fix.before),
            mended="\n".join(each.fix.after),
            verified=True,
        )
        for each in found
        if each.faults
    ]


def with_names(diagnosis: Diagnosis, found: list[Named]) -> Diagnosis:
    """Return a diagnosis with the mistakes that fixes mend; it explains all where each fix has a name."""
    faults = tuple(dict.fromkeys(each.faults[0] for each in found if each.faults))
    explained = bool(found) and all(each.faults for each in found)
    others = tuple((other,) for other in found[0].faults[1:]) if len(found) == 1 else ()
    return structs.replace(diagnosis, faults=faults, explained=explained, equivalents=others)
