"""The mend of a network: sources that give the right gradients, as few lines of them changed as do."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from msgspec import Struct

from conformance.cases import Case
from conformance.hand_written.budget import Budget
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.mending.fixes import Fix, fixes_of, made
from conformance.hand_written.mending.functions import Live, codes_of
from conformance.hand_written.mending.missing import Missing, missing
from conformance.hand_written.mending.questions import STEPS, files_of, question_of
from conformance.hand_written.mending.recording import recorded
from conformance.hand_written.mending.searching import Search
from conformance.hand_written.mending.state import Files, Question, State

LONGER = 12
"""Steps of sequences on which what goes wrong only in longer ones is searched for."""

ANCHORS = 2
"""Different adjoints in a backward pass that tell which loss it is of: a sum that happens to be one is alone."""

MOST_PROVED = 4
"""Sets of edits that give the right gradients where they were found, and may fail to on other problems."""


class Located(Struct, frozen=True, kw_only=True):
    """The first value of a backward pass that is wrong: where it is computed, and at which time there."""

    file: str
    line: int
    text: str
    time: int


class Mend(Struct, frozen=True, kw_only=True):
    """What was found about a wrong backward pass.

    Attributes
    ----------
    fixes
        What makes it right in `files`, where that was found; else there is only where it goes wrong first.
    otherwise
        Other fixes, in other lines, that do as well: no problem tells which are meant.
    led_on
        Where that wasn't found, the fixes that lead on by themselves, which may mend one of several mistakes.
    files
        Its sources as they are.
    located
        Where it goes wrong first.
    missing
        What is in reach nowhere and would make it right, where that isn't mended first.
    given_up
        Whether more could have been searched.
    anchored
        Whether it is of the loss that it was asked for, by the adjoints that are in it as it stands.
    """

    files: Files = {}
    fixes: tuple[Fix, ...] = ()
    otherwise: tuple[Fix, ...] = ()
    led_on: tuple[Fix, ...] = ()
    located: Located | None = None
    missing: Missing | None = None
    given_up: bool = False
    anchored: bool = False


def mended(
    binding: Binding,
    case: Case,
    holds: Callable[[Live, Files], bool],
    budget: Budget,
    *,
    by_itself: bool,
    scale: float | None = None,
) -> Mend | None:
    """Return the smallest set of edits after which a backward pass gives the right gradients, wherever it is asked.

    Parameters
    ----------
    binding, case
        The network, and the case on which its gradients are wrong.
    holds
        Whether sources hold on other problems as well.
    budget
        What the search may spend.
    by_itself
        Whether its gradients are held against its own forward pass, and not against torch's.
    scale
        The constant that all gradients carry, where it is known.
    """
    files = files_of(binding)
    for steps in dict.fromkeys((STEPS, min(case.steps, LONGER))):
        asked = replace(case, steps=steps, h_0=case.h_0 or binding.takes_h_0)
        question = question_of(binding, asked, budget, by_itself=by_itself, scale=scale)
        if question is None:
            return Mend(given_up=True) if budget.over else None
        first = State(question, files)
        if first.recorded is None:
            return None
        if not first.score.complete:
            return _searched(question, files, first, holds)
    return None


def _searched(question: Question, files: Files, first: State, holds: Callable[[Live, Files], bool]) -> Mend:
    search = Search(question)
    for n, found in enumerate(search.mended(files)):
        smallest = _smallest(question, files, found)
        if holds(question.live, smallest):
            fixes = fixes_of(files, smallest)
            other = _elsewhere(question, files, fixes, search.ties, holds)
            return Mend(
                files=files,
                fixes=tuple(fixes),
                otherwise=tuple(other),
                anchored=_anchored(question, first, fixes),
            )
        if n + 1 >= MOST_PROVED:
            break
    led_on = [*([] if search.furthest is None else [search.furthest.files]), *search.led_on]
    return Mend(
        files=files,
        led_on=tuple(dict.fromkeys(fix for led in led_on for fix in fixes_of(files, led))),
        located=_located(first),
        missing=None if search.furthest is None else missing(question, search.furthest),
        given_up=question.budget.over,
    )


def _anchored(question: Question, first: State, fixes: Sequence[Fix]) -> bool:
    """Tell whether a backward pass that fixes make right is of the loss that it was asked for.

    It is if it holds several adjoints as it stands; or one, where the fixes leave the lines alone in which what it is
    handed enters.
    """
    adjoints = sum(first.score.adjoints)
    enters = {
        (unit.function.key[0], unit.expression.lineno)
        for event, match in zip(first.events, first.matches, strict=True)
        if match in question.given
        for unit in (first.units[event.unit],)
    }
    untouched = bool(enters) and not any((fix.file, fix.first) in enters for fix in fixes)
    return adjoints >= ANCHORS or (adjoints > 0 and untouched)


def _elsewhere(
    question: Question,
    files: Files,
    fixes: Sequence[Fix],
    ties: Sequence[Files],
    holds: Callable[[Live, Files], bool],
) -> list[Fix]:
    """Return the fixes of another patch, in other lines, that holds as well and is no larger; none without one."""
    lines = {(fix.file, fix.first) for fix in fixes}
    for tie in ties:
        smallest = _smallest(question, files, tie)
        other = fixes_of(files, smallest)
        if {(fix.file, fix.first) for fix in other} != lines and len(other) <= len(fixes):
            return other if holds(question.live, smallest) else []
    return []


def _smallest(question: Question, files: Files, found: Files) -> Files:
    """Return sources without the changes of lines that the gradients do without."""
    fixes = fixes_of(files, found)
    for fix in list(fixes):
        without = [each for each in fixes if each is not fix]
        trial = {file: made(text, [f for f in without if f.file == file]) for file, text in files.items()}
        if without and _is_right(question, trial):
            fixes = without
    return {file: made(text, [f for f in fixes if f.file == file]) for file, text in files.items()}


def _is_right(question: Question, files: Files) -> bool:
    try:
        codes = codes_of(files)
    except (SyntaxError, ValueError):
        return False
    run = recorded(question.program, question.live, codes)
    return run is not None and question.right(run.gradients) == len(question.expected)


def _located(state: State) -> Located | None:
    """Return the first wrong value of a backward pass, None where all that it holds is the adjoint of something."""
    if state.first_wrong >= len(state.events):
        return None
    event = state.events[state.first_wrong]
    unit = state.units[event.unit]
    file = unit.function.key[0]
    line = unit.expression.lineno
    text = state.files[file].split("\n")[line - 1].strip()
    return Located(file=file, line=line, text=text, time=state.at[event.unit].index(state.first_wrong) + 1)
