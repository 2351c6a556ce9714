"""A network checked under every way of calling it that was found: chosen among them, judged, and told in a record."""

import math
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace as replaced

from conformance.faults.seams import FORWARD
from conformance.hand_written.budget import Budget
from conformance.hand_written.calling import Binding, Bound
from conformance.hand_written.calling.backwards.softening import with_its_limits
from conformance.hand_written.checking import parts
from conformance.hand_written.checking.anchoring import (
    NOT_ESTABLISHED,
    OF_ANOTHER_LOSS,
    are_of_some_loss,
    established,
    is_handed_over,
    is_read_by_its_head,
    is_right_in_its_parameters,
)
from conformance.hand_written.checking.as_written import as_written
from conformance.hand_written.checking.by_its_own import by_its_own
from conformance.hand_written.checking.choosing import Candidate, choose, judged_on
from conformance.hand_written.checking.compose import judged_record
from conformance.hand_written.checking.constant import AS_ASKED
from conformance.hand_written.checking.contracts import contracts, of_precision
from conformance.hand_written.checking.declared import Declared
from conformance.hand_written.checking.diagnosing import diagnosed, show_the_same
from conformance.hand_written.checking.found import Found
from conformance.hand_written.checking.further_calls import FurtherCalls
from conformance.hand_written.checking.in_turn import goes_wrong_in_turn
from conformance.hand_written.checking.losses import SOFTMAX, by_another_loss, loss_of
from conformance.hand_written.checking.meant import meant_otherwise
from conformance.hand_written.checking.mended import with_mend
from conformance.hand_written.checking.other_inputs import (
    agrees_with_repeated_words,
    asked_beyond_its_limits,
    asked_other_lengths,
)
from conformance.hand_written.checking.outcome import without
from conformance.hand_written.checking.own_loss import OwnLoss, loss_beside, own_loss
from conformance.hand_written.checking.scale import Scale
from conformance.hand_written.checking.single_steps import alone, is_stepwise, of_single_steps, takes_one_step
from conformance.hand_written.diagnosis import Diagnosis
from conformance.hand_written.diagnosis.diagnose import MOST
from conformance.hand_written.diagnosis.search import DEEPEST
from conformance.hand_written.request import Request, failed_record, out_of_time_record
from conformance.record.check import CheckRecord, ConsistencyRecord, PartRecord

Progress = Callable[[str], None]

MOST_DIAGNOSED = 4
"""Ways of calling one network whose mistakes are searched for, those with the fewest wrong results first."""


def checked(
    bounds: Iterable[Bound],
    question: Request,
    progress: Progress = lambda _: None,
    *,
    may_be_another: bool = False,
) -> CheckRecord | None:
    """Check a network under every binding until one settles it, and return everything found; None without any.

    Of one that `may_be_another` than torch's, no mistake of the forward pass is looked for.
    """
    progress("judging it on its own case")
    choice = choose(bounds)
    if not choice.candidates and not choice.failures:
        return None
    if not choice.candidates:
        bound, failure = choice.failures[0]
        ended = f"{bound.name} gave nothing: {failure.reason}"
        if failure.late:
            return out_of_time_record(question, ended)
        return failed_record(question, ended, bound.notes)
    best = min(choice.candidates, key=lambda candidate: candidate.blame)
    if may_be_another and best.outcome.forward == "differs":
        checkup = Checkup(candidate=best, progress=progress)
    else:
        checkup = accused_of_least(choice.candidates, progress)
    found = checkup.found()
    return judged_record(question, with_mend(found, progress, mend=question.mend))


def accused_of_least(candidates: Sequence[Candidate], progress: Progress) -> "Checkup":
    """Return the candidate with the fewest mistakes: none at all first, then the fewest that are named.

    Where the gradient of the output seems to enter at a wrong step, it may be the question that is wrong: asked for a
    loss on the last step alone, code that takes a gradient for every step walks a single one. So a way of calling it
    under which that gradient enters where it should is believed before one with as many mistakes. A way of calling it
    that can't do with fewer is not searched.
    """
    asked = sorted(of_single_steps(candidates), key=lambda c: c.blame)
    plain = [Checkup(candidate=c, progress=progress) for c in asked]
    for checkup in plain:
        if not checkup.candidate.differs:
            return checkup.by_the_loss_it_declares().from_another_start().in_a_longer_sequence()
    found: list[Checkup] = []
    budget = Budget(most=1.5 * MOST)
    for checkup in plain[:MOST_DIAGNOSED]:
        if any(each.leaves_nothing_to(checkup) for each in found):
            continue
        progress("searching for the mistake")
        part = budget.part(MOST)  # for this one; the rest for those that follow
        deepest = min((each.mistakes for each in found), default=DEEPEST)
        diagnosis = diagnosed(checkup.candidate, progress, part, int(min(deepest, DEEPEST)))
        found.append(replaced(checkup, diagnosis=diagnosis))
        if found[-1].mistakes <= 1 and not found[-1].misplaced:
            break
    return min(found, key=lambda checkup: (checkup.misplaced, checkup.mistakes)).of_a_step()


def has_right_states(candidate: Candidate) -> bool:
    """Return whether some states that an adapter or a module shows are torch's, so that it is no other network.

    What else differs in its forward pass is a mistake then: an output that isn't made of these states, say.
    """
    findings = candidate.outcome.judged.of_phase("forward")
    right = any(f.verdict == "agrees" and f.comparison.quantity in ("h", "h_n") for f in findings)
    return right and is_handed_over(candidate)


class Checkup(Struct, frozen=True, kw_only=True):
    """Everything that is tried with one candidate, and what is known of its mistakes."""

    candidate: Candidate
    progress: Progress
    diagnosis: Diagnosis | None = None
    right_from_zero: bool = False
    right_for: int = 0  # steps, where it goes wrong in longer sequences
    again: FurtherCalls | None = None  # what further calls gave, where they were made
    as_declared: bool = (
        False  # by the loss that the code declares, which isn't the one that its gradients are of
    )

    @property
    def mistakes(self) -> float:
        """How many mistakes are named, infinite where none could be."""
        explained = self.diagnosis is not None and self.diagnosis.explained
        return len(self.diagnosis.faults) if explained else math.inf

    @property
    def misplaced(self) -> bool:
        """Whether the gradient of the output enters at another step than it is asked at, or nothing is explained."""
        choices = None if self.diagnosis is None else self.diagnosis.choices
        return choices is None or "entry" in choices.departures()

    def leaves_nothing_to(self, other: "Checkup") -> bool:
        """Return whether mistakes searched for under another way of calling it would be these, or these and more.

        Where the head's gradients show which dL/dy the code goes by, it has its mistakes under every other reading of
        the loss too, and one in the head besides.
        """
        one, another = self.candidate, other.candidate
        if show_the_same(one, another):
            return True
        return not self.misplaced and is_read_by_its_head(one, another)

    def by_the_loss_it_declares(self) -> "Checkup":
        """Return the check by the loss that the code declares, where its gradient is right for another one.

        Nothing less than a mistake that reproduces every gradient is held against it.
        """
        other = by_another_loss(self.candidate.bound)
        if other is None or self._declared() is not None:
            return self
        if loss_of(other, self.candidate.answer.truth, methods=True) is None:
            return self
        judged = judged_on(self.candidate.case, other, self.candidate.caught)
        if not isinstance(judged, Candidate) or not judged.differs:
            return self
        found = diagnosed(judged, self.progress)
        return (
            replaced(self, candidate=judged, diagnosis=found, as_declared=True) if found.explained else self
        )

    def from_another_start(self) -> "Checkup":
        """Return the check of the same network from an h_0 that isn't 0, where it goes wrong only then.

        Where its forward pass differs from there, the mistake must be named: it might start from a state of its own
        rightly. Otherwise return this one.
        """
        other = parts.from_another_start(self.candidate)
        if not isinstance(other, Candidate) or not other.differs:
            return self
        self.progress("searching for the mistake")
        found = diagnosed(other, self.progress)
        if other.outcome.forward == "differs" and not found.explained:
            return self
        return replaced(self, candidate=other, diagnosis=found, right_from_zero=True)

    def of_a_step(self) -> "Checkup":
        """Return the check of one step that is wrong by itself, where our loop around it may be as well."""
        explained = self.diagnosis is not None and self.diagnosis.explained
        step = None if explained or not is_stepwise(self.candidate) else alone(self.candidate)
        if step is None or not step.differs:
            return self
        return replaced(self, candidate=step, diagnosis=diagnosed(step, self.progress))

    def in_a_longer_sequence(self) -> "Checkup":
        """Return the check of the same network on a longer sequence, where it goes wrong only there."""
        if self.candidate.differs or not self.candidate.outcome.agrees or takes_one_step(self.candidate):
            return self
        again = self._contracts()
        if again.wrong:  # the number of calls would pass for that of steps
            return replaced(self, again=again)
        self.progress("judging it on longer sequences")
        other = parts.of_a_longer_sequence(self.candidate)
        if other is None:
            return replaced(self, again=replaced(again, wrong=goes_wrong_in_turn(self.candidate)))
        return replaced(self, candidate=other, right_for=self.candidate.case.steps, again=again)

    def found(self) -> Found:
        """Return all that is found about it."""
        candidate = self._with_other_inputs()
        own, denied = (
            self._by_its_own(candidate)
            if candidate.shows_its_loss_alone
            or (candidate.outcome.forward == "differs" and not has_right_states(candidate))
            else (None, "")
        )
        if denied and isinstance(candidate.bound, Binding):
            candidate = replaced(candidate, bound=replaced(candidate.bound, denied=denied))
        again = self.again or self._contracts()
        by_itself = self._own_loss()
        if by_itself is not None and by_itself.agrees:
            candidate = _with_other_passes(candidate)
        excuse = self._excuse(by_itself)
        if not excuse:
            candidate = _without_its_constant(candidate, self.diagnosis)
        return Found(
            candidate=candidate,
            diagnosis=self.diagnosis if not excuse or self._forward_is_known else None,
            declared=self._declared(),
            right_from_zero=self.right_from_zero,
            right_for=self.right_for,
            excuse=excuse,
            consistency=own,
            parts=self._parts() if not excuse and (own is None or self._forward_is_known) else (),
            contracts=[
                of_precision(candidate.answer.tidied, candidate.outcome, candidate.inside),
                *again.contracts,
            ],
            wrong_later=again.wrong or self._wrong_with_repeated_words(),
            as_written=as_written(candidate),
            own_loss=by_itself,
        )

    def _wrong_with_repeated_words(self) -> str:
        """Return in words what goes wrong where words of a table occur twice, empty where nothing does."""
        candidate, bound = self.candidate, self.candidate.bound
        agrees = candidate.outcome.agrees and candidate.outcome.backward is not None
        if not (agrees and isinstance(bound, Binding) and agrees_with_repeated_words(bound) is False):
            return ""
        return (
            "goes wrong where a word occurs twice: its gradients don't agree with its own forward pass then"
        )

    def _with_other_inputs(self) -> Candidate:
        """Return the candidate with what is known of it on other inputs, and of losses that it returns elsewhere."""
        candidate, bound = self.candidate, self.candidate.bound
        outcome = candidate.outcome
        may_be_right = outcome.forward == "differs" or (outcome.agrees and outcome.backward is not None)
        if not isinstance(bound, Binding) or not may_be_right:
            return candidate
        return _with_losses_beside(
            candidate, asked_beyond_its_limits(asked_other_lengths(bound, candidate.answer.truth))
        )

    def _excuse(self, by_itself: OwnLoss | None) -> str:
        """Return why gradients that differ aren't held against it, in words; empty where they are."""
        candidate = self.candidate
        if candidate.outcome.backward != "differs":
            return ""
        said = meant_otherwise(candidate, self.diagnosis)
        if said or is_right_in_its_parameters(candidate):
            return said
        if isinstance(candidate.bound, Binding) and candidate.bound.entangled:
            return candidate.bound.entangled
        if by_itself is not None and by_itself.agrees:
            return NOT_ESTABLISHED
        if not self.right_for and not established(candidate, self.diagnosis):
            return NOT_ESTABLISHED
        denied = self.as_declared or by_itself is not None
        may_be = candidate.outcome.forward != "differs" and not denied
        return OF_ANOTHER_LOSS if may_be and are_of_some_loss(candidate) else ""

    @property
    def _forward_is_known(self) -> bool:
        """Whether what its forward pass shows is reproduced, if nothing else is."""
        return self.diagnosis is not None and self.diagnosis.forward is not None

    def _declared(self) -> Declared | None:
        """Look for a loss that the code declares, where the loss enters its backward pass by targets."""
        bound = self.candidate.bound
        if (
            bound.loss is None
            or bound.loss.kind not in AS_ASKED
            or self.candidate.outcome.forward == "differs"
        ):
            return None
        self.progress("looking for the loss that it declares")
        return loss_of(bound, self.candidate.answer.truth)

    def _own_loss(self) -> OwnLoss | None:
        """Look for a loss of its own: of its gradients where they differ, or that denies them where they agree."""
        candidate = self.candidate
        kind = "" if candidate.bound.loss is None else candidate.bound.loss.kind
        agrees = candidate.outcome.agrees and candidate.outcome.backward is not None
        differs = candidate.outcome.backward == "differs" and not self.right_for
        choices = None if self.diagnosis is None else self.diagnosis.choices
        if choices is not None and any(seam in FORWARD for seam in choices.departures()):
            return None  # what its outputs are made of is wrong, whatever the loss makes of them
        if differs and is_right_in_its_parameters(candidate):
            return None
        if kind not in AS_ASKED or not (differs or agrees):
            return None
        declares = agrees and self._declared() is not None
        self.progress("differentiating its own loss")
        if isinstance(candidate.bound, Binding):
            # A loss is about what is written, clips included; and about probabilities only with targets that are some.
            crossed = candidate.bound.traits.crossed or candidate.bound.loss.outputs == SOFTMAX
            traits = replaced(candidate.bound.traits, crossed=crossed)
            plain = replaced(with_its_limits(candidate.bound), traits=traits)
            judged = (
                candidate if plain == candidate.bound else judged_on(candidate.case, plain, candidate.caught)
            )
            candidate = judged if isinstance(judged, Candidate) else candidate
        found = own_loss(candidate, returned=declares)
        return found if found is not None and found.agrees == differs else None

    def _parts(self) -> list[PartRecord]:
        """Judge the network from another initial state, where its case has none, and for a single step."""
        self.progress("judging it in other settings")
        candidate = self.candidate
        start, step = parts.from_another_start(candidate), parts.of_a_single_step(candidate)
        declares = self._declared() is not None
        found = [] if start is None else [parts.start_record(candidate.case, start, declares=declares)]
        if step is not None:
            looped = candidate.outcome.backward == "differs" or candidate.outcome.forward == "differs"
            found.append(parts.cell_record(candidate.case, step, loop_differs=looped, declares=declares))
        return found

    def _contracts(self) -> FurtherCalls:
        self.progress("calling it again and again")
        candidate = self.candidate
        return contracts(candidate.bound, candidate.answer.truth.problem, candidate.outcome, candidate.caught)

    def _by_its_own(self, candidate: Candidate) -> tuple[ConsistencyRecord, str]:
        self.progress("differentiating its own forward pass")
        return by_its_own(candidate)


def _with_other_passes(candidate: Candidate) -> Candidate:
    """Return the candidate whose gradients are those of its own loss with what is known of its other passes."""
    bound = candidate.bound
    if not isinstance(bound, Binding) or bound.with_others is None:
        return candidate
    return _with_losses_beside(candidate, bound.with_others())


def _with_losses_beside(candidate: Candidate, bound: Binding) -> Candidate:
    """Return the candidate, bound with more that is known, and with what the losses of its other passes deny."""
    denied = bound.denied or loss_beside(bound, candidate.answer.truth)
    return replaced(candidate, bound=replaced(bound, denied=denied))


def _without_its_constant(candidate: Candidate, diagnosis: Diagnosis | None) -> Candidate:
    """Return the candidate judged without the constant that all its gradients carry beside the mistakes of a diagnosis.

    So what is right up to that isn't told as wrong.
    """
    if (
        diagnosis is None
        or not diagnosis.explained
        or diagnosis.scale == 1
        or candidate.outcome.scale is not None
    ):
        return candidate
    scale = Scale(factor=diagnosis.scale, name=diagnosis.scale_name, steps=True)
    outcome = without(candidate.outcome.judged, scale, candidate.outcome.precision)
    return replaced(candidate, outcome=outcome) if outcome.backward == "differs" else candidate
