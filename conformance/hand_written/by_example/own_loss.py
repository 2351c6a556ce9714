"""Whether the update of a training step goes by the gradient of the loss that the step computes.

Every parameter is moved a little along random directions v, either way, at two distances; so each number that was
computed has a derivative along v, and an error of that. Which of them is the loss, `held` tells.
What agrees there is asked again where the parameters are larger: a loss in pieces, as Huber's is, has others there.
"""

import re
from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from conformance.hand_written.by_example.findings import (
    BY_ANOTHER_RULE,
    OF_ANOTHER,
    OPEN,
    OTHERWISE_ELSEWHERE,
    RATES_OF_THEIR_OWN,
    REMEMBER,
    STAYS,
    UNSURE,
    UP_ITS_LOSS,
    UPHILL,
    WITH_ANOTHER_NUMBER,
    ByItsLoss,
)
from conformance.hand_written.by_example.held import Held, is_called_a_loss, is_to_fall
from conformance.hand_written.by_example.moved import Moved
from conformance.hand_written.by_example.parameters import Parameters, drawn, matters, parameters_of
from conformance.hand_written.by_example.training import Step

FOR_LONG = 3
"""How many times as long as a step the run is looked at, at least, before an array counts as one that never changes."""

LARGER = 3
"""How many times as large parameters are, where what agrees is asked again."""

OTHERWISE, MOST_SETTINGS = 0.7, 4
"""How many times as large a setting is there, and how many are looked at: at 1, or at ½, one may hide a mistake."""


def by_its_loss(step: Step, *, at_once: bool = False) -> ByItsLoss:
    """Hold the update of a step against the loss that it goes by.

    Of one that isn't whole only the end of its update is found: a part says nothing of what came before. Nor does one
    that begins as the update before it isn't over.
    With `at_once` all parameters are moved together first: what goes by the gradient of a number that is called a loss
    then is right, at a fifth of the cost, and which parameters the loss doesn't see isn't told.
    """
    own = parameters_of(step)
    if own is None:
        return OPEN
    still = [path for path in step.arrays if path not in step.history.changed]
    for_long = step.history.events > FOR_LONG * own.ends
    over = own.late if step.whole else own.ends
    nothing = replace(OPEN, ends=over, moved=tuple(own.values), still=tuple(still if for_long else ()))
    if over:
        return nothing
    held = _held(step, own)
    if held is None:
        return nothing
    best = _judged(step, own, held, at_once=at_once)
    if best.verdict == "right" and own.doubtful:
        best = _with_the_doubtful(step, own, best)
    if best.verdict == "right" and (some := _that_remember(step, own)):
        best = replace(OPEN, notes=(f"{', '.join(some)} {REMEMBER}",))
    if best.verdict == "right" and (left := _left_out(step, own, nothing.still)):
        best = replace(OPEN, notes=(f"{left} {STAYS}",))
    denied = held.denied() if best.verdict == "open" else ()
    limits = ", ".join(f"±{limit:g}" for limit in held.base.limits)
    lifted = f"As it is written values are cut off at {limits}; that was lifted."
    notes = (*best.notes, *((lifted,) if limits else ()))
    return replace(best, notes=notes, denied=denied, moved=nothing.moved, still=nothing.still)


def _that_remember(step: Step, own: Parameters) -> list[str]:
    """Return the parameters whose update is made of earlier steps too, where those of others aren't; else none."""
    others = {path: value for path, value in own.others.items() if path not in own.memories}
    runs = (
        [step.run({**own.values, **each}, own.ends) for each in (own.others, others)] if own.memories else []
    )
    if len(runs) < len(("plain", "remembering")) or None in runs:
        return []
    plain, remembering = (run.final for run in runs if run is not None)
    moved = [path for path in own.values if path in plain and path in remembering]
    some = [path for path in moved if not np.array_equal(plain[path], remembering[path])]
    return some if len(some) < len(moved) else []


def _left_out(step: Step, own: Parameters, still: Sequence[str]) -> str:
    """Return what lies in one dict or list with parameters, and matters as they do, but never moves; "" where none."""
    beside = [_holder(path) for path in own.values]
    shared = {holder for holder in beside if holder and beside.count(holder) > 1}
    base = step.run(own.others, own.ends)
    for path in (path for path in still if _holder(path) in shared):
        value = step.arrays[path].copy()
        there = value + drawn(np.random.default_rng(13), value)
        other = step.run({**own.others, path: there}, own.ends)
        if base is not None and other is not None and matters(base, other, path, own.begins, (value, there)):
            return path
    return ""


def _holder(path: str) -> str:
    """Return the dict or list that holds an array by a key, "" where it is held otherwise.

    >>> _holder("net.P['U']"), _holder("net.U")
    ('net.P', '')
    """
    return path.rpartition("[")[0] if path.endswith("]") else ""


def _with_the_doubtful(step: Step, own: Parameters, best: ByItsLoss) -> ByItsLoss:
    """Return what is right with all that may be further parameters among them, as far as they are some.

    As parameters they move as they should or they don't; as states they belong to no rule at all.
    """
    more = own.with_the_doubtful()
    held = _held(step, more)
    if held is None:
        return best
    whole = _judged(step, more, held, at_once=False)
    unsure = [path for path in whole.wrong if path in own.doubtful]
    if whole.verdict == "wrong" and unsure:
        return replace(OPEN, notes=(f"{', '.join(unsure)} {UNSURE}",))
    by_others = whole.notes and whole.notes[-1] in (RATES_OF_THEIR_OWN, BY_ANOTHER_RULE)
    return whole if whole.verdict == "right" or by_others else best


def _judged(step: Step, own: Parameters, held: Held, *, at_once: bool) -> ByItsLoss:
    """Return what a step comes to with such parameters: by its loss, elsewhere, and at other settings."""
    best = held.goes_as_a_whole() if at_once else OPEN
    best = _best(held) if best.verdict == "open" else best
    if best.verdict == "right" and UPHILL in best.notes and is_to_fall(best.loss):
        best = replace(OPEN, notes=(UP_ITS_LOSS,))
    if best.verdict == "right" and not best.by_no_loss and _goes_otherwise_elsewhere(step, own, best.loss):
        best = replace(OPEN, notes=(OTHERWISE_ELSEWHERE,))
    if best.verdict == "right" and not best.by_no_loss and (name := _hidden_by(step, own, held, best.loss)):
        best = replace(OPEN, notes=(f"where {name} {WITH_ANOTHER_NUMBER}",))
    return best


def _held(step: Step, own: Parameters) -> Held | None:
    """Return a step run with such parameters, None where it doesn't come to its end twice."""
    base, again = (step.run({**own.values, **own.others}, own.ends, before=own.begins) for _ in range(2))
    if base is None or again is None or not (base.complete and base.of_the_target):
        return None
    return Held(Moved(step, own, base, base.repeated_in(again)))


def _best(held: Held) -> ByItsLoss:
    """Return what says most of all that may be the loss."""
    best = max(
        (held.against(*loss, 1 if is_called_a_loss(loss[0]) else 2) for loss in held.numbers()),
        key=_says,
        default=OPEN,
    )
    if best.verdict != "open":
        return best
    known = best
    best = max((held.against(*loss, 2) for loss in held.products()), key=_says, default=OPEN)
    best = held.of_some_loss() if best.verdict == "open" else best
    best = known if best.verdict == "open" and known.notes else best
    if best.verdict != "open" and held.computes_a_loss():
        return replace(OPEN, notes=(OF_ANOTHER,) if best.verdict == "right" else ())
    return best


def _goes_otherwise_elsewhere(step: Step, own: Parameters, loss: str) -> bool:
    """Tell whether an update is not the gradient of what is its loss, where the parameters are larger.

    And where one word stands everywhere, if that runs: a gradient of its row is the sum over all its places.
    """
    rng = np.random.default_rng(11)
    larger = {path: LARGER * drawn(rng, value) for path, value in own.values.items()}
    one_word = {path: np.full_like(array, array.flat[0]) for path, array in step.words.items()}
    for others in ({**own.others, **one_word}, own.others) if one_word else (own.others,):
        held = _held(step, replace(own, values=larger, others=others))
        if held is not None:
            return loss in held.denied()
    return False


def _hidden_by(step: Step, own: Parameters, held: Held, loss: str) -> str:
    """Return a setting with another value of which an update isn't the gradient of its loss; "" where none is known."""
    for path, value in list(step.settings.items())[:MOST_SETTINGS]:
        other = replace(own, others={**own.others, path: OTHERWISE * value})
        ran = step.run({**other.values, **other.others}, own.ends, before=own.begins)
        if ran is None or not held.sees(loss, ran):
            continue
        again = _held(step, other)
        if again is not None and loss in again.denied():
            return f"{path} ({value:g})"
    return ""


def _says(found: ByItsLoss) -> tuple[int, int, bool, bool, bool, bool]:
    """Order what was found by how much it says, what is called a loss and goes downhill first."""
    parts = len(found.right), len(found.right) + len(found.idle), found.verdict == "right"
    return (
        *parts,
        re.search("loss|cost|err", found.loss, re.IGNORECASE) is not None,
        UPHILL not in found.notes,
        bool(found.notes),
    )
