"""What a network owes its caller: to leave alone what it was handed, and to answer the same when it is asked again.

One network is called many times on the same arrays. What differs afterwards was done by the calls before.
"""

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from conformance.cases import Problem
from conformance.hand_written.calling import Bound, Call
from conformance.hand_written.calling.binding import unlimited
from conformance.hand_written.checking.further_calls import FurtherCalls, further_calls, to_be_asked
from conformance.hand_written.checking.judging import Tidied
from conformance.hand_written.checking.outcome import Outcome
from conformance.hand_written.checking.running import CaughtWarnings, Failure, attempt
from conformance.record.check import ContractFinding


def contracts(bound: Bound, problem: Problem, outcome: Outcome, caught: CaughtWarnings) -> FurtherCalls:
    """Call one network many times and tell what the calls did to their arguments and to each other."""
    bound = unlimited(bound)
    problems = to_be_asked(bound, problem)
    calls = attempt(bound.calls, problems, caught)
    if isinstance(calls, Failure):
        sentence = f"whether a second call gives the same wasn't checked: {calls.reason}"
        return FurtherCalls(contracts=(ContractFinding(id="repeatable", holds=None, sentence=sentence),))
    found = further_calls(calls, problems, bound, outcome, caught)
    return replace(found, contracts=(_arguments(calls), *found.contracts))


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
