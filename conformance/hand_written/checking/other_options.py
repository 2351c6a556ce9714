"""What a network that agrees does with other values of its options: one that is wrong with any of them is wrong."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from msgspec import structs

from conformance.hand_written.calling import Binding
from conformance.hand_written.calling.other_options import LAYERS, NONLINEARITIES, Option
from conformance.hand_written.checking.choosing import Candidate, judged_on
from conformance.hand_written.checking.running import CaughtWarnings
from conformance.record.check import EXIT_CONFORMS, EXIT_DIFFERS, EXIT_INCONCLUSIVE, CheckRecord

MOST_OPTIONS = 4
"""Other values that are tried, each in a check of its own."""

EFFORT, EFFORT_OF_LAYERS = 0.08, 0.2
"""The share of the usual calls in which the way of calling a network with another value of an option is looked for.

With more layers there are more parameters to differentiate by.
"""


def effort_for(option: Option) -> float:
    """Return the share of the usual calls that an option is worth."""
    return EFFORT_OF_LAYERS if LAYERS.fullmatch(option.name) else EFFORT


def with_the_same_lines(bound: Binding, option: Option) -> Binding | None:
    """Return a network as it was called before, with the activation that makes its forward pass right; or None.

    Where none does, it is another network, whose gradients are held against itself; not so where the option says how
    many layers there are, of which only some would be.
    """
    ran = False
    for nonlinearity in NONLINEARITIES if bound.problem_case.cell == "rnn" else ("tanh",):
        same = structs.replace(bound, problem_case=replace(bound.problem_case, nonlinearity=nonlinearity))
        candidate = judged_on(same.problem_case, same, CaughtWarnings())
        if isinstance(candidate, Candidate):
            ran = True
            if candidate.outcome.forward == "agrees":
                return same
    return bound if ran and bound.own is not None and isinstance(option.default, (bool, str)) else None


def with_other_options(
    record: CheckRecord, options: Sequence[Option], check: Callable[[Option], CheckRecord]
) -> CheckRecord:
    """Return the record of a network that agrees as it is, or with the first option with which it doesn't.

    Parameters
    ----------
    record
        What was found with every option left at its default.
    options
        Other values of those.
    check
        Checks the network with one of them.
    """
    if record.exit_code != EXIT_CONFORMS:
        return record
    notes: list[str] = []
    for option in options[:MOST_OPTIONS]:
        other = check(option)
        if other.exit_code == EXIT_DIFFERS and _is_wrong_by_itself(other, record):
            without = f"With {option.name}={option.default!r}, its default, nothing was found wrong."
            return structs.replace(
                other, headline=f"With {option}: {other.headline}", notes=[without, *notes, *other.notes]
            )
        notes.append(f"With {option} {_in_words(other)}")
    notes += [f"What it does with {option} was not judged." for option in options[MOST_OPTIONS:]]
    return structs.replace(record, notes=[*record.notes, *notes])


def _is_wrong_by_itself(other: CheckRecord, record: CheckRecord) -> bool:
    """Tell whether an option changes the forward pass, and the gradients are wrong for what it is then.

    What changes gradients alone may be meant to, as a truncation is; and what becomes of the forward pass may be meant
    to be another network.
    """
    own = other.consistency
    if other.forward != "agrees":
        return own is not None and own.agrees is False
    return other.case != record.case or _parameters(other) != _parameters(record)


def _parameters(record: CheckRecord) -> set[str]:
    return {each.quantity for each in record.quantities if each.quantity.startswith("dL/d")}


def _in_words(record: CheckRecord) -> str:
    """Return what a check with another option came to, as the rest of a sentence."""
    if record.conforms:
        return "it agrees as well."
    if record.forward == "agrees" and record.backward == "differs":
        return "its gradients are others: that was not judged."
    if record.exit_code == EXIT_INCONCLUSIVE:
        return "it was not judged."
    own = record.consistency
    right = own is not None and own.agrees
    return "it is another network" + (
        ", whose gradients are its own." if right else ", which was not judged."
    )
