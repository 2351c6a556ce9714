"""What a run gathers beside its cases: how strong the checks are, and pictures of single runs."""

from conformance.record.body import Body, Number


class Scales(Body):
    """The two numbers on which every comparison in units of noise rests.

    From `differs_from` units of noise on a result differs; from a noise of `undecidable_from` of the quantity itself on
    nothing can be decided.
    """

    differs_from: float
    undecidable_from: float


class MutantRecord(Body, array_like=True):
    """A planted fault, in words, and the first case that shows it; "" where none does: a row."""

    fault: str
    name: str
    case: str


class PowerRecord(Body):
    """What the checks and data of a run would have caught, missed and falsely accused.

    Mutants were run on `cases` cases, small disturbances and right code on `probed` of them. `disturbed` counts the
    disturbances that were due to be seen, `seen` those that were; the others are told in `overlooked`.
    """

    cases: int
    probed: int
    mutants: list[MutantRecord]
    disturbed: int
    seen: int
    overlooked: list[str]
    accused: list[str]


class ContractRecord(Body, omit_defaults=True):
    """What torch.nn.RNN refuses or takes, tried out: `holds` is false where anything has changed.

    `depends_on` names what of the processor has a say in it, "" where nothing has.
    """

    id: str
    statement: str
    expected: str
    observed: str
    holds: bool
    reference: str
    depends_on: str = ""


class ProfileRecord(Body):
    """How far both sides are from a more precise run along t, on one case, in one sequence of results.

    All errors are the greatest of a step, relative to the greatest value of that step. Long sequences are thinned:
    `steps` holds the first step of every stretch, the other lists the greatest of the stretch. `noise` is the scatter
    of correct programs in the same unit.
    """

    case: str
    subject: str
    quantity: str
    oracle: str
    steps: list[int]
    subject_error: list[Number]
    reference_error: list[Number]
    noise: list[Number]


class LackRecord(Body, array_like=True):
    """Something that the data of a case don't have, and the faults that can't show for that: a row.

    The case is vacuous for these faults, whatever its verdict.
    """

    case: str
    name: str
    hides: str
    faults: list[str]
