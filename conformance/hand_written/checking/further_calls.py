"""Further calls of a network that has run, on the same data and on others: every one of them must be right.

A state that goes on where the last call ended, gradients that add up until someone clears them, and an optimizer's
memory are habits that a caller may know of: where one of them explains what a call gives, it is told. Anything else is
wrong.
"""

import inspect
import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from msgspec import Struct, structs

from conformance.cases import Problem, materialise
from conformance.hand_written.calling import Bound, Call
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.hints.names import ZEROES
from conformance.hand_written.checking.answering import truth_about
from conformance.hand_written.checking.judging import Truth, tidied
from conformance.hand_written.checking.outcome import Outcome
from conformance.hand_written.checking.running import CaughtWarnings, Failure
from conformance.hand_written.checking.scale import divided
from conformance.judge import Finding, Precision, compared, decide, results
from conformance.record.check import ContractFinding
from conformance.subjects.observation import Observation
from refrnn import Array

CALLS = 13
"""Calls of one network: what goes wrong at each k-th call shows for k up to this."""

OTHER_DATA = (2, 4, 7, 10)
"""Which of them are asked about other data: what a network keeps of one call mustn't answer another."""

SAME = 1e-6
"""Relative difference up to which two rates count as the same."""

STARTS_AGAIN = "a second call starts where the first did"
SAME_GRADIENTS = "a second call gives the same gradients"
NOT_REPEATABLE = (
    "equal calls differ in their rounding: it isn't repeatable, some sums run in another order every time"
)


class FurtherCalls(Struct, frozen=True, kw_only=True):
    """What further calls gave: contracts kept or broken, and in words what no habit explains, "" where nothing is."""

    contracts: tuple[ContractFinding, ...]
    wrong: str = ""


def to_be_asked(bound: Bound, problem: Problem) -> list[Problem]:
    """Return the problems of `CALLS` calls of one network: the first again and again, and other data in between."""
    other = with_other_data(bound, problem, problem.case.steps)
    return [other if n in OTHER_DATA else problem for n in range(CALLS)]


def with_other_data(bound: Bound, problem: Problem, steps: int) -> Problem:
    """Return a problem of so many steps with the weights of another one, and data of its own."""
    drawn = materialise(replace(problem.case, seed=problem.case.seed + 1, steps=steps))
    head = drawn.head
    if head is not None and problem.head is not None:
        head = replace(head, weight=problem.head.weight, bias=problem.head.bias)
    return bound.admit(replace(drawn, weights=problem.weights, head=head))


def further_calls(
    calls: Sequence[Call], problems: Sequence[Problem], bound: Bound, outcome: Outcome, caught: CaughtWarnings
) -> FurtherCalls:
    """Hold every call against what is right, and where it differs, against what each habit would give."""
    history = History.of(calls, problems, bound, outcome, caught)
    shown = history.shown
    wrong = (
        "" if not outcome.agrees else next(filter(None, map(history.unexplained, range(1, len(shown)))), "")
    )
    kept = tuple(_contracts(problems, shown, outcome, bound))
    return FurtherCalls(contracts=(*kept, *_of_the_factor(history, wrong)), wrong=wrong)


def _of_the_factor(history: "History", wrong: str) -> Iterator[ContractFinding]:
    """Yield the factor that other data put on all gradients, where it is another one and nothing is wrong."""
    if wrong or not history.outcome.agrees or history.outcome.backward is None:
        return
    factor = history.factor(OTHER_DATA[0])
    if math.isfinite(factor) and abs(factor - 1) > SAME:
        own = 1.0 if history.outcome.scale is None else history.outcome.scale.factor
        yield ContractFinding(
            id="constant-factor",
            holds=False,
            sentence=f"all gradients carry a factor that depends on the data: {own:.3g} here, {own * factor:.3g} for "
            "other data, as a clip by their norm or the root of a mean error puts on them",
        )


def _contracts(
    problems: Sequence[Problem], shown: Sequence[Observation], outcome: Outcome, bound: Bound
) -> Iterator[ContractFinding]:
    """Yield what the first equal call that differs does to its caller."""
    truth, problem = outcome.judged.truth, problems[0]
    equal = [n for n, each in enumerate(problems) if each is problem]
    differing = {n: each for n in equal if (each := differing_in(truth, shown[0], shown[n]))}
    if not differing:
        yield ContractFinding(id="state-reset", holds=True, sentence=STARTS_AGAIN)
        yield ContractFinding(id="gradients-reset", holds=True, sentence=SAME_GRADIENTS)
        if not all(_same_bits(problem, shown[0], shown[n]) for n in equal):
            yield ContractFinding(id="repeatable", holds=False, sentence=NOT_REPEATABLE)
        return
    number, wrong = next(iter(differing.items()))
    which = "a second" if number == 1 else f"call {number + 1}, an"
    forward = [f for f in wrong.values() if f.comparison.phase == "forward"]
    if forward:
        sentence = (
            f"state leaks from one call into the next: {_names(forward)} of {which} equal call differs; "
            "start every sequence from its own h_0"
        )
        yield ContractFinding(id="state-reset", holds=False, sentence=sentence)
        return
    names = _names(list(wrong.values()))
    sentence = f"the same call again gives other gradients: {names} of {which} equal call differs"
    if _adds_up(truth, shown, number, wrong):
        sentence = f"gradients add up over calls: {names} of {which} equal call is the sum of both; {_cleared(bound)}"
    yield ContractFinding(id="state-reset", holds=True, sentence=STARTS_AGAIN)
    yield ContractFinding(id="gradients-reset", holds=False, sentence=sentence)


def _cleared(bound: Bound) -> str:
    """Tell what is to be done about gradients that add up."""
    if clears_gradients(bound):
        return "its code has a method that clears them, to be called before each backward pass"
    return "set them to 0 at the start of a backward pass"


def _adds_up(truth: Truth, shown: Sequence[Observation], number: int, wrong: dict[str, Finding]) -> bool:
    """Tell whether each gradient that differs is that of the call before and the first one together."""
    before, now = shown[number - 1].parameters, shown[number].parameters
    added = {name: now[name] - g for name, g in before.items() if name in wrong and name in now}
    again = _compared(truth, shown[0], Observation(parameters=added))
    return len(again) == len(wrong) and all(f.verdict != "differs" for f in again.values())


class History(Struct, frozen=True, kw_only=True):
    """Calls of one network one after the other, and what each habit would make of them."""

    problems: Sequence[Problem]
    shown: Sequence[Observation]
    bound: Bound
    outcome: Outcome
    caught: CaughtWarnings

    @classmethod
    def of(
        cls,
        calls: Sequence[Call],
        problems: Sequence[Problem],
        bound: Bound,
        outcome: Outcome,
        caught: CaughtWarnings,
    ) -> "History":
        """Return the history of calls, one about each problem."""
        shown = [tidied(p, call.observation).observation for p, call in zip(problems, calls, strict=True)]
        return cls(problems=problems, shown=shown, bound=bound, outcome=outcome, caught=caught)

    def unexplained(self, number: int) -> str:
        """Return in words what a call gives that is neither right nor explained by a habit; empty for all else."""
        truth, got = self._truth(self.problems[number]), self._unscaled(number)
        if truth is None or not (wrong := differing_in(truth, truth.exact, got)):
            return ""
        forward = any(f.comparison.phase == "forward" for f in wrong.values())
        if not forward and self._has_a_factor_of_its_data(self.problems[number]):
            return ""
        start = self._going_on(number) if forward else truth
        if start is not None and self._is_explained(start, number, forward=forward):
            return ""
        before = "its first call agrees" if number == 1 else f"calls 1 to {number} agree"
        kind = "an equal one" if self.problems[number] is self.problems[0] else "with other data"
        now = f"call {number + 1}, {kind}, gives something else: {self.wrong_in(number)}"
        return f"goes wrong when it is called again: {before}; {now}"

    def starts_elsewhere(self, number: int) -> bool:
        """Tell whether the outputs of a call are those of neither h_0 nor the state in which the last one ended."""
        starts = [self._truth(self.problems[number]), self._going_on(number)]
        got = _only_forward(self._unscaled(number))
        return all(
            truth is not None and bool(differing_in(truth, _only_forward(truth.exact), got))
            for truth in starts
        )

    def wrong_in(self, number: int) -> str:
        """Return which quantities of a call aren't right, in words."""
        truth = self._truth(self.problems[number])
        return (
            ""
            if truth is None
            else _names(list(differing_in(truth, truth.exact, self._unscaled(number)).values()))
        )

    def factor(self, number: int) -> float:
        """Return the constant that all gradients of a call carry beside those of the first, NaN where there is none."""
        truth = self._truth(self.problems[number])
        if truth is None:
            return math.nan
        got, exact = self._unscaled(number), truth.exact.parameters
        ratio = _ratio(got.parameters, exact)
        right = ratio > 0 and self._same_up_to(truth, got.parameters, exact, ratio)
        return ratio if right else math.nan

    def _has_a_factor_of_its_data(self, problem: Problem) -> bool:
        """Tell whether all calls about a problem carry one constant, as a clip by the norm or a mean error does."""
        if problem is self.problems[0]:
            return False
        found = [self.factor(n) for n, each in enumerate(self.problems) if each is problem]
        return max(found) - min(found) <= SAME * abs(found[0])  # false of NaN

    def _is_explained(self, truth: Truth, number: int, *, forward: bool) -> bool:
        """Tell whether a call gives what is right for where it starts, perhaps added to what the last one gave."""
        got, exact = self._unscaled(number), truth.exact
        if forward and differing_in(truth, _only_forward(exact), _only_forward(got)):
            return False
        if forward and any("p.y" in line for line in getattr(self.bound, "backward", ())):
            return True  # its targets were made of outputs that it has no more
        if not differing_in(truth, exact, got):
            return True
        if self.bound.rate is not None:
            return self._is_an_optimizers()
        sums = self._sums(truth, number)
        if clears_gradients(self.bound):  # some parts add up, until that is called, and others don't
            right = exact.parameters.keys() - differing_in(truth, exact, got).keys()
            sums |= {name: exact.parameters[name] for name in right}
        explained = not differing_in(truth, Observation(parameters=sums), _only_parameters(got))
        return explained and (forward or self._always_add_up(differing_in(truth, exact, got).keys()))

    def _sums(self, truth: Truth, number: int) -> dict[str, Array]:
        """Return what a call gives whose gradients are added to those of the call before."""
        last = self._unscaled(number - 1).parameters
        return {name: g + last[name] for name, g in truth.exact.parameters.items() if name in last}

    def _always_add_up(self, names: Collection[str]) -> bool:
        """Tell whether some gradients are added to those before at every call: at some calls alone it is no habit."""
        for number in range(1, len(self.shown)):
            truth = self._truth(self.problems[number])
            if truth is None:
                continue
            sums = Observation(parameters=self._sums(truth, number))
            differs = differing_in(truth, sums, self._unscaled(number))
            if any(name in differs for name in names):
                return False
        return True

    def _is_an_optimizers(self) -> bool:
        """Return in words what a call gives that is neither right nor explained by a habit; else nothing."""
        right = [self._truth(problem) for problem in self.problems]
        if any(truth is None for truth in right):
            return False
        truths = [truth for truth in right if truth is not None]
        plain = [truth.exact.parameters for truth in truths]
        moved = [self._unscaled(n).parameters for n in range(len(self.shown))]
        rates = [_ratio(g, e) for g, e in zip(moved, plain, strict=True)]
        falling = all(0 < now <= last * (1 + SAME) for last, now in itertools.pairwise(rates))
        if falling and all(map(self._same_up_to, truths, moved, plain, rates)):
            return True
        kept = _ratio({name: g - plain[1][name] for name, g in moved[1].items()}, moved[0])
        remembered = [
            {name: e[name] + kept * last[name] for name in e if name in last}
            for e, last in zip(plain[1:], moved[:-1], strict=True)
        ]
        ones = [1.0] * len(remembered)
        return 0 < kept < 1 and all(map(self._same_up_to, truths[1:], moved[1:], remembered, ones))

    def _same_up_to(
        self, truth: Truth, got: Mapping[str, Array], expected: Mapping[str, Array], rate: float
    ) -> bool:
        unscaled = divided(Observation(parameters=got), rate, steps=False)
        return not differing_in(truth, Observation(parameters=expected), unscaled)

    def _truth(self, problem: Problem, *, memory: bool = False) -> Truth | None:
        """Return the truth about a problem as the first call was read; None where the network can't be asked it.

        A `memory` that goes on is there even where none can be handed to it.
        """
        if problem is self.problems[0]:
            return self.outcome.judged.truth
        bound = self.bound
        if memory and isinstance(bound, Binding):
            bound = structs.replace(bound, traits=structs.replace(bound.traits, memory=True))
        truth = truth_about(bound, problem, self.caught)
        if isinstance(truth, Failure):
            return None
        return truth if self.outcome.precision == "double" else truth.in_single_precision()

    def _going_on(self, number: int) -> Truth | None:
        """Return the truth about a call that starts where the one before ended; None where it can't be asked so."""
        truth: Truth | None = self.outcome.judged.truth
        for problem in self.problems[1 : number + 1]:
            if truth is None or truth.exact.h_n is None:
                return None
            case = replace(problem.case, h_0=True)
            ended = replace(problem, h_0=truth.exact.h_n, c_0=truth.exact.c_n, case=case)
            truth = self._truth(ended, memory=True)
        return truth

    def _unscaled(self, number: int) -> Observation:
        """Return what a call showed without the constant that the gradients of the first call carry."""
        shown, scale = self.shown[number], self.outcome.scale
        return shown if scale is None else divided(shown, scale.factor, steps=scale.steps)


def clears_gradients(bound: Bound) -> bool:
    """Tell whether a network's code has a method that clears gradients, which its caller is to call between two."""
    return bool(clearing_methods(bound))


def clearing_methods(bound: Bound) -> list[str]:
    """Return the names of the methods that clear gradients, of all classes of a network's code."""
    classes = [] if not isinstance(bound, Binding) else vars(bound.loaded.code).values()
    methods = [method for each in classes if inspect.isclass(each) for method in vars(each)]
    return [method for method in dict.fromkeys(methods) if ZEROES.fullmatch(method)]


def _ratio(got: Mapping[str, Array], expected: Mapping[str, Array]) -> float:
    """Return the number that brings what was expected closest to what came."""
    pairs = [(got[name], expected[name]) for name in got if name in expected]
    square = sum(float(np.vdot(e, e)) for _, e in pairs)
    return sum(float(np.vdot(g, e)) for g, e in pairs) / square if square else 0.0


def _only_forward(shown: Observation) -> Observation:
    return Observation(output=shown.output, h_n=shown.h_n, y=shown.y)


def _only_parameters(shown: Observation) -> Observation:
    return Observation(parameters=shown.parameters)


def differing_in(truth: Truth, expected: Observation, got: Observation) -> dict[str, Finding]:
    """Return by name what two observations of one problem both show, and differs."""
    return {name: f for name, f in _compared(truth, expected, got).items() if f.verdict == "differs"}


def _compared(truth: Truth, first: Observation, second: Observation) -> dict[str, Finding]:
    """Compare what two observations of one problem both show, by name, within what rounding allows.

    Of y only the last step counts where the loss sees no other; before it y may hold anything.
    """
    if truth.problem.case.cotangents == "last":
        first, second = (replace(each, y=_last(truth.problem, each.y)) for each in (first, second))
    ours, again = results(truth.problem, first), results(truth.problem, second)
    names = [name for name in ours if name in again and name in truth.allowed]
    comparisons = (compared(ours[n], again[n].value, ours[n].value, truth.allowed[n]) for n in names)
    return dict(zip(names, decide(comparisons, Precision.of(truth.problem.format)), strict=True))


def _last(problem: Problem, y: Array | None) -> Array | None:
    """Return outputs with zeros at all steps but the last."""
    if y is None:
        return None
    alone = np.zeros_like(y)
    problem.layout.time_major(alone)[-1] = problem.layout.time_major(y)[-1]
    return alone


def _same_bits(problem: Problem, first: Observation, second: Observation) -> bool:
    ours, again = results(problem, first), results(problem, second)
    return all(np.array_equal(ours[n].value, again[n].value, equal_nan=True) for n in ours if n in again)


def _names(findings: Sequence[Finding]) -> str:
    return ", ".join(dict.fromkeys(f.comparison.quantity for f in findings))
