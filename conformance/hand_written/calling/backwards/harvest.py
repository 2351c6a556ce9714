"""Gradients found after a backward pass: returned, kept in attributes, left in locals, or applied to the weights."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from conformance.hand_written.calling.asking import Question, gradients_of, table_of
from conformance.hand_written.calling.backwards.places import (
    ORDER,
    TRANSPOSED,
    Candidate,
    Taken,
    constant_between,
    is_matrix,
    moved_by,
    places,
)
from conformance.hand_written.calling.backwards.rules import SAME, rule_between
from conformance.hand_written.calling.hints.names import gradient_of
from conformance.hand_written.calling.running.program import Ran, value, values
from conformance.hand_written.calling.running.reach import Reached
from conformance.hand_written.calling.values.matching import everything
from conformance.hand_written.calling.values.slots import Slot
from refrnn import Array


class Harvest(Struct, frozen=True, kw_only=True):
    """Gradients from one kind of place: an expression in the slot's shape for each slot, and how well they fit.

    Attributes
    ----------
    place
        One of `ORDER`.
    expressions
        By slot.
    right
        The slots whose gradient is the true one times `constant`.
    named
        How many have a name that says whose they are.
    notes
        What is to be told of them.
    rows
        Whether biases are left per example while everything else is summed.
    apart
        Whether all are there, and some are right but for a constant that the others lack.
    anchored
        Whether local variables are right in everything, and so how the loss was thought to enter.
    own_rate
        The rate of an update that is written into the code, by which it was divided; 0 where there is none.
    withheld
        Whether they are found in local variables alone, and nothing that is known is made of them.
    denied
        What speaks against them, in words: gradients of the same names that are kept beside them, and are others.
    """

    place: str
    expressions: Mapping[str, str]
    right: frozenset[str]
    constant: float
    named: int
    notes: tuple[str, ...] = ()
    rows: bool = False
    apart: bool = False
    anchored: bool = False
    own_rate: float = 0.0
    withheld: bool = False
    denied: str = ""

    @property
    def score(self) -> tuple[float, ...]:
        """Larger is better: right ones, then found ones, then named ones, then the place that says most."""
        return (len(self.right), len(self.expressions), self.named, -ORDER.index(self.place))


def harvest(taken: Taken) -> Harvest | None:
    """Return the gradients that a caller gets, None where there are none.

    Local variables tell that the loss enters as it was thought, and where it goes wrong; what is handed out decides.
    """
    found = {place: each for place, each in _by_place(taken).items() if each.expressions}
    held = found.pop("locals", None)
    if held is not None and len(held.right) == len(taken.slots):
        found = {place: each for place, each in found.items() if not _is_a_memory(each, held, taken)}
    handed = sorted(found.values(), key=lambda h: h.score, reverse=True)
    if held is not None and not held.right:
        held = None
    if held is None or (handed and len(handed[0].right) >= len(held.right)):
        best = _without_contradiction(handed, taken) if handed else None
        return best if best is None or not _is_added_to(best, taken) else replace(best, anchored=True)
    anchored = len(held.right) == len(taken.slots)
    if anchored and (rule := _rule(held, found, taken)):
        return replace(
            held, notes=(*held.notes, f"Its update is made of its gradients {rule}; those are judged.")
        )
    meant = next((each for place in ORDER if (each := found.get(place)) and _is_meant(each, taken)), None)
    if meant is None:
        return replace(held, withheld=True)
    if anchored and _is_of_parts(meant):
        return replace(held, withheld=True)
    return replace(_with_what_stays(meant, taken) if anchored else meant, anchored=anchored)


def _is_a_memory(kept: Harvest, held: Harvest, taken: Taken) -> bool:
    """Tell whether what is kept is an optimizer's memory of the gradients in local variables, such as 0.1 times them.

    Then the parameters are changed by a rule between the two.
    """
    if (
        kept.place != "kept"
        or not kept.right
        or abs(kept.constant - held.constant) <= SAME * abs(kept.constant)
    ):
        return False
    applied = dict(places(taken)).get("applied", {})
    return bool(_rule(held, {"applied": _harvest("applied", applied, taken)}, taken))


OF_A_PART = re.compile(r"model\.\w+(\[[^]]*\])*\.(?!(T|reshape|sum)\b)\w+")
"""An attribute of an attribute of a network, or of what lies in one."""


def _is_of_parts(found: Harvest) -> bool:
    """Tell whether what is wrong is kept by parts of the network: each keeps that of its own last call, one of many.

    >>> kept = Harvest(place="kept", expressions={"W": "model.layers[0].dW.T"}, right=frozenset(), constant=1, named=1)
    >>> _is_of_parts(kept), _is_of_parts(replace(kept, expressions={"W": "model.grads['W'].T"}))
    (True, False)
    """
    wrong = [text for path, text in found.expressions.items() if path not in found.right]
    return found.place == "kept" and all(OF_A_PART.search(text) for text in wrong)


def _is_added_to(kept: Harvest, taken: Taken) -> bool:
    """Tell whether gradients that are kept are wrong for what was there before: what is added to it is right."""
    if (
        kept.place != "kept"
        or len(kept.right) == len(taken.slots)
        or len(kept.expressions) < len(taken.slots)
    ):
        return False
    before, now = values(taken.earlier, kept.expressions), values(taken.ran, kept.expressions)
    if before.keys() != now.keys() or any(np.shape(before[path]) != np.shape(now[path]) for path in now):
        return False
    constants = [constant_between(np.asarray(now[path] - before[path]), taken.truth[path]) for path in now]
    known = [k for k in constants if k is not None]
    return len(known) == len(constants) and max(known) - min(known) <= SAME * abs(known[0])


def _with_what_stays(update: Harvest, taken: Taken) -> Harvest:
    """Return an update with the parameters that it leaves as they were, though their gradients are there."""
    if update.place != "applied":
        return update
    stays = {slot.path: moved_by(slot) for slot in taken.slots if slot.path not in update.expressions}
    return replace(update, expressions={**update.expressions, **stays})


def _by_place(taken: Taken) -> dict[str, Harvest]:
    return {place: _harvest(place, candidates, taken) for place, candidates in places(taken)}


def _is_meant(found: Harvest, taken: Taken) -> bool:
    """Tell whether what lies in a place is meant as the gradients: some are right, or all are there by their shapes.

    What changes in the weights is an update whatever it is; what is kept counts where its names say gradients.
    """
    complete = len(found.expressions) == len(taken.slots)
    by_name = found.place != "kept" or found.named == len(taken.slots)
    return bool(found.right) or (complete and by_name and found.place in ("returned", "kept"))


def _rule(held: Harvest, found: Mapping[str, Harvest], taken: Taken) -> str:
    """Return the rule by which something that is handed out is made of the right gradients; empty without any."""
    gradients = values(taken.ran, held.expressions)
    for other in found.values():
        moved = values(taken.ran, other.expressions)
        if rule := rule_between(gradients, moved, taken.before, _outliving(taken)):
            return rule
    return ""


def _outliving(taken: Taken) -> Iterator[Array]:
    """Yield the arrays that outlive a backward pass: kept, returned, or its caller's."""
    found = everything(Ran(names=taken.ran.names), [*taken.roots, "grads"])
    for each in (*(item.value for item in found), *taken.ran.handed):
        yield from each if isinstance(each, (list, tuple)) else [each]


def _without_contradiction(handed: Sequence[Harvest], taken: Taken) -> Harvest:
    """Return the best of what is handed out, or the update beside it where that leaves out or mistakes a gradient.

    One call gives both, so an update by a rule that isn't known leaves open what is trained by.
    """
    best = handed[0]
    returned = next((h for h in handed if h.place == "returned" and best.place == "kept"), None)
    if returned is not None and _is_returned_otherwise(best, returned, taken):
        return replace(returned, anchored=True)
    kept = next((h for h in handed if h.place == "kept" and best.place == "returned"), None)
    if kept is not None and _denies(kept, best, taken):
        return replace(best, denied="the gradients that it keeps in attributes are not those that it returns")
    update = next((h for h in handed if h.place == "applied" and h is not best), None)
    if update is None or len(best.right) < len(taken.slots) or len(update.right) == len(taken.slots):
        return best
    if rule := _rule(best, {"applied": update}, taken):
        return replace(best, notes=(*best.notes, f"Its update is made of its gradients {rule}."))
    if update.right:
        return replace(_with_what_stays(update, taken), anchored=True)
    return replace(best, denied="it changes its parameters as well, by a rule that isn't known here")


def _is_returned_otherwise(kept: Harvest, returned: Harvest, taken: Taken) -> bool:
    """Tell whether what is returned for all parameters is wrong in some, where what is kept is right: it decides."""
    complete = len(taken.slots)
    if not len(kept.right) == len(returned.expressions) == complete > len(returned.right) > 0:
        return False
    return not _rule(kept, {"returned": returned}, taken)


def _denies(kept: Harvest, returned: Harvest, taken: Taken) -> bool:
    """Tell whether what is kept under the names of all gradients is wrong in some, where what is returned is right."""
    complete = len(taken.slots)
    if not len(returned.right) == kept.named == complete > len(kept.right) or _is_of_parts(kept):
        return False
    values_kept = values(taken.ran, kept.expressions).values()
    return all(np.any(np.asarray(each)) for each in values_kept) and not _is_added_to(kept, taken)


def true_gradients(asked: Question, slots: Sequence[Slot]) -> dict[str, Array]:
    """Return what the reference says of every slot, laid out as the slot is."""
    ran = Ran(names={"np": np})
    truth = SimpleNamespace(**_as_weights(asked))
    return {slot.path: np.asarray(value(ran, slot.fill, p=truth)) for slot in slots}


def _as_weights(asked: Question) -> dict[str, Any]:
    """Return the true gradients under the names of the weights, so that a slot's own expression lays them out."""
    found: dict[str, Any] = dict(gradients_of(asked))
    for end in ("", "1"):
        if f"b_ih{end}" in found:
            found[f"b{end}"] = found[f"b_ih{end}"]
    if "x" in found:
        found["table"] = table_of(found["x"])
    found["h_0"] = np.zeros((asked.case.batch, asked.case.hidden_size))
    return found


def _harvest(place: str, candidates: dict[str, list[Candidate]], taken: Taken) -> Harvest:
    fits, turned = _one_way_round(
        {
            slot.path: [
                (c, constant_between(c.values, taken.truth[slot.path])) for c in candidates.get(slot.path, [])
            ]
            for slot in taken.slots
        },
        taken,
    )
    constant = _common([[k for _, k in row if k is not None] for row in fits.values()])
    chosen, right, named = {}, set(), set()
    notes = ["Its gradients of matrices come transposed; that way round they are judged."] if turned else []
    apart = False
    rows: dict[str, str] = {}
    names = {slot.path: Reached(slot.path, None).name for slot in taken.slots}
    for slot in taken.slots:
        row = fits[slot.path]
        if not row:
            continue
        own = names[slot.path]
        true_ones = [c for c, k in row if k is not None and abs(k - constant) <= SAME * abs(constant)]
        by_name = [c for c, _ in row if gradient_of(c.name, own)]
        if not by_name and place in ("returned", "kept"):
            by_name = [c for c, _ in row if c.name == own]  # grads["Wxh"], the weights themselves left out
        if (
            by_name
        ):  # what is called the gradient of another parameter isn't taken for this one's, however right
            others = [name for path, name in names.items() if path != slot.path]
            true_ones = [c for c in true_ones if _is_one_of(c, by_name) or not _says_any(c.name, others)]
        by_name.sort(key=lambda c: _places(c.expression) != _places(slot.path))  # of the same layer first
        whole = [c for c, _ in row if not c.how]
        best = next(
            iter(true_ones or by_name or (whole if place != "locals" else []) or [c for c, _ in row][:1])
        )
        chosen[slot.path] = best.expression
        if _is_one_of(best, by_name):
            named.add(slot.path)
        if true_ones:
            right.add(slot.path)
        apart |= not true_ones and not best.how and any(c is best and k is not None for c, k in row)
        if best.raw and len(taken.before[slot.path].shape) <= 2 and "W" not in "".join(slot.roles):
            rows[slot.path] = best.raw
        if best.how and not turned:
            notes.append(f"The gradient of {own} is kept {best.how}; the sum is judged.")
    chosen = _one_for_each(chosen, right | named, names, taken)
    by_row = [path for path, text in chosen.items() if ".sum(" in text]
    if rows and len(by_row) == len(rows):  # matrices are summed over the batch, biases forgotten
        chosen |= rows
        right -= set(rows)
        notes = []
    else:
        rows = {}
    return Harvest(
        place=place,
        expressions=chosen,
        right=frozenset(right),
        constant=constant,
        rows=bool(rows),
        apart=apart and len(chosen) == len(taken.slots),
        named=len(chosen) if place == "applied" else len(named),
        notes=tuple(notes),
    )


def _one_for_each(
    chosen: Mapping[str, str], sure: Collection[str], names: Mapping[str, str], taken: Taken
) -> dict[str, str]:
    """Return what was chosen, without what is another parameter's gradient for sure and isn't handed out as both."""
    owners = {chosen[path]: names[path] for path in chosen if path in sure}

    def is_its_own(path: str, text: str) -> bool:
        if path in sure or text not in owners:
            return True
        before, _, after = text.rpartition(owners[text])
        return bool(values(taken.ran, {path: f"{before}{names[path]}{after}"}))

    return {path: text for path, text in chosen.items() if is_its_own(path, text)}


Fits: TypeAlias = dict[str, list[tuple[Candidate, float | None]]]
"""By slot what may be its gradient, each with the constant between it and the true one, None where there is none."""


def _one_way_round(fits: Fits, taken: Taken) -> tuple[Fits, bool]:
    """Return candidates without transposed ones, or with those alone where all matrices are right that way round."""
    turned = {path: [each for each in row if each[0].how == TRANSPOSED] for path, row in fits.items()}
    plain = {path: [each for each in row if each[0].how != TRANSPOSED] for path, row in fits.items()}
    matrices = [slot.path for slot in taken.slots if is_matrix(taken.before[slot.path].shape)]
    all_right = all(any(k is not None for _, k in turned[path]) for path in matrices)
    if len(matrices) > 1 and all_right and not all(plain[path] for path in matrices):
        return {path: turned[path] if path in matrices else row for path, row in plain.items()}, True
    return plain, False


def _is_one_of(candidate: Candidate, candidates: Sequence[Candidate]) -> bool:
    return any(candidate is other for other in candidates)


def _says_any(name: str, parameters: Sequence[str]) -> bool:
    """Tell whether a gradient is called like that of one of some parameters."""
    return any(name == parameter or gradient_of(name, parameter) for parameter in parameters)


def _places(path: str) -> list[str]:
    """Return the numbers by which a path goes: those of layers, where there are several."""
    return re.findall(r"\[(\d+)\]", path)


def _common(rows: Sequence[Sequence[float]]) -> float:
    """Return the constant on which most slots agree, 1 where there are none."""
    every = [k for row in rows for k in row]
    if not every:
        return 1.0
    return max(
        every, key=lambda k: (sum(any(abs(k - o) <= SAME * abs(k) for o in row) for row in rows), k == 1.0)
    )
