"""Gradients held against the network's own forward pass, where that isn't torch's: what they come to, in a record."""

from msgspec.structs import replace

from conformance.examination.recording import quantity_records
from conformance.hand_written.calling import Binding, Bound
from conformance.hand_written.checking import parts
from conformance.hand_written.checking.anchoring import (
    NOT_ESTABLISHED,
    OF_ANOTHER_LOSS,
    established_by_its_own,
    for_so_many_steps,
    steps_that_deny,
    up_to_how_many_steps,
)
from conformance.hand_written.checking.choosing import Candidate
from conformance.hand_written.checking.consistency import Consistency, consistency
from conformance.hand_written.checking.meant import meant_otherwise
from conformance.hand_written.checking.own_loss import loss_of_another
from conformance.hand_written.checking.running import Failure, attempt
from conformance.hand_written.checking.single_steps import is_stepwise
from conformance.record import FREE_RUN, exact
from conformance.record.check import ConsistencyRecord


def by_its_own(candidate: Candidate) -> tuple[ConsistencyRecord, str]:
    """Judge the gradients of a network by its own forward pass; return in words what denies them elsewhere as well."""
    bound, caught = candidate.bound, candidate.caught
    own = attempt(lambda bound: consistency(bound.own_forward()), bound, caught)
    if isinstance(own, Failure):
        return ConsistencyRecord(agrees=None, reason=own.reason, method="", factor=1.0, quantities=[]), ""
    agrees = {"agrees": True, "differs": False}.get(own.verdict)
    reason = "" if agrees is not None else "the numerical gradient is too uncertain, or there is none"
    handed = bound.loss is not None and bound.loss.kind.startswith("dL/")  # then it is known which loss it is
    if agrees is False and own.of_some_loss and not handed:
        agrees, reason = None, OF_ANOTHER_LOSS
    if agrees is False and not established_by_its_own(candidate, own):
        agrees, reason = None, NOT_ESTABLISHED
    by_loss = None if own.goes_wrong_later else loss_of_another(candidate)
    if by_loss is not None and by_loss.agrees:
        agrees, reason = True, ""
    elif by_loss is not None and agrees:
        agrees, reason = None, f"they are those of another loss than the one that {by_loss.name}"
    if agrees is False and (said := meant_otherwise(candidate, None)):
        agrees, reason = None, said
    if agrees is not None and (missing := _not_handed_out(bound)):
        agrees, reason = None, missing
    denied = _denied(candidate, own) if agrees else ""
    if denied:
        agrees, reason = None, denied
    record = ConsistencyRecord(
        agrees=agrees,
        reason=reason,
        method=own.method,
        factor=exact(own.factor),
        steps=up_to_how_many_steps(candidate) if agrees is False else "",
        quantities=[
            replace(row, quantity=row.quantity.removesuffix(FREE_RUN))
            for row in (quantity_records(own.findings) if own.verdict != "differs" or not agrees else ())
        ],
    )
    return record, denied


def _denied(candidate: Candidate, own: Consistency) -> str:
    """Return in words what denies gradients that agree on the network's own case.

    From another initial state and on longer sequences they are asked again where they agree with its own forward pass,
    and not with a loss alone.
    """
    bound = candidate.bound
    if not isinstance(bound, Binding):
        return ""
    denied = bound.denied or bound.contradicted
    if denied or own.verdict != "agrees" or is_stepwise(candidate):
        return denied
    own_steps = candidate.case.steps
    elsewhere = for_so_many_steps(candidate, own_steps) if bound.takes_h_0 else None
    if elsewhere is not None and elsewhere.is_clearly_wrong:
        return "from an initial state of zeros they agree with it, from another one they don't"
    steps = steps_that_deny(candidate, parts.longer(bound))
    return f"for T = {own_steps} they agree with it, for T = {steps} they don't" if steps else ""


def _not_handed_out(bound: Bound) -> str:
    """Return in words which gradients of its own parameters nobody gets."""
    if not isinstance(bound, Binding) or bound.own is None:
        return ""
    if bound.withheld:
        return "they are right in local variables, but a caller doesn't get them"
    missing = [name for name in bound.own.parameters if name not in bound.own.gradients]
    return f"{', '.join(missing)} has none that was found" if missing else ""
