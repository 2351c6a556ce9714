"""What a network owes its caller: to leave alone what it was handed, and to answer the same when it is asked again.

One network is called twice on the same arrays. What differs afterwards was done by the first call.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from conformance.calling import Bound, Call
from conformance.checking.judging import Tidied, Truth, tidied
from conformance.checking.outcome import Outcome
from conformance.checking.running import Failure, Said, attempt
from conformance.judge import Finding, Precision, compared, decide, results
from conformance.observation import Observation
from conformance.record.check import ContractFinding

STARTS_AGAIN = "a second call starts where the first did"
SAME_GRADIENTS = "a second call gives the same gradients"


def contracts(bound: Bound, truth: Truth, said: Said) -> list[ContractFinding]:
    """Call one network twice and tell what the calls did to their arguments and to each other."""
    calls = attempt(lambda problem: bound.calls(problem, 2), truth.problem, said)
    if isinstance(calls, Failure):
        sentence = f"whether a second call gives the same wasn't checked: {calls.reason}"
        return [ContractFinding(id="repeatable", holds=None, sentence=sentence)]
    return [_arguments(calls), *_repeated(truth, calls)]


def of_precision(found: Tidied, came: Outcome) -> ContractFinding:
    """Tell whether everything is as precise as what was handed over."""
    if found.lowered:
        sentence = f"float64 goes in, lower precision comes out: {', '.join(found.lowered)}"
    elif came.precision == "single":
        sentence = "agrees to float32's rounding, not to float64's: something on the way rounds to float32"
    else:
        sentence = "keeps the precision it is given"
    return ContractFinding(
        id="precision-kept", holds=not found.lowered and came.precision == "double", sentence=sentence
    )


def _arguments(calls: Sequence[Call]) -> ContractFinding:
    """Tell which arrays of its caller a network has changed."""
    changed = [
        name
        for name, before in calls[0].before.items()
        if name in calls[0].after and not np.array_equal(before, calls[0].after[name], equal_nan=True)
    ]
    sentence = (
        f"it overwrites what its caller handed it: {', '.join(changed)}; work on a copy"
        if changed
        else "leaves its arguments as they were"
    )
    return ContractFinding(id="arguments-unchanged", holds=not changed, sentence=sentence)


def _repeated(truth: Truth, calls: Sequence[Call]) -> Iterator[ContractFinding]:
    """Tell whether the second of two equal calls gives what the first gave, pass by pass."""
    first, second = (tidied(truth.problem, call.observation).observation for call in calls[:2])
    wrong = {name: f for name, f in _compared(truth, first, second).items() if f.verdict == "differs"}
    forward = [f for f in wrong.values() if f.comparison.phase == "forward"]
    yield ContractFinding(
        id="state-reset", holds=not forward, sentence=_of_state(forward) if forward else STARTS_AGAIN
    )
    if not forward:  # otherwise gradients differ as well, and say nothing new
        sentence = _of_gradients(truth, first, second, wrong) if wrong else SAME_GRADIENTS
        yield ContractFinding(id="gradients-reset", holds=not wrong, sentence=sentence)


def _of_state(wrong: Sequence[Finding]) -> str:
    return (
        f"state leaks from one call into the next: {_names(wrong)} of a second, equal call differs; "
        "start every sequence from its own h_0"
    )


def _of_gradients(truth: Truth, first: Observation, second: Observation, wrong: dict[str, Finding]) -> str:
    """Tell what a second call does to the gradients, adding up being the usual thing."""
    added = {
        name: second.parameters[name] - gradient
        for name, gradient in first.parameters.items()
        if name in wrong and name in second.parameters
    }
    again = _compared(truth, first, Observation(parameters=added))
    if len(again) == len(wrong) and all(f.verdict != "differs" for f in again.values()):
        return (
            f"gradients add up over calls: {_names(list(wrong.values()))} of a second, equal call is the sum of "
            "both; set them to 0 at the start of a backward pass"
        )
    return f"a call leaves traces in the next: {_names(list(wrong.values()))} of a second, equal call differs"


def _compared(truth: Truth, first: Observation, second: Observation) -> dict[str, Finding]:
    """Compare what two observations of one problem both show, by name, within what rounding allows."""
    ours, again = results(truth.problem, first), results(truth.problem, second)
    names = [name for name in ours if name in again and name in truth.allowed]
    comparisons = (compared(ours[n], again[n].value, ours[n].value, truth.allowed[n]) for n in names)
    return dict(zip(names, decide(comparisons, Precision.of(truth.problem.format)), strict=True))


def _names(findings: Sequence[Finding]) -> str:
    return ", ".join(dict.fromkeys(f.comparison.quantity for f in findings))
