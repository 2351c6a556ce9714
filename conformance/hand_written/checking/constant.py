"""The one constant on all gradients that is told: against the loss that the code declares, or else as it was asked."""

from conformance.hand_written.checking.found import Found
from conformance.hand_written.checking.scale import named, uncertainty
from conformance.record import exact
from conformance.record.check import ScaleRecord

AS_ASKED = {
    "targets": "½·Σ(output − target)²",
    "binary cross-entropy": "the binary cross-entropy summed over everything",
    "squared error of sigmoid(y)": "½·Σ(sigmoid(y) − target)²",
    "softmax cross-entropy": "the cross-entropy summed over everything",
}
"""The loss whose gradient is asked for, by the way in which the loss enters the backward pass."""


def constant_of(found: Found) -> ScaleRecord | None:
    """Return the constant that all gradients of a network carry, None where that is 1 or nothing is known of one."""
    known = _known(found)
    if known is None:
        return None
    factor, error, name = known
    bound, case = found.candidate.bound, found.candidate.case
    kind = "" if bound.loss is None else bound.loss.kind
    against = AS_ASKED.get(kind, "the loss whose gradient it was handed")
    if found.declared is not None:
        against = f"the loss that {found.declared.name}"
        error = abs(factor / found.declared.factor) * (
            error / abs(factor) + found.declared.error / abs(found.declared.factor)
        )
        factor /= found.declared.factor
        name = named(factor, case, error)
    if abs(factor - 1) <= error:
        return None
    return ScaleRecord(factor=exact(factor), name=name, against=against, declared=found.declared is not None)


def _known(found: Found) -> tuple[float, float, str] | None:
    """Return the constant against what was asked, how uncertain it is, and its name; None where none is known."""
    scale, diagnosis = found.outcome.scale, found.diagnosis
    error = uncertainty(found.outcome.judged.truth)
    if scale is not None:
        return scale.factor, error * abs(scale.factor), scale.name
    if diagnosis is not None and diagnosis.explained:
        return diagnosis.scale, error * abs(diagnosis.scale), diagnosis.scale_name
    return (1.0, error, "") if found.outcome.backward == "agrees" else None
