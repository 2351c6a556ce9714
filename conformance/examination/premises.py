"""The premises on which a subject's results are right: those that hold for all, or more that it may have.

Nobody is allowed them beforehand. They are tried where something differs, one after the other, and count only where
nothing does any more: then they are told with the verdict.
"""

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct

from conformance.cases import Problem
from conformance.judge import (
    Allowance,
    Finding,
    allowances,
    decided,
    end_to_end_check,
    local_check,
    settled,
    slopes_may_be_from_a,
    some_are_flushed,
)
from conformance.subjects.observation import Observation

FLUSHED = "Subnormal numbers are taken for 0, and allowed to be."


class Premises(Struct, frozen=True, kw_only=True):
    """What a subject is allowed beyond what all are.

    Attributes
    ----------
    flushes
        Subnormals may be 0.
    slopes
        tanh' may be formed from a pre-activation, and differs by up to so many bounds of the formulas from h; else 0.
    """

    flushes: bool = False
    slopes: float = 0.0

    def further(self, findings: Sequence[Finding], problem: Problem, tanh: float) -> "Premises | None":
        """Return what more may explain what differs in `findings`; None if nothing does."""
        if not self.flushes and some_are_flushed(findings, problem.format):
            return Premises(flushes=True, slopes=self.slopes)
        if not self.slopes and problem.case.nonlinearity == "tanh" and slopes_may_be_from_a(findings, tanh):
            return Premises(flushes=self.flushes, slopes=max(f.worst_share or 0.0 for f in findings))
        return None

    @property
    def sentences(self) -> list[str]:
        """All of them in words."""
        bounds = math.ceil(10 * self.slopes) / 10
        another = (
            f"Another formula for tanh' than of h, within {bounds:.1f} bounds of those and within its own."
        )
        return [FLUSHED] * self.flushes + [another] * bool(self.slopes)


NONE = Premises()


class Trial(Struct, frozen=True, kw_only=True):
    """What a subject showed of a problem, to be judged on one or other premises."""

    problem: Problem
    observation: Observation
    exact: Observation  # the reference in float64
    allowed: Mapping[str, Allowance]  # to a subject without further premises
    tanh: float

    def on(self, premises: Premises) -> tuple[list[Finding], Mapping[str, Allowance]]:
        """Return what is found on these premises, and what they allow to results."""
        flushes, problem, shown = premises.flushes, self.problem, self.observation
        allowed = allowances(problem, self.exact, flushes=True) if flushes else self.allowed
        local = local_check(problem, shown, tanh=self.tanh, flushes=flushes, slopes=bool(premises.slopes))
        free = end_to_end_check(problem, shown, self.exact, allowed, decided(problem, local))
        return settled(local, free), allowed

    def judged(self) -> tuple[list[Finding], Mapping[str, Allowance], Premises]:
        """Return the same on the fewest premises on which nothing differs; on none, where something always does."""
        usual = findings, allowed = self.on(NONE)
        premises: Premises | None = NONE
        while differs(findings):
            premises = premises.further(findings, self.problem, self.tanh)
            if premises is None:
                return *usual, NONE
            findings, allowed = self.on(premises)
        return findings, allowed, premises


def differs(findings: Sequence[Finding]) -> bool:
    """Return whether anything is beyond its bound."""
    return any(finding.verdict == "differs" for finding in findings)
