"""Further, equal calls of a network that has run: what they give must be what the first gave, at every call.

A state that goes on where the last call ended, gradients that add up until someone clears them, and an optimizer's
memory are habits that a caller may know of: where one of them explains what a call gives, it is told. Anything else is
wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from conformance.calling import Bound, Call
from conformance.cases import Problem
from conformance.checking.judging import Truth, tidied
from conformance.checking.outcome import Outcome
from conformance.checking.running import Failure, Said, attempt
from conformance.checking.scale import divided
from conformance.judge import Finding, Precision, compared, decide, results
from conformance.observation import Observation
from conformance.record.check import ContractFinding

CALLS = 13
"""Equal calls of one network: what goes wrong at each k-th call shows for k up to this."""

STARTS_AGAIN = "a second call starts where the first did"
SAME_GRADIENTS = "a second call gives the same gradients"
NOT_REPEATABLE = (
    "equal calls differ in their rounding: it isn't repeatable, some sums run in another order every time"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherCalls:
    """What further calls gave: contracts kept or broken, and in words what no habit explains, "" where nothing is."""

    contracts: tuple[ContractFinding, ...]
    wrong: str = ""


def further_calls(
    calls: Sequence[Call], problem: Problem, bound: Bound, came: Outcome, said: Said
) -> FurtherCalls:
    """Hold every call on `problem` against the first, and where they differ, against what each habit would give."""
    truth = came.judged.truth
    shown = [tidied(problem, call.observation).observation for call in calls]
    differing = {n: each for n, got in enumerate(shown) if (each := _differing(truth, shown[0], got))}
    if not differing:
        same = all(_same_bits(truth.problem, shown[0], got) for got in shown)
        kept = [("state-reset", STARTS_AGAIN), ("gradients-reset", SAME_GRADIENTS)]
        found = [ContractFinding(id=name, holds=True, sentence=sentence) for name, sentence in kept]
        if not same:
            found.append(ContractFinding(id="repeatable", holds=False, sentence=NOT_REPEATABLE))
        return FurtherCalls(contracts=tuple(found))
    history = _History(shown=shown, bound=bound, came=came, said=said)
    contract = _broken(truth, shown, *next(iter(differing.items())))
    wrong = (
        ""
        if not came.agrees
        else next((w for n in differing if (w := history.unexplained(n, differing[n]))), "")
    )
    return FurtherCalls(contracts=contract, wrong=wrong)


def _broken(
    truth: Truth, shown: Sequence[Observation], number: int, wrong: dict[str, Finding]
) -> tuple[ContractFinding, ...]:
    """Return what the first call that differs does to its caller."""
    which = "a second" if number == 1 else f"call {number + 1}, an"
    forward = [f for f in wrong.values() if f.comparison.phase == "forward"]
    if forward:
        sentence = (
            f"state leaks from one call into the next: {_names(forward)} of {which} equal call differs; "
            "start every sequence from its own h_0"
        )
        return (ContractFinding(id="state-reset", holds=False, sentence=sentence),)
    names = _names(list(wrong.values()))
    if _adds_up(truth, shown, number, wrong):
        sentence = (
            f"gradients add up over calls: {names} of {which} equal call is the sum of both; set them to 0 at the "
            "start of a backward pass"
        )
    else:
        sentence = f"a call leaves traces in the next: {names} of {which} equal call differs"
    again = ContractFinding(id="state-reset", holds=True, sentence=STARTS_AGAIN)
    return again, ContractFinding(id="gradients-reset", holds=False, sentence=sentence)


def _adds_up(truth: Truth, shown: Sequence[Observation], number: int, wrong: dict[str, Finding]) -> bool:
    """Tell whether each gradient that differs is that of the call before and the first one together."""
    before, now = shown[number - 1].parameters, shown[number].parameters
    added = {name: now[name] - g for name, g in before.items() if name in wrong and name in now}
    again = _compared(truth, shown[0], Observation(parameters=added))
    return len(again) == len(wrong) and all(f.verdict != "differs" for f in again.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _History:
    """Equal calls one after the other, and what each habit would make of them."""

    shown: Sequence[Observation]
    bound: Bound
    came: Outcome
    said: Said

    def unexplained(self, number: int, wrong: dict[str, Finding]) -> str:
        """Return in words what a call gives that no habit explains; empty where one does."""
        forward = any(f.comparison.phase == "forward" for f in wrong.values())
        truth = self._going_on(number) if forward else self.came.judged.truth
        if truth is not None and self._is_explained(truth, number, forward=forward):
            return ""
        agree = [n + 1 for n in range(1, number) if n]
        before = f"calls 1 to {number}" if agree else "its first call"
        names = _names(list(wrong.values()))
        return f"it agrees on {before}; call {number + 1}, an equal one, gives something else: {names}"

    def _is_explained(self, truth: Truth, number: int, *, forward: bool) -> bool:
        """Tell whether a call gives what is right for where it starts, perhaps added to what the last one gave."""
        got = _unscaled(self.shown[number], self.came)
        exact = truth.exact
        if forward and _differing(truth, _only_forward(exact), _only_forward(got)):
            return False
        if forward and any("p.y" in line for line in getattr(self.bound, "backward", ())):
            return True  # its targets were made of outputs that it has no more
        if not _differing(truth, exact, got):
            return True
        last = _unscaled(self.shown[number - 1], self.came).parameters
        sums = {name: g + last[name] for name, g in exact.parameters.items() if name in last}
        if not _differing(truth, Observation(parameters=sums), _only_parameters(got)):
            return True
        return self.bound.rate is not None and self._is_an_optimizers(truth, got)

    def _is_an_optimizers(self, truth: Truth, got: Observation) -> bool:
        """Tell whether a whole update is the plain one times a number, as momentum or a decaying rate make it."""
        exact = truth.exact.parameters
        pairs = [(g, exact[name]) for name, g in got.parameters.items() if name in exact]
        square = sum(float(np.vdot(e, e)) for _, e in pairs)
        factor = sum(float(np.vdot(g, e)) for g, e in pairs) / square if square else 0.0
        if factor <= 0:
            return False
        return not _differing(truth, truth.exact, _only_parameters(divided(got, factor, steps=False)))

    def _going_on(self, number: int) -> Truth | None:
        """Return the truth about a call that starts where the one before ended; None where it can't be asked so."""
        truth = self.came.judged.truth
        for _ in range(number):
            if truth.exact.h_n is None:
                return None
            going_on = replace(truth.problem, h_0=truth.exact.h_n, case=replace(truth.problem.case, h_0=True))
            admitted = attempt(self.bound.admit, going_on, self.said)
            if isinstance(admitted, Failure):
                return None
            truth = Truth.of(admitted)
        return truth


def _unscaled(shown: Observation, came: Outcome) -> Observation:
    """Return gradients without the constant that those of the first call carry."""
    return shown if came.scale is None else divided(shown, came.scale.factor, steps=came.scale.steps)


def _only_forward(shown: Observation) -> Observation:
    return Observation(output=shown.output, h_n=shown.h_n, y=shown.y)


def _only_parameters(shown: Observation) -> Observation:
    return Observation(parameters=shown.parameters)


def _differing(truth: Truth, expected: Observation, got: Observation) -> dict[str, Finding]:
    """Return by name what two observations of one problem both show, and differs."""
    return {name: f for name, f in _compared(truth, expected, got).items() if f.verdict == "differs"}


def _compared(truth: Truth, first: Observation, second: Observation) -> dict[str, Finding]:
    """Compare what two observations of one problem both show, by name, within what rounding allows."""
    ours, again = results(truth.problem, first), results(truth.problem, second)
    names = [name for name in ours if name in again and name in truth.allowed]
    comparisons = (compared(ours[n], again[n].value, ours[n].value, truth.allowed[n]) for n in names)
    return dict(zip(names, decide(comparisons, Precision.of(truth.problem.format)), strict=True))


def _same_bits(problem: Problem, first: Observation, second: Observation) -> bool:
    ours, again = results(problem, first), results(problem, second)
    return all(np.array_equal(ours[n].value, again[n].value, equal_nan=True) for n in ours if n in again)


def _names(findings: Sequence[Finding]) -> str:
    return ", ".join(dict.fromkeys(f.comparison.quantity for f in findings))
