"""Generic mutants: a right subject made wrong under one condition, as real kernels of real libraries are.

They ask of a suite what it would catch in somebody's own network: wrong for an option, a size, a layer, a direction, a
step, a precision, a call. Each is the subject itself, whose results are off by `ERROR` where its condition holds.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from msgspec import Struct, field

from conformance.cases import Case, Problem
from conformance.errors import Unsupported
from conformance.examination.engine import problem_of, verdict_on
from conformance.record import Verdict
from conformance.subjects.observation import Observation, Subject, same
from refrnn import Array

ERROR = 1e-2
"""By how much of itself a result is off where a mutant is wrong: far beyond what rounding does in any precision."""

CONDITIONS: Mapping[str, Callable[[Case], bool]] = MappingProxyType(
    {
        "relu": lambda c: c.nonlinearity == "relu",
        "lstm": lambda c: c.cell == "lstm",
        "gru": lambda c: c.cell == "gru",
        "projections": lambda c: c.proj_size > 0,
        "no biases": lambda c: not c.bias,
        "no h_0": lambda c: not c.h_0,
        "two directions": lambda c: c.bidirectional,
        "two directions and lengths": lambda c: c.bidirectional and bool(c.lengths),
        "several layers": lambda c: c.layers > 1,
        "a fourth layer": lambda c: c.layers > 3,
        "dropout": lambda c: c.dropout > 0 and not c.evaluation,
        "after training mode": lambda c: c.evaluation,
        "batch first": lambda c: c.layout == "batch-first",
        "unbatched": lambda c: c.layout == "unbatched",
        "lengths": lambda c: bool(c.lengths),
        "lengths out of order": lambda c: list(c.lengths) != sorted(c.lengths, reverse=True),
        "a head": lambda c: c.output_size > 0,
        "a loss of h_n alone": lambda c: c.cotangents == "h_n",
        "a loss of the last step": lambda c: c.cotangents == "last",
        "cotangents of stride 0": lambda c: c.cotangents == "expanded",
        "strided arrays": lambda c: c.cotangents == "strided",
        "NaN or infinities": lambda c: c.regime in ("nan", "inf") or c.poisoned is not None,
        "large weights": lambda c: c.regime == "uneven",
        "float32": lambda c: c.dtype == "f32",
        "float64": lambda c: c.dtype == "f64",
        "T = 1": lambda c: c.steps == 1,
        "T > 256": lambda c: c.steps > 256,
        "T > 1,000": lambda c: c.steps > 1000,
        "B = 1": lambda c: c.batch == 1,
        "B > 64": lambda c: c.batch > 64,
        "B > 128": lambda c: c.batch > 128,
        "I > 64": lambda c: c.input_size > 64,
        "I = H": lambda c: c.input_size == c.hidden_size,
        "H = 1": lambda c: c.hidden_size == 1,
        "H > 64": lambda c: c.hidden_size > 64,
        "H > 256": lambda c: c.hidden_size > 256,
        "H beyond a multiple of 16": lambda c: c.hidden_size > 16 and c.hidden_size % 16 > 0,
    }
)
"""When a mutant is wrong, told from the case."""

Harm = Callable[[Problem, Observation, int], Observation]
"""What a mutant makes of what the subject shows of a problem at its n-th run."""


def off(values: Array | None) -> Array | None:
    """Return values that are off by `ERROR` of themselves."""
    return None if values is None else (values * (1 + ERROR)).astype(values.dtype)


def wrong_forward(_: Problem, shown: Observation, __: int) -> Observation:
    """Return results whose output is off."""
    return replace(shown, output=off(shown.output), y=off(shown.y))


def wrong_backward(_: Problem, shown: Observation, __: int) -> Observation:
    """Return results whose gradients of parameters are off."""
    return with_gradients(shown, shown.parameters)


def with_gradients(shown: Observation, names: Iterable[str]) -> Observation:
    """Return results of which the gradients of these parameters are off."""
    changed = {name: off(shown.parameters[name]) for name in names}
    return replace(shown, parameters={**shown.parameters, **changed})


def wrong_where(end: str) -> Harm:
    """Return a harm to gradients of the parameters whose names end so: of a layer, or of a direction."""
    return lambda _, shown, __: with_gradients(shown, [n for n in shown.parameters if n.endswith(end)])


def wrong_at_step(step: int, result: str) -> Harm:
    """Return a harm to one step of a sequence, by the name of the result."""

    def harm(problem: Problem, shown: Observation, _: int) -> Observation:
        values = getattr(shown, result)
        if values is None:
            return shown
        changed = values.copy()
        problem.layout.time_major(changed)[step] *= 1 + ERROR
        return replace(shown, **{result: changed})

    return harm


def wrong_at_every_second_run(problem: Problem, shown: Observation, run: int) -> Observation:
    """Return results whose output is off at every second run."""
    return wrong_forward(problem, shown, run) if run % 2 == 0 else shown


def always(_: Case) -> bool:
    """Hold in every case."""
    return True


class Condition(Struct, frozen=True):
    """When a mutant is wrong, and how."""

    holds: Callable[[Case], bool]
    harm: Harm


MUTANTS: Mapping[str, Condition] = MappingProxyType(
    {
        **{f"forward: {name}": Condition(holds, wrong_forward) for name, holds in CONDITIONS.items()},
        **{f"backward: {name}": Condition(holds, wrong_backward) for name, holds in CONDITIONS.items()},
        "backward: first layer": Condition(lambda c: c.layers > 1, wrong_where("_l0")),
        "backward: second layer": Condition(lambda c: c.layers > 1, wrong_where("_l1")),
        "backward: reverse direction": Condition(lambda c: c.bidirectional, wrong_where("_reverse")),
        "forward: first step": Condition(always, wrong_at_step(0, "output")),
        "forward: last step": Condition(always, wrong_at_step(-1, "output")),
        "backward: dL/dx of the first step": Condition(always, wrong_at_step(0, "d_x")),
        "backward: dL/dx of the last step": Condition(always, wrong_at_step(-1, "d_x")),
        "call: every second run": Condition(always, wrong_at_every_second_run),
    }
)
"""Every generic mutant by what it is wrong at."""


class Conditional(Struct):
    """A subject that is wrong under one condition."""

    subject: Subject
    mutant: str
    runs: int = 0

    @property
    def name(self) -> str:
        """That of the subject, with what is wrong."""
        return f"{self.subject.name}, wrong at {self.mutant}"

    @property
    def description(self) -> str:
        """What is wrong."""
        return f"off by {ERROR:.0%} at {self.mutant}"

    @property
    def library(self) -> str:
        """That of the subject."""
        return getattr(self.subject, "library", "")

    def run(self, problem: Problem) -> Observation:
        """Run the subject, and spoil what it shows where the condition holds."""
        self.runs += 1
        shown, condition = self.subject.run(problem), MUTANTS[self.mutant]
        with np.errstate(all="ignore"):
            return condition.harm(problem, shown, self.runs) if condition.holds(problem.case) else shown


UNMET = "it is met by no case on which the subject agrees"


class OwnPower(Struct):
    """What a suite would catch in a subject.

    `caught` names the first case that shows a mutant, `missed` says why none did. `refused` are those for which the
    subject supports no case. `wrong` are cases on which the subject itself doesn't agree, which prove nothing.
    """

    cases: int
    caught: dict[str, str] = field(default_factory=dict)
    missed: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    wrong: set[str] = field(default_factory=set)


def own_power(subject: Subject, cases: Sequence[Case]) -> Iterator[OwnPower]:
    """Yield the measurement after every mutant of `subject`, each put to the cases that meet its condition.

    A case counts on which the subject itself agrees. What a subject doesn't show can't be wrong: such a mutant is left
    out.
    """
    power, verdicts = OwnPower(cases=len(cases)), dict[str, Verdict]()
    for mutant, condition in MUTANTS.items():
        reason = UNMET
        for case in filter(condition.holds, cases):
            if case.id not in verdicts:
                verdicts[case.id] = verdict_on(case, subject)
            if verdicts[case.id] == "unsupported":
                continue
            if verdicts[case.id] != "agrees":
                power.wrong.add(case.id)
            elif not changes(subject, mutant, case):
                reason = "" if reason == UNMET else reason
            elif verdict_on(case, Conditional(subject, mutant)) == "differs":
                power.caught[mutant] = case.id
                break
            else:
                reason = "cases meet it, and none shows it"
        else:
            met = [verdicts[case.id] for case in cases if condition.holds(case)]
            if met and set(met) == {"unsupported"}:
                power.refused.append(mutant)
            elif reason:
                power.missed[mutant] = reason
        yield power


def changes(subject: Subject, mutant: str, case: Case) -> bool:
    """Return whether a mutant shows anything else on a case than the subject does, in its first two runs."""
    problem, wrong = problem_of(case), Conditional(subject, mutant)
    try:
        with np.errstate(all="ignore"):
            right = subject.run(problem)
            return not all(same(wrong.run(problem), right) for _ in range(2))
    except Unsupported:
        return False
