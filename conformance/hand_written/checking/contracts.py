"""What a network owes its caller: to leave alone what it was handed, and to answer the same when it is asked again.

One network is called many times on the same arrays. What differs afterwards was done by the calls before.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace as change

import numpy as np
from msgspec.structs import replace

from conformance.cases import Problem
from conformance.hand_written.calling import Bound, Call
from conformance.hand_written.calling.binding import Binding, unlimited
from conformance.hand_written.calling.building.sequences import is_about_gradients
from conformance.hand_written.calling.hints import names
from conformance.hand_written.calling.running.reach import Reached
from conformance.hand_written.checking.answering import truth_about
from conformance.hand_written.checking.further_calls import (
    FurtherCalls,
    History,
    clearing_methods,
    clears_gradients,
    differing_in,
    further_calls,
    to_be_asked,
)
from conformance.hand_written.checking.judging import Tidied, tidied
from conformance.hand_written.checking.outcome import Outcome
from conformance.hand_written.checking.running import CaughtWarnings, Failure, attempt
from conformance.judge import results
from conformance.judge.comparison import Phase
from conformance.record.check import ContractFinding
from refrnn import Array

RESET = re.compile(r"\w+\.\w+\(\)")
"""A line that begins a further sequence by a method of the network."""

X = re.compile(r"\bp\.x\b")
"""The inputs of a sequence, in a line that calls a network."""


def contracts(bound: Bound, problem: Problem, outcome: Outcome, caught: CaughtWarnings) -> FurtherCalls:
    """Call one network many times and tell what the calls did to their arguments and to each other."""
    bound = unlimited(bound)
    problems = to_be_asked(bound, problem)
    calls = attempt(bound.calls, problems, caught)
    if isinstance(calls, Failure):
        sentence = f"whether a second call gives the same wasn't checked: {calls.reason}"
        return FurtherCalls(contracts=(ContractFinding(id="repeatable", holds=None, sentence=sentence),))
    found = further_calls(calls, problems, bound, outcome, caught)
    wrong = found.wrong
    if outcome.agrees:
        wrong = wrong or _kept_otherwise(calls, bound) or _of_another_order(bound, problem, outcome, caught)
    adds_up = any(each.id == "gradients-reset" and each.holds is False for each in found.contracts)
    if outcome.agrees and adds_up:
        wrong = wrong or _left_when_cleared(bound, problem, outcome, caught)
    kept = () if adds_up else tuple(_results(calls))
    told = (
        _arguments(calls),
        *kept,
        *found.contracts,
        *_of_whole_numbers(bound, problem, outcome, caught),
        *_of_going_on(bound, problem, outcome, caught),
    )
    return replace(found, contracts=told, wrong=wrong)


def of_precision(found: Tidied, outcome: Outcome, inside: float) -> ContractFinding:
    """Tell whether everything is as precise as what was handed over."""
    if found.lowered:
        sentence = f"float64 goes in, lower precision comes out: {', '.join(found.lowered)}"
    elif inside:
        sentence = f"its activation adds {inside:.3g} to what goes into it, which is below float32's rounding"
    elif outcome.precision == "single":
        sentence = "agrees to float32's rounding, not to float64's: something on the way rounds to float32"
    else:
        sentence = "keeps the precision it is given"
    return ContractFinding(
        id="precision-kept", holds=not found.lowered and outcome.precision == "double", sentence=sentence
    )


def _arguments(calls: Sequence[Call]) -> ContractFinding:
    """Tell which arrays of its caller a network has changed: what it was handed, and what its forward pass returned."""
    changed = [
        name
        for name, before in calls[0].before.items()
        if name in calls[0].after and not np.array_equal(before, calls[0].after[name], equal_nan=True)
    ]
    sentence = (
        f"it overwrites arrays of its caller's: {', '.join(changed)}; work on a copy"
        if changed
        else "leaves its arguments as they were"
    )
    return ContractFinding(id="arguments-unchanged", holds=not changed, sentence=sentence)


def _results(calls: Sequence[Call]) -> Iterator[ContractFinding]:
    """Yield which arrays that a call returned are others after further calls, if any are."""
    if calls[0].overwritten:
        yield ContractFinding(
            id="results-kept",
            holds=False,
            sentence=f"a further call overwrites what it returned: {', '.join(calls[0].overwritten)}; return copies",
        )


def _of_whole_numbers(
    bound: Bound, problem: Problem, outcome: Outcome, caught: CaughtWarnings
) -> Iterator[ContractFinding]:
    """Yield which gradients are others where the inputs are whole numbers in an array of integers, as one-hots may be.

    An array made like the inputs cuts off what is put into it then.
    """
    whole = change(problem, x=np.rint(problem.x))
    others = _in_another_form(bound, whole, "p.x.astype(int)", outcome, caught)
    if others and set(others.values()) == {"backward"}:
        yield ContractFinding(
            id="whole-numbers",
            holds=False,
            sentence=f"inputs in an array of integers change {', '.join(others)}; make its array one of floats",
        )


def _of_another_order(bound: Bound, problem: Problem, outcome: Outcome, caught: CaughtWarnings) -> str:
    """Return in words what is another where the same inputs lie in another order in memory; empty where nothing is."""
    others = _in_another_form(bound, problem, "np.asfortranarray(p.x)", outcome, caught)
    return f"goes wrong with inputs in Fortran's order in memory: {', '.join(others)}" if others else ""


def _in_another_form(
    bound: Bound, problem: Problem, x: str, outcome: Outcome, caught: CaughtWarnings
) -> dict[str, Phase]:
    """Return which quantities are others, or no more, where the same inputs have another form, and of which pass.

    Where two equal calls differ already, nothing is told.
    """
    if not isinstance(bound, Binding) or not any(X.search(line) for line in bound.forward):
        return {}
    other = replace(bound, forward=tuple(X.sub(x, line) for line in bound.forward))
    truth = truth_about(bound, problem, caught)
    runs = [attempt(lambda each: each.run(problem), each, caught) for each in (bound, bound, other)]
    if isinstance(truth, Failure) or any(isinstance(each, Failure) for each in runs):
        return {}
    truth = truth if outcome.precision == "double" else truth.in_single_precision()
    shown, again, otherwise = (tidied(problem, each).observation for each in runs)
    if differing_in(truth, shown, again):
        return {}
    ours, kept = results(problem, shown), results(problem, otherwise)
    lost = [ours[name] for name in ours if name not in kept]  # integers are no gradients
    others = [*lost, *(f.comparison for f in differing_in(truth, shown, otherwise).values())]
    return {each.quantity: each.phase for each in others}


def _kept_otherwise(calls: Sequence[Call], bound: Bound) -> str:
    """Return in words which copies of gradients add up over calls, while others kept beside them are replaced.

    Where all of them add up, or the code has a method that clears them, whoever reads them knows of it.
    """
    if clears_gradients(bound) or not isinstance(bound, Binding) or bound.own is None:
        return ""
    parameters = [Reached(path, None).name for path in bound.own.parameters]
    kept: dict[str, dict[str, str]] = {}
    for path in calls[0].copies:
        name = Reached(path, None).name
        if "[" in path or any(names.gradient_of(name, parameter) for parameter in parameters):
            habit = _habit([call.copies.get(path) for call in calls])
            kept.setdefault(path.rpartition("[")[0], {})[path] = habit
    for habits in kept.values():
        sums = [path for path, habit in habits.items() if habit == "adds up"]
        if sums and "is replaced" in habits.values():
            copies = ", ".join(path.partition(".")[2] or path for path in sums)
            return f"goes wrong when it is called again: what it returns stays right, and {copies} adds up"
    return ""


def _left_when_cleared(bound: Bound, problem: Problem, outcome: Outcome, caught: CaughtWarnings) -> str:
    """Return in words which gradients add up over calls although they are cleared in between; empty if none do."""
    for name in clearing_methods(bound):
        cleared = replace(bound, forward=(f"model.{name}()", *bound.forward))
        calls = attempt(lambda cleared: cleared.calls([problem, problem]), cleared, caught)
        if isinstance(calls, Failure):
            continue
        left = History.of(calls, [problem, problem], cleared, outcome, caught).wrong_in(1)
        return f"goes wrong when it is called again: {name} does not clear {left}" if left else ""
    return ""


def _of_going_on(
    bound: Bound, problem: Problem, outcome: Outcome, caught: CaughtWarnings
) -> Iterator[ContractFinding]:
    """Yield that a call which begins no new sequence starts neither from h_0 nor where the last one ended, if so."""
    resets = [line for line in getattr(bound, "between", ()) if RESET.fullmatch(line)]
    resets = [line for line in resets if not is_about_gradients(line)]
    if not resets or not isinstance(bound, Binding) or not outcome.agrees:
        return
    going_on = replace(bound, between=tuple(line for line in bound.between if line not in resets))
    calls = attempt(lambda each: each.calls([problem, problem]), going_on, caught)
    if isinstance(calls, Failure):
        return
    history = History.of(calls, [problem, problem], going_on, outcome, caught)
    if history.starts_elsewhere(1):
        name = resets[0].partition(".")[2]
        yield ContractFinding(
            id="goes-on",
            holds=False,
            sentence=f"without {name} a further call starts neither from its own h_0 nor where the last one ended",
        )


def _habit(pairs: Sequence[tuple[Array, Array] | None]) -> str:
    """Return in words what all calls do to a copy of a gradient; empty where that is something else."""
    known = [pair for pair in pairs if pair is not None]
    if len(known) < len(pairs):
        return ""
    if all(np.array_equal(kept, handed) for kept, handed in known):
        return "is replaced"
    sums = np.cumsum([handed for _, handed in known], axis=0)
    return "adds up" if all(np.allclose(k, s) for (k, _), s in zip(known, sums, strict=True)) else ""
