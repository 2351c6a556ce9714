"""The record of a whole run, and where and with what it was made."""

from conformance.record.body import Body
from conformance.record.case import CaseRecord, RulingRecord, Timing
from conformance.record.evidence import ContractRecord, LackRecord, PowerRecord, ProfileRecord, Scales
from conformance.record.totals import Totals

SCHEMA = 3
"""The version of this layout; it grows when a reader of the one before would go wrong."""


class Library(Body):
    """A library that computes in threads of its own."""

    name: str
    version: str
    threads: int
    architecture: str


class Environment(Body):
    """Where and with what a record was made; `frameworks` are the versions of those installed beside torch.

    Without torch its version is empty, and it has no threads.
    """

    refrnn: str
    python: str
    platform: str
    machine: str
    processor: str
    cores: int
    numpy: str
    torch: str
    torch_threads: int
    torch_capability: str
    libraries: list[Library]
    flushes_subnormals: dict[str, bool]
    variables: dict[str, str]
    frameworks: dict[str, str] = {}  # noqa: RUF012 - msgspec copies it for every record


class Record(Body):
    """A whole run, or several merged into one.

    `environments` holds one entry for every platform; a single run has one. `descriptions` says what each subject is.
    `power`, `contracts` and `profiles` are there where the run gathered them, `lacks` where single cases were run,
    `rulings` where an expected failure or a baseline had a say. `totals` are there where the record is condensed: cases
    that agree then keep their worst quantities alone, and no timings.
    """

    schema: int
    complete: bool
    suite: str
    seed: int | None
    subjects: list[str]
    descriptions: dict[str, str]
    summary: dict[str, int]
    scales: Scales
    cases: list[CaseRecord]
    environments: list[Environment]
    seconds: float
    timings: list[Timing]
    power: PowerRecord | None = None
    contracts: list[ContractRecord] = []  # noqa: RUF012 - msgspec copies it for every record
    profiles: list[ProfileRecord] = []  # noqa: RUF012
    lacks: list[LackRecord] = []  # noqa: RUF012
    rulings: list[RulingRecord] = []  # noqa: RUF012
    totals: Totals | None = None
