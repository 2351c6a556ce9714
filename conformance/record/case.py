"""What one subject did on one case: numbers and words, never arrays of the problem."""

from typing import Literal

from conformance.record.body import Body, Number
from conformance.record.pictures import MapRecord, MatrixRecord

Verdict = Literal["agrees", "differs", "undecidable", "vacuous", "unsupported", "error"]
Scale = Literal["bound", "noise", "copy"]

FREE_RUN = " after a free run"
"""What a record adds to a quantity that is compared after both sides ran freely."""

SHARE_STEPS = 18
"""Steps of a histogram of shares: exactly 0, up to 2⁻¹⁵, then a step for every power of two up to 1, and beyond 1."""


class DivergenceRecord(Body):
    """The first element beyond its bound, in the order of the data flow."""

    phase: Literal["forward", "backward"]
    quantity: str
    basis: str
    where: str
    got: Number
    expected: Number
    bound: Number
    share: Number
    absolute: Number
    relative: Number
    ulp: Number


class QuantityRecord(Body, array_like=True):
    """How one quantity came out, over all layers and directions of a case: a row, in the order of the fields.

    `worst_share` and `median_share` are |got - expected| / bound, where the bound is one step's rounding ("bound"),
    many times the problem's rounding noise ("noise") or nothing ("copy"). The sizes of the difference are the
    greatest of each, which need not be at one element. `agrees_to` is the greatest bound over the greatest value.
    `relation` is the law between two runs of the subject that is judged, or "" where it is compared with the reference.
    """

    quantity: str
    relation: str
    verdict: Verdict
    scale: Scale
    agrees_to: Number
    elements: int
    mismatches: int
    undecided: int
    worst_share: Number
    median_share: Number
    worst_where: str
    absolute: Number
    relative: Number
    ulp: Number


class DistanceRecord(Body, array_like=True):
    """How far a result lies from the reference's after both ran freely: a row; told, never judged."""

    quantity: str
    absolute: Number
    relative_to_largest: Number
    ulp: Number


class CaseRecord(Body, omit_defaults=True):
    """What one subject did on one case.

    `noise` is the greatest rounding noise of a result over the result itself, None where it wasn't measured. `shares`
    counts all elements judged by their share of the bound or of what noise allows, in `SHARE_STEPS` steps.
    `reproduce` is the line that runs it again, empty for one of our subjects in a record that keeps totals.
    `library` is the one whose tanh the bounds assume, empty where they allow what any known one needs.
    `platform` is the place in the record's list of environments of the one in which the case was run. `maps` and
    `matrices` are what pictures show of a case that differs.
    """

    case: str
    subject: str
    verdict: Verdict
    reason: str = ""
    quantities: list[QuantityRecord] = []  # noqa: RUF012 - msgspec copies it for every record
    not_shown: list[str] = []  # noqa: RUF012
    distances: list[DistanceRecord] = []  # noqa: RUF012
    first_divergence: DivergenceRecord | None = None
    third_opinion: str = ""
    reproduce: str = ""
    noise: Number | None = None
    shares: dict[Scale, list[int]] = {}  # noqa: RUF012
    library: str = ""
    platform: int = 0
    maps: list[MapRecord] = []  # noqa: RUF012
    matrices: list[MatrixRecord] = []  # noqa: RUF012


class RulingRecord(Body, array_like=True):
    """What an expected failure or a baseline made of a case, where it isn't the verdict alone that counts: a row.

    "expected" and "known" fail nothing; "fails" is a pass that wasn't expected, or a verdict worse than before.
    """

    case: str
    subject: str
    platform: int
    outcome: Literal["expected", "known", "fails"]
    reason: str


class Timing(Body, array_like=True):
    """Seconds that one case record took, by part: a row."""

    subject: float
    reference: float
    judging: float
    total: float
