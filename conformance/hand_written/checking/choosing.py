"""Which way of calling a network its check goes by, when several run: the one that accuses it of least.

A wrong binding makes a right network look wrong. So a binding under which everything agrees ends the search; only where
none does is any mistake named, and then by the binding that needs fewest.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from msgspec import Struct, structs

from conformance.cases import Case
from conformance.cases.head import HEAD_BIAS
from conformance.hand_written.calling import Bound
from conformance.hand_written.calling.backwards.entries import OWN_LOSS
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.checking.answering import Answer, answer_on
from conformance.hand_written.checking.outcome import Outcome, outcome_of
from conformance.hand_written.checking.precision import constant_inside, is_rounding
from conformance.hand_written.checking.running import CaughtWarnings, Failure, attempt
from conformance.hand_written.checking.updates import LARGE, finer, read_off


class Candidate(Struct, frozen=True, kw_only=True):
    """One binding that ran on a case, and what it came to."""

    bound: Bound
    case: Case
    answer: Answer
    outcome: Outcome
    caught: CaughtWarnings
    inside: float = 0.0  # a constant, too small for float32, that its activation adds to what goes into it

    @property
    def settled(self) -> bool:
        """Whether forward and backward agree in every parameter, so that no other binding can do better."""
        withheld = isinstance(self.bound, Binding) and self.bound.withheld
        return self.outcome.agrees and self.outcome.backward is not None and not self.missing and not withheld

    @property
    def missing(self) -> int:
        """How many parameters' gradients aren't shown, one of two biases aside, and those that it has not."""
        return len([name for name in self.unshown if name not in self.lacks])

    @property
    def lacks(self) -> list[str]:
        """The parameters that the network was found not to have, so that it can show no gradient of them."""
        if not isinstance(self.bound, Binding):
            return []
        cell = [] if self.bound.traits.cell_bias else [n for n in self.unshown if n.startswith("bias")]
        return [*cell, *([] if self.bound.traits.head_bias else [HEAD_BIAS])]

    @property
    def unshown(self) -> list[str]:
        """The parameters whose gradients aren't shown, one of two biases aside."""
        shown = {_one_bias(name) for name in self.answer.tidied.observation.parameters}
        wanted = dict.fromkeys(map(_one_bias, self.answer.truth.problem.parameters))
        return [name for name in wanted if name not in shown]

    @property
    def shows_its_loss_alone(self) -> bool:
        """Whether it is another network that shows nothing but a loss and the gradients of its own parameters."""
        return self.bound.loss is not None and self.bound.loss.kind == OWN_LOSS

    @property
    def differs(self) -> bool:
        """Whether anything is wrong beyond doubt."""
        return "differs" in (self.outcome.forward, self.outcome.backward) or bool(
            self.answer.tidied.by_sample
        )

    @property
    def blame(self) -> tuple[bool, int, int]:
        """What speaks against this binding: a wrong forward pass, gradients that are missing, wrong results."""
        wrong = sum(finding.verdict == "differs" for finding in self.outcome.judged.findings)
        return self.outcome.forward == "differs", self.missing, wrong


def _one_bias(name: str) -> str:
    return name.replace("bias_hh", "bias_ih")


def judged_on(
    case: Case, bound: Bound, caught: CaughtWarnings, *, inside: float = 0.0
) -> Candidate | Failure:
    """Ask `bound` the problem of `case` and judge what it shows; `inside` is known of its activation from another."""
    answer = answer_on(bound, case, caught)
    if isinstance(answer, Failure):
        return answer
    outcome = outcome_of(answer.truth, answer.tidied.observation)
    found = Candidate(bound=bound, case=case, answer=answer, outcome=outcome, caught=caught, inside=inside)
    exactly = outcome.agrees and outcome.precision == "double"
    return _without_excuse(found if exactly or outcome.forward == "differs" else _read_finely(found))


def _without_excuse(candidate: Candidate) -> Candidate:
    """Return the same judged in double precision, where float32's noise would cover what isn't rounding at all."""
    outcome, tidy = candidate.outcome, candidate.answer.tidied
    if outcome.precision == "double" or tidy.lowered:
        return candidate
    if candidate.inside or is_rounding(candidate.bound, candidate.case, outcome, candidate.caught):
        return candidate
    if inside := constant_inside(candidate.answer.truth, tidy.observation):
        return structs.replace(candidate, inside=inside)
    return structs.replace(
        candidate, outcome=outcome_of(candidate.answer.truth, tidy.observation, single=False)
    )


def _read_finely(candidate: Candidate) -> Candidate:
    """Return the same with gradients read off a large update as well, where they don't depend on its size."""
    bound, truth, tidy = candidate.bound, candidate.answer.truth, candidate.answer.tidied
    if not isinstance(bound, Binding) or bound.rate is None:
        return candidate
    shown = attempt(read_off(bound, LARGE), truth.problem, candidate.caught)
    if isinstance(shown, Failure):
        return candidate
    parameters = finer(tidy.observation.parameters, shown.parameters, truth.problem.parameters)
    finest = replace(tidy.observation, parameters=parameters)
    return structs.replace(
        candidate,
        answer=Answer(truth=truth, tidied=structs.replace(tidy, observation=finest)),
        outcome=outcome_of(truth, finest),
    )


class Choice(Struct, frozen=True, kw_only=True):
    """What a search over bindings came to: the candidates in the order in which they were found, and failures."""

    candidates: tuple[Candidate, ...]
    failures: tuple[tuple[Bound, Failure], ...]


def choose(bounds: Iterable[Bound], enough: Callable[[], bool] = lambda: False) -> Choice:
    """Run bindings until one settles it, or `enough` says so, or there are no more."""
    candidates: list[Candidate] = []
    failures: list[tuple[Bound, Failure]] = []
    for bound in bounds:
        candidate = judged_on(bound.problem_case, bound, CaughtWarnings())
        if isinstance(candidate, Failure):
            failures.append((bound, candidate))
        else:
            candidates.append(candidate)
            if candidates[-1].settled:
                return Choice(candidates=(candidates[-1],), failures=())
        if enough():
            break
    return Choice(candidates=tuple(candidates), failures=tuple(failures))
