"""What a record says in total, over all its cases: computed from them, or kept where single cases keep less."""

from conformance.record.body import Body, Number
from conformance.record.case import Scale


class Worst(Body, array_like=True):
    """What many comparisons of one kind say of one quantity; sizes are those of the comparison with the worst share.

    `median` is the median over cases of the median over elements.
    """

    cases: int = 0
    elements: int = 0
    share: Number = 0.0
    median: Number = 0.0
    case: str = ""
    where: str = ""
    ulp: Number = 0.0
    absolute: Number = 0.0
    relative: Number = 0.0


class Agreement(Body, array_like=True):
    """One quantity of one subject in one precision over a group of cases.

    `stepwise` gathers the comparisons of single steps, in units of their bound, `free` those after a free run, in units
    of what noise allows, which is `allowed` times the noise; either may have none.
    """

    subject: str
    quantity: str
    dtype: str
    group: str
    stepwise: Worst
    free: Worst
    allowed: float

    @property
    def noise_ratio(self) -> float:
        """The worst difference after a free run in units of noise."""
        return float(self.free.share) * self.allowed

    @property
    def leading(self) -> Worst:
        """The comparisons whose sizes are shown: of single steps where there are any."""
        return self.stepwise if self.stepwise.cases else self.free


class RelationTotal(Body, array_like=True):
    """What a law between two runs of one subject came to, in one precision."""

    subject: str
    relation: str
    dtype: str
    worst: Worst


class Apart(Body, array_like=True):
    """How far free runs of one subject end up from the reference, over the cases of one regime and precision.

    `typical` and `largest` are the median and the greatest over cases of the relative distance.
    """

    subject: str
    regime: str
    dtype: str
    cases: int
    typical: Number
    largest: Number
    worst_case: str
    absolute: Number


class Shares(Body, array_like=True):
    """A histogram of the shares of all elements of one subject, in one precision and on one scale."""

    subject: str
    dtype: str
    scale: Scale
    steps: list[int]


class Totals(Body):
    """All totals of a record."""

    agreements: list[Agreement]
    relations: list[RelationTotal]
    apart: list[Apart]
    shares: list[Shares]
