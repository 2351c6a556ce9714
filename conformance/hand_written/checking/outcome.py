"""What a run comes to: agreement as it stands, up to one constant, to single precision, or a difference."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from conformance.hand_written.checking.judging import Judged, Truth, judge
from conformance.hand_written.checking.scale import Scale, divided, same_up_to_a_constant
from conformance.record import Verdict
from conformance.subjects.observation import Observation

Agreement = Literal["double", "single"]
WRONG: tuple[Verdict, ...] = ("differs", "undecidable")


class Outcome(Struct, frozen=True, kw_only=True):
    """The kindest reading of a run under which it agrees, or the run as it stands where there is none.

    Attributes
    ----------
    judged
        The findings under that reading.
    precision
        Whether they agree to float64's rounding, or to float32's only.
    scale
        The constant that all gradients carry, None for 1.
    """

    judged: Judged
    precision: Agreement = "double"
    scale: Scale | None = None

    @property
    def forward(self) -> Verdict | None:
        """What the forward pass comes to, None where nothing of it was shown."""
        return self.judged.verdict("forward")

    @property
    def backward(self) -> Verdict | None:
        """What the backward pass comes to, None where nothing of it was shown."""
        return self.judged.verdict("backward")

    @property
    def agrees(self) -> bool:
        """Whether all that was shown agrees, and something was."""
        verdicts = {self.forward, self.backward} - {None}
        return bool(verdicts) and verdicts <= {"agrees", "vacuous"} and "agrees" in verdicts


def outcome_of(truth: Truth, shown: Observation, *, single: bool = True) -> Outcome:
    """Read what was `shown` as kindly as it can be: in double precision, then in single, up to a constant or not.

    Without `single` nothing is read in single precision.
    """
    first = Outcome(judged=judge(truth, shown))
    if first.agrees:
        return first
    readings = list(_readings(truth, shown, first, single=single))
    kind = next((r for r in readings if r.precision == "single"), first)
    only_then = first.forward == "differs" and kind.forward == "agrees"
    return next((found for found in readings if found.agrees), kind if only_then else first)


def _readings(truth: Truth, shown: Observation, first: Outcome, *, single: bool) -> Iterator[Outcome]:
    """Yield the other readings of a run, the kinder ones last."""
    yield from _scaled(first.judged, "double")
    if single:
        judged = judge(truth.in_single_precision(), shown)
        yield Outcome(judged=judged, precision="single")
        yield from _scaled(judged, "single")


def _scaled(judged: Judged, precision: Agreement) -> Iterator[Outcome]:
    """Yield the reading in which all gradients carry one constant, where there is one."""
    if judged.verdict("forward") == "differs" or judged.verdict("backward") != "differs":
        return
    scale = same_up_to_a_constant(judged)
    if scale is not None:
        yield without(judged, scale, precision)


def without(judged: Judged, scale: Scale, precision: Agreement) -> Outcome:
    """Return what a run comes to without a constant that all its gradients carry."""
    unscaled = divided(judged.shown, scale.factor, steps=scale.steps)
    return Outcome(judged=judge(judged.truth, unscaled), precision=precision, scale=scale)
