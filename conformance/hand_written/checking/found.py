"""All that a check found about a network that ran, before it is put in words."""

from collections.abc import Sequence

from msgspec import Struct

from conformance.cases.head import HEAD_BIAS, HEAD_WEIGHT
from conformance.hand_written.calling.binding import Binding
from conformance.hand_written.calling.gates.wording import network_of
from conformance.hand_written.calling.interface import Attempt
from conformance.hand_written.checking.choosing import Candidate
from conformance.hand_written.checking.declared import Declared
from conformance.hand_written.checking.outcome import Outcome
from conformance.hand_written.checking.own_loss import OwnLoss
from conformance.hand_written.diagnosis import Diagnosis
from conformance.hand_written.mending.mend import Mend
from conformance.judge import Finding
from conformance.record.check import ConsistencyRecord, ContractFinding, PartRecord


class Found(Struct, frozen=True, kw_only=True):
    """All that was found about a network that ran.

    Attributes
    ----------
    candidate
        The way of calling it, what it showed, and what that came to.
    diagnosis
        Its mistakes; None where nothing is wrong.
    declared
        The loss that its code declares, where that could be called.
    right_from_zero
        Whether all this is about a start from another h_0, and all is right from h_0 = 0.
    right_for
        For how many steps it is right, where it goes wrong in longer sequences; else 0.
    excuse
        Why gradients that differ aren't held against it, in words: it isn't established which loss they are of, or its
        source calls them an approximation; empty where they may be called wrong.
    consistency
        Its gradients next to its own forward pass, where that isn't torch's.
    wrong_later
        What a further, equal call gives that is wrong, in words; empty where all are right.
    as_written
        What it limits as it is written, and that was lifted.
    own_loss
        A loss that its code computes, whose gradients its own are where those of the loss that it was asked for aren't,
        or are not where those are.
    mend
        What makes a wrong backward pass right, or where it goes wrong first; None where nothing of that was looked for.
    """

    candidate: Candidate
    diagnosis: Diagnosis | None
    declared: Declared | None
    right_from_zero: bool
    right_for: int
    excuse: str
    consistency: ConsistencyRecord | None
    parts: Sequence[PartRecord]
    contracts: Sequence[ContractFinding]
    wrong_later: str = ""
    as_written: Sequence[str] = ()
    own_loss: OwnLoss | None = None
    mend: Mend | None = None

    @property
    def name(self) -> str:
        """What the network is called."""
        return self.candidate.bound.name

    @property
    def established(self) -> bool:
        """Whether gradients that differ may be called wrong."""
        return not self.excuse

    @property
    def network(self) -> str:
        """Which network it is held against."""
        return network_of(self.candidate.case)

    @property
    def uncalled(self) -> Sequence[Attempt]:
        """What reads like a backward pass and could not be called; empty where one was."""
        bound = self.candidate.bound
        return bound.uncalled if isinstance(bound, Binding) else ()

    @property
    def forward_is_ours(self) -> bool:
        """Whether it is a backward pass alone, handed states and outputs of the reference."""
        bound = self.candidate.bound
        return isinstance(bound, Binding) and bound.forward_is_ours

    @property
    def contradicted(self) -> str:
        """What speaks against a network that agrees, in words: another backward pass of it, or another setting."""
        return self.denied or self.candidate.bound.contradicted

    @property
    def denied(self) -> str:
        """What speaks against it whatever else is right, in words."""
        bound = self.candidate.bound
        return bound.denied if isinstance(bound, Binding) else ""

    @property
    def withheld(self) -> bool:
        """Whether its gradients are right in local variables, which nobody gets."""
        bound = self.candidate.bound
        return isinstance(bound, Binding) and bound.withheld

    @property
    def stepwise(self) -> bool:
        """Whether a single step was called, in loops of ours."""
        bound = self.candidate.bound
        return isinstance(bound, Binding) and bound.stepwise

    @property
    def unrun(self) -> Sequence[Attempt]:
        """The loops over time that were asked about, and in whose place a single step was judged."""
        bound = self.candidate.bound
        return bound.unrun if isinstance(bound, Binding) else ()

    @property
    def unshown(self) -> Sequence[str]:
        """The parameters whose gradients its backward pass should give and does not show; empty where it shows none."""
        if not self.candidate.answer.tidied.observation.parameters:
            return ()
        bound, names = self.candidate.bound, self.candidate.unshown
        if not isinstance(bound, Binding):
            return names
        lacks = self.candidate.lacks
        if bound.loss is not None and bound.loss.kind == "dL/dh":
            lacks += [HEAD_WEIGHT, HEAD_BIAS]  # its backward pass begins below the head
        return [name for name in names if name not in lacks]

    @property
    def should_be_shown(self) -> bool:
        """Whether nobody said which gradients it shows, so that one that isn't found may be one that is no gradient."""
        return isinstance(self.candidate.bound, Binding) and not self.candidate.bound.stated

    @property
    def outputs_differ(self) -> bool:
        """Whether the states are right and what the head makes of them isn't, which the gradients alone may tell."""
        choices = None if self.diagnosis is None else self.diagnosis.choices
        return choices is not None and "head_input" in choices.departures()

    @property
    def reported(self) -> Sequence[Finding]:
        """The findings that may be told: where it isn't known what a backward pass was asked, none of it."""
        return self.outcome.judged.findings if self.established else self.outcome.judged.of_phase("forward")

    @property
    def right_by_its_own(self) -> bool:
        """Whether its gradients are those of a loss that its code computes, which isn't the one it was asked for."""
        return self.own_loss is not None and self.own_loss.agrees

    @property
    def outcome(self) -> Outcome:
        """What the run came to."""
        return self.candidate.outcome

    @property
    def complaints(self) -> Sequence[str]:
        """What has a wrong shape or name, in sentences; of what was found by trying, gradients of parameters alone.

        Where anything else lies, and how, is a guess then.
        """
        told = self.candidate.answer.tidied.complaints
        bound = self.candidate.bound
        if not isinstance(bound, Binding) or bound.stated:
            return told
        return [complaint for complaint in told if complaint.startswith("parameters[")]
