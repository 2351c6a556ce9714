"""The verdict of a check as one word and as a sentence."""

from collections.abc import Sequence

from conformance.faults.seams import FORWARD
from conformance.hand_written.calling.binding import is_stated
from conformance.hand_written.calling.interface import Attempt
from conformance.hand_written.checking.anchoring import NOT_ESTABLISHED
from conformance.hand_written.checking.found import Found
from conformance.hand_written.checking.outcome import Outcome
from conformance.hand_written.diagnosis import Diagnosis
from conformance.judge import Finding
from conformance.judge.comparison import Phase
from conformance.record.check import CheckVerdict, ConsistencyRecord, ScaleRecord, named_gradient

AGREES = ("conforms", "conforms-up-to-a-constant", "forward-conforms", "gradients-conform")
"""The verdicts on what agrees as far as it was judged."""


FORWARD_IS_OURS = (
    "It has no forward pass that could be called, so states and outputs of ours were handed to it, and only its "
    "gradients were judged."
)


def verdict_of(found: Found, constant: ScaleRecord | None) -> CheckVerdict:
    """Return the verdict on what was found, `constant` being the one that all gradients carry.

    Where a single step was judged in place of a loop over time that did not run, it says nothing of that loop.
    """
    verdict = _of_what_ran(found, constant)
    if not found.unrun:
        return verdict
    return "step-conforms" if verdict in AGREES else "undecided"


def _of_what_ran(found: Found, constant: ScaleRecord | None) -> CheckVerdict:
    """Return the verdict on what was called.

    A forward pass that differs is a mistake where it is known as one, or where someone said that it is torch's; with
    another activation, or unknown, it is that of another network, whose gradients are held against itself.
    """
    outcome, diagnosis = found.outcome, found.diagnosis
    if found.right_for and found.established:
        return "differs"
    mistaken = diagnosis is not None and _is_known(diagnosis) and not _another_activation(diagnosis)
    if not mistaken and _is_another(found):
        return "another-network"
    spoiled = found.complaints or found.wrong_later or found.unshown or found.contradicted
    if found.right_by_its_own and not spoiled:
        return "conforms"
    wrong_backward = outcome.backward == "differs" and found.established
    if outcome.forward == "differs" or wrong_backward or found.complaints or found.wrong_later:
        return "differs"
    return _of_what_agrees(found, constant)


def _of_what_agrees(found: Found, constant: ScaleRecord | None) -> CheckVerdict:
    """Return the verdict where nothing is known to be wrong."""
    denied = found.withheld or found.contradicted or found.own_loss is not None
    if not found.outcome.agrees or denied or (found.unshown and found.should_be_shown):
        return "undecided"
    if found.outcome.backward is None:
        return "forward-conforms"
    if found.forward_is_ours:
        return "gradients-conform"
    return "conforms" if constant is None else "conforms-up-to-a-constant"


def _is_another(found: Found) -> bool:
    """Tell whether a network whose forward pass has no known mistake is held against itself."""
    own = found.consistency
    held = own is not None and (own.agrees is not None or own.reason == NOT_ESTABLISHED)
    return held or (found.outcome.forward == "differs" and not is_stated(found.candidate.bound))


def _is_known(diagnosis: Diagnosis) -> bool:
    """Return whether a diagnosis reproduces everything, or a forward pass at least."""
    return diagnosis.explained or diagnosis.forward is not None


def _another_activation(diagnosis: Diagnosis) -> bool:
    """Return whether nothing but another activation tells the forward pass of a diagnosis from torch.nn.RNN's."""
    choices = diagnosis.choices or diagnosis.forward
    wrong = {} if choices is None else choices.departures()
    forward = {seam: choice for seam, choice in wrong.items() if seam in FORWARD}
    return set(forward) == {"activation"} and forward["activation"] != "halved"


def headline(found: Found, verdict: CheckVerdict, constant: ScaleRecord | None) -> str:
    """Return the verdict as a sentence."""
    name, outcome, own = found.name, found.outcome, found.consistency
    match verdict:
        case "differs":
            text = _accusation(found)
        case "another-network":
            gradients = "" if own is None else f" {gradients_of_its_own(own)}."
            other = f"is not torch.nn.RNN{_as_a_step(found)}: its forward pass is another one"
            if found.candidate.shows_its_loss_alone:
                other = "shows nothing of its forward pass but a loss"
            text = f"{name} {other}.{gradients}"
        case "undecided":
            text = f"{name} can't be judged: {_doubt(found)}."
        case "forward-conforms":
            agrees = f"agrees with {_possessive(found)}{_as_a_step(found)}{_to_single(outcome)}"
            text = f"The forward pass of {name} {agrees}; {_no_gradients(found)}."
        case "gradients-conform":
            agreement = _agreement(found, constant)
            text = f"{name} conforms in its gradients: {agreement}. {FORWARD_IS_OURS}"
        case "step-conforms":
            gradients = _no_gradients(found) if outcome.backward is None else _agreement(found, constant)
            agrees = f"agrees with {_possessive(found)}{_to_single(outcome)}: {gradients}"
            text = f"A single step of {name} {agrees}. {_not_judged(found)}."
        case _:
            agrees = f"{name} agrees with {found.network}{_as_a_step(found)}{_to_single(outcome)}"
            agreement = f"{agrees}: {_agreement(found, constant)}."
            text = " ".join([agreement, *found.as_written])
    return text


def _accusation(found: Found) -> str:
    if found.right_from_zero:
        return f"{found.name} agrees with {found.network} from h_0 = 0 only. From another h_0, {_difference(found)}."
    if found.wrong_later:
        return f"{found.name} {found.wrong_later}."
    if found.right_for:
        steps = found.candidate.case.steps
        return f"{found.name} is right for {found.right_for} steps, and goes wrong for {steps}: {_difference(found)}."
    return f"{found.name} differs from {found.network}{_as_a_step(found)}: {_difference(found)}."


def gradients_of_its_own(own: ConsistencyRecord) -> str:
    """Return in words how gradients compare with the network's own forward pass."""
    if own.agrees is None:
        return f"Its gradients can't be judged by its own forward pass: {own.reason}"
    if own.agrees:
        factor = float(own.factor)
        constant = "" if factor == 1 else f", up to the constant {factor:.6g}"
        return f"Its gradients agree with its own forward pass{constant}"
    wrong = [q.quantity for q in own.quantities if q.verdict == "differs"]
    return f"Its gradients don't agree with its own forward pass either: {', '.join(wrong)}{_carried(own)}"


def _carried(own: ConsistencyRecord) -> str:
    """Return in words the constant that the gradients carry which are right, where others are wrong."""
    factor = float(own.factor)
    return "" if factor == 1 else f" (the others carry the constant {factor:.6g})"


def counted(phase: Phase, outcome: Outcome) -> str:
    """Return how much of one pass is wrong, by quantity: `2 of 5 gradients`."""
    names = _names(outcome.judged.of_phase(phase))
    wrong = _names([f for f in outcome.judged.of_phase(phase) if f.verdict == "differs"])
    noun = "gradient" if phase == "backward" else "quantity"
    several = "gradients" if phase == "backward" else "quantities"
    return f"{len(wrong)} of {len(names)} {noun if len(names) == 1 else several}"


def _names(findings: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(f.comparison.quantity for f in findings))


def _agreement(found: Found, constant: ScaleRecord | None) -> str:
    outcome = found.outcome
    gradients = f"all gradients but {_unshown(found)}" if found.unshown else "all gradients"
    if found.own_loss is not None and found.own_loss.agrees:
        return f"forward, and all gradients are those of the loss that {found.own_loss.name}"
    forward = gradients if outcome.forward is None else f"forward and {gradients}"
    if found.forward_is_ours:
        forward = f"{gradients} agree with {_possessive(found)}"
    if constant is None:
        return forward
    return f"{forward}, up to the constant {constant.name or f'{float(constant.factor):.6g}'}"


def _no_gradients(found: Found) -> str:
    if not found.uncalled:
        return "there is no backward pass to check"
    names, problem = ", ".join(names_of(found.uncalled)), found.uncalled[0].problem
    why = f" ({problem})" if problem else ""
    return f"no gradient was judged: {names} may be a backward pass and could not be called{why}"


def names_of(attempts: Sequence[Attempt]) -> list[str]:
    """Return what was attempted by the names that people give it."""
    return [attempt.what.partition(".")[2] for attempt in attempts]


def _unshown(found: Found) -> str:
    """Return the gradients of parameters that aren't shown: `dL/dW_hh and dL/db_ih, which it doesn't show`."""
    names = [named_gradient(name) for name in found.unshown]
    return f"{' and '.join(names)}, which it doesn't show"


def _possessive(found: Found) -> str:
    """Return whose passes a network's own are held against: `torch.nn.LSTM's`, `those of …`."""
    return f"{found.network}'s" if found.network.startswith("torch") else f"those of {found.network}"


def _as_a_step(found: Found) -> str:
    return " as a single step" if found.stepwise else ""


def _to_single(outcome: Outcome) -> str:
    return " to single precision" if outcome.precision == "single" else ""


def _difference(found: Found) -> str:
    outcome = found.outcome
    if found.outputs_differ and outcome.forward != "differs":
        return f"its outputs and {counted('backward', outcome)} are wrong"
    if outcome.forward == "differs":
        return f"its forward pass is wrong ({counted('forward', outcome)})"
    if outcome.backward == "differs":
        forward = "forward agrees, " if outcome.forward == "agrees" else ""
        return f"{forward}{counted('backward', outcome)} wrong"
    return found.complaints[0].removesuffix(".")


def _not_judged(found: Found) -> str:
    """Tell which loops over time were not judged, and how the first of them ended."""
    were = "was" if len(found.unrun) == 1 else "were"
    return f"{', '.join(names_of(found.unrun))} {were} not judged ({found.unrun[0].problem})"


def _doubt_of_a_step(found: Found) -> str:
    if found.unrun:
        return f"{_not_judged(found)}, and the single step that was judged in its place does not agree"
    if found.candidate.case.steps == 1:
        return f"as a single step, {_difference(found)}, but {NOT_ESTABLISHED}"
    return "it agrees as a single step, but not when conformance calls it in a loop, which it may not be written for"


def _denial(found: Found) -> str:
    """Return what speaks against gradients that agree, empty where nothing does."""
    if found.own_loss is not None and not found.own_loss.agrees:
        return f"its gradients are those of another loss than the one that {found.own_loss.name}"
    if found.withheld and not found.contradicted:
        return (
            "its gradients are right in local variables, but a caller doesn't get them, and no known rule (an update, "
            "a clip, a norm) makes what it gets of them"
        )
    return found.contradicted


def _excused(found: Found) -> str:
    """Return why gradients that differ aren't held against a network."""
    if found.excuse == NOT_ESTABLISHED:
        return f"{NOT_ESTABLISHED}, so it may be written for another one; an adapter states which (`conformance init`)"
    steps = found.candidate.case.steps
    return (
        f"for {found.right_for} steps all is right; for {steps} {found.excuse}"
        if found.right_for
        else found.excuse
    )


def _doubt(found: Found) -> str:
    outcome = found.outcome
    if (outcome.agrees or found.right_by_its_own) and (denial := _denial(found)):
        return denial
    if found.unrun or (found.stepwise and not found.established):
        return _doubt_of_a_step(found)
    if found.excuse:
        return _excused(found)
    if outcome.forward is None and outcome.backward is None:
        return "it showed nothing that could be compared"
    if outcome.agrees and found.unshown:
        names = " and ".join(named_gradient(name) for name in found.unshown)
        was = "was" if len(found.unshown) == 1 else "were"
        return (
            f"all that it shows agrees, but {names} {was} not found among what its backward pass gives: "
            "it may have a wrong shape"
        )
    return "rounding could be as large as the differences seen"
