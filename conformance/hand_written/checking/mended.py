"""A wrong backward pass mended: the edits that make it right, proved on other problems before they are told of."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, cast

import numpy as np
from msgspec import structs

from conformance.cases import Case
from conformance.hand_written.budget import Budget
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.running.limits import sandbox
from conformance.hand_written.checking.anchoring import NOT_ESTABLISHED
from conformance.hand_written.checking.answering import answer_on, truth_about
from conformance.hand_written.checking.choosing import Candidate
from conformance.hand_written.checking.consistency import consistency
from conformance.hand_written.checking.found import Found
from conformance.hand_written.checking.judging import tidied
from conformance.hand_written.checking.outcome import outcome_of
from conformance.hand_written.checking.own_loss import own_loss
from conformance.hand_written.checking.parts import of_any_length
from conformance.hand_written.checking.running import CaughtWarnings, Failure, attempt
from conformance.hand_written.diagnosis import Suspect
from conformance.hand_written.locations import from_here, place_of
from conformance.hand_written.mending.fixes import Fix
from conformance.hand_written.mending.functions import Live, codes_of
from conformance.hand_written.mending.mend import Mend, mended
from conformance.hand_written.mending.questions import BRIEF, MOST
from conformance.hand_written.mending.state import Files
from conformance.hand_written.mending.wording import in_words
from conformance.hand_written.remembering import drawn
from conformance.hand_written.request import MENDING
from conformance.record.check import ConsistencyRecord, FixRecord

LENGTHS = range(1, 10)
"""How many steps the sequences have on which a mend must hold."""

OWN_LENGTHS = (1, 2, 3, 5, 9)
"""The same where its own forward pass is differentiated, which takes longer."""


def with_mend(found: Found, progress: Callable[[str], None], *, mend: bool | None) -> Found:
    """Return what was found, with what mends a wrong backward pass, or where that first goes wrong.

    With `mend` it is searched for as long as it takes, without where that is False, and else not for long.
    """
    asked = None if mend is False else _asked(found)
    if asked is None:
        return found
    progress(MENDING)
    result = _searched(found, by_itself=asked != "torch", most=MOST if mend else _brief(found))
    if result is None:
        return found
    if asked != "doubted":
        return structs.replace(found, mend=result)
    own = cast("ConsistencyRecord", found.consistency)
    if not result.fixes or not result.anchored:
        return found
    # What mends it, and the adjoints in it already, tell that it was asked for the loss that it is of.
    return structs.replace(found, mend=result, consistency=structs.replace(own, agrees=False, reason=""))


def _asked(found: Found) -> Literal["torch", "itself", "doubted"] | None:
    """Return what the gradients of a wrong backward pass are held against; None where there is none to be mended.

    They are doubted where it isn't established which loss they are of.
    """
    candidate, own = found.candidate, found.consistency
    bound = candidate.bound
    if not isinstance(bound, Binding) or not bound.backward or bound.mistake:
        return None  # what is wrong in its forward pass is mended first
    if own is not None and own.agrees is False:
        return "itself"
    if own is not None and own.agrees is None and own.reason == NOT_ESTABLISHED:
        return "doubted"
    misshapen = any("parameters[" in complaint for complaint in found.complaints)
    differs = candidate.outcome.backward == "differs" or misshapen
    wrong = differs and candidate.outcome.forward != "differs"
    return "torch" if wrong and found.established and not found.right_by_its_own else None


def _brief(found: Found) -> int:
    """Return what a search may spend that nobody asked for: the more, the more mistakes are known."""
    mistakes = 0 if found.diagnosis is None else len(found.diagnosis.faults)
    return min(MOST, BRIEF * max(1, mistakes))


def _searched(found: Found, *, by_itself: bool, most: int) -> Mend | None:
    candidate = found.candidate
    diagnosis = found.diagnosis
    # Another constant than 1 may be made of sizes, which are others in what a search asks.
    scale = 1.0 if diagnosis is not None and diagnosis.explained and diagnosis.scale == 1 else None
    with sandbox():
        result = attempt(
            lambda bound: mended(
                bound,
                candidate.case,
                lambda live, files: _holds(candidate, live, files, by_itself=by_itself),
                Budget(most=most),
                by_itself=by_itself,
                scale=scale,
            ),
            cast("Binding", candidate.bound),
        )
    return None if isinstance(result, Failure) else result


def _holds(candidate: Candidate, live: Live, files: Files, *, by_itself: bool) -> bool:
    """Return whether a mend holds on all that the network could be asked before, and leaves its forward pass alone."""
    codes = codes_of(files)
    if by_itself:
        return _holds_by_itself(cast("Binding", candidate.bound), live, codes)
    cases = [case for case in _cases(candidate) if _answers(candidate, case)]
    with live.running(codes) as fits:
        agrees = fits and all(_agrees(candidate, case) for case in cases) and _agrees_again(candidate)
        return agrees and not _contradicts_its_loss(candidate)


def _cases(candidate: Candidate) -> Iterator[Case]:
    case, takes_h_0 = candidate.case, cast("Binding", candidate.bound).takes_h_0
    yield case
    for steps in (*LENGTHS, max(case.steps, 12)):
        yield replace(
            case, steps=steps, seed=case.seed + steps, h_0=takes_h_0 and (case.h_0 or steps % 2 == 0)
        )


def _bound(candidate: Candidate, case: Case) -> Binding:
    bound = cast("Binding", candidate.bound)
    own = (
        case.steps == bound.problem_case.steps
    )  # right gradients may be larger than wrong ones, and reach a limit
    any_length = bound if own else cast("Binding", of_any_length(bound, bound.problem_case.steps))
    return structs.replace(any_length, lifted=True)


def _answers(candidate: Candidate, case: Case) -> bool:
    return not isinstance(answer_on(_bound(candidate, case), case, CaughtWarnings()), Failure)


def _agrees(candidate: Candidate, case: Case) -> bool:
    answer = answer_on(_bound(candidate, case), case, CaughtWarnings())
    if isinstance(answer, Failure) or answer.tidied.complaints:
        return False
    return outcome_of(answer.truth, answer.tidied.observation).agrees


def _contradicts_its_loss(candidate: Candidate) -> bool:
    """Return whether gradients contradict the loss that the code computes itself, of which a penalty may be a part."""
    answer = answer_on(_bound(candidate, candidate.case), candidate.case, CaughtWarnings())
    if isinstance(answer, Failure):
        return False
    own = own_loss(structs.replace(candidate, answer=answer))
    return own is not None and not own.agrees


def _agrees_again(candidate: Candidate) -> bool:
    """Return whether a second call of the same network gives what it should as well."""
    bound = _bound(candidate, candidate.case)
    problems = [bound.admit(drawn(replace(candidate.case, seed=candidate.case.seed + n))) for n in (1, 2)]
    calls = attempt(bound.calls, problems)
    truth = truth_about(bound, problems[1], CaughtWarnings())
    if isinstance(calls, Failure) or isinstance(truth, Failure):
        return True  # it can't be called twice, mended or not
    return outcome_of(truth, tidied(problems[1], calls[1].observation).observation).agrees


def _holds_by_itself(bound: Binding, live: Live, codes: Mapping) -> bool:  # type: ignore[type-arg]
    for steps in OWN_LENGTHS:
        asked = structs.replace(bound, problem_case=replace(bound.problem_case, steps=steps, seed=steps))
        before = attempt(lambda asked: asked.own_forward(), asked)
        if isinstance(before, Failure):
            continue
        outputs = before.outputs(before.parameters)
        with live.running(codes) as fits:
            after = attempt(lambda asked: asked.own_forward(), asked)
            if not fits or isinstance(after, Failure):
                return False
            same = np.array_equal(outputs, after.outputs(after.parameters))
            found = attempt(consistency, after)
            if not same or isinstance(found, Failure) or found.verdict != "agrees":
                return False
    return True


def fix_records(fixes: Sequence[Fix], suspects: Sequence[Suspect]) -> list[FixRecord]:
    """Return what is told of fixes, and of the faults of the catalogue that they undo."""
    return [
        FixRecord(
            file=from_here(fix.file),
            first=fix.first,
            before=list(fix.before),
            after=list(fix.after),
            change=in_words(fix),
            faults=[each.fault for each in suspects if (each.file, each.line) == (fix.file, fix.first)],
        )
        for fix in fixes
    ]


LONGER = ". With --mend (in Python mend=True) a patch is searched for longer."
"""What is told where a search was cut short that nobody had asked for."""


def where_it_goes_wrong(mend: Mend, *, brief: bool) -> str:
    """Return in words where a backward pass first goes wrong that isn't mended; empty where that isn't known.

    Where the search for a mend was a `brief` one, how a longer one is had.
    """
    place, lacks = mend.located, mend.missing
    if place is None:
        return ""
    told = (
        f"The first value of its backward pass that is the derivative of the loss by nothing in its forward pass: "
        f"{place_of(from_here(place.file), place.line)}: {place.text}  (the {ordinal(place.time)} time it is computed)"
    )
    if lacks is None:
        return f"{told}{LONGER if brief else ''}"
    return (
        f"{told}. {place_of(from_here(lacks.file), lacks.line)} should be the derivative by {lacks.should_be.what}, "
        f"and would be with what {lacks.what} is in line {lacks.made_in} for the {ordinal(lacks.time)} time in the "
        f"place of {lacks.instead_of}: nothing in reach there holds that any more, so it must be kept."
    )


def ordinal(number: int) -> str:
    """Return a number as one counts places.

    >>> [ordinal(n) for n in (1, 2, 3, 4, 12, 21)]
    ['1st', '2nd', '3rd', '4th', '12th', '21st']
    """
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")
    return f"{number}{ending}"
